import { type FlowCustomer, readFlowCustomer } from '@sync/shared/flow/schema'
import { type OmniumCustomer, type OmniumKind, readOmniumCustomer } from '@sync/shared/omnium/schema'
import { aCompany, anOmniumCustomer, aPerson, aTenant } from '@sync/shared/testing/builders'
import { describe, expect, test } from 'vitest'
import { decideUpsert } from './decide.ts'
import { decideFlowUpdate } from './decide-flow.ts'
import { mapToFlow } from './map-to-flow.ts'
import { mapAddresses } from './map-to-omnium.ts'
import { createWorld } from './testing/world.ts'

const flowOf = (raw: object) => readFlowCustomer({ ...aCompany(), ...raw }) as FlowCustomer
const omniumOf = (raw: object) => readOmniumCustomer({ customerId: '2000', ...raw }) as OmniumCustomer
const wrote = { key: 'FlowOmniumSyncLastModifiedAt', value: '2026-01-01T09:00:00Z' }
const upsert = (kind: OmniumKind, flow: FlowCustomer, own: OmniumCustomer) => {
  const decision = decideUpsert(kind, flow, { own, otherKindExists: false, isFromSearch: false }, aTenant())
  return 'body' in decision ? decision : { ...decision, body: undefined, changed: [] }
}

describe('what Flow answers and nobody can read', () => {
  test('changes, clears and removes nothing, and is named; the rest is applied', async () => {
    const world = createWorld()
    const before = { firstname: 'Kari', email: 'kari@example.com', city: 'Oslo' }
    world.flow.put(aPerson(before))
    await world.fromFlow('1000')
    world.forget()

    const odd = { ...before, lastModifiedAt: '2026-01-01T11:00:00Z', postalCode: 5003, loyaltyId: 12345 }
    const outcome = await world.fromFlow('1000', { ...aPerson(), ...odd, email: {}, mobile: ['1'] } as never)

    expect(outcome).toMatchObject({
      kind: 'done',
      effect: { changed: ['address.postalCode', 'customerNumber'] },
      notes: { unreadable: ['email', 'mobile'] },
    })
    expect(world.omnium.customer('B2C', '1000')).toMatchObject({
      ...{ firstName: 'Kari', email: 'kari@example.com', customerNumber: '12345' },
      address: { city: 'Oslo', postalCode: '5003' },
    })
  })

  test.each([
    ['null', null],
    ['with a text in it', [{ customerContactUid: 'c1', firstname: 'Kari' }, 'Ola']],
    ['with an unreadable id in it', [{ customerContactUid: { id: 1 } }]],
    ['a text', 'none'],
  ])('of a list that is %s removes and changes no element', async (_what, contacts) => {
    const world = createWorld()
    const list = [{ customerContactUid: 'c1' }, { customerContactUid: 'c2' }]
    world.flow.put(aCompany({ contacts: list, addresses: [{ customerAddressUid: 'a1', city: 'Oslo' }] }))
    await world.fromFlow('2000')
    world.forget()

    const edited = { ...aCompany(), companyName: 'New', lastModifiedAt: '2026-01-01T11:00:00Z', contacts }
    const outcome = await world.fromFlow('2000', edited as never)

    expect(outcome).toMatchObject({ kind: 'done', notes: { unreadable: ['contacts'] } })
    const sent = world.omnium.writes()[0]?.body
    expect(sent).toMatchObject({ name: 'New' })
    expect(sent).not.toHaveProperty('contacts')
    expect(world.omnium.customer('B2B', '2000')?.contacts?.map(({ id }) => id)).toEqual(['c1', 'c2'])
  })

  test.each([
    ['a text', 'P1'],
    ['an object without a uid', { displayName: 'Shop' }],
    ['an object with an unreadable uid', { customerUid: {} }],
  ])('of a parent that is %s announces no parent', async (_what, parentCustomer) => {
    const world = createWorld()
    world.flow.put(aCompany({ parentCustomer: { customerUid: 'P1' } }))
    await world.fromFlow('2000')
    world.forget()

    const outcome = await world.fromFlow('2000', { ...aCompany({ companyName: 'New' }), parentCustomer } as never)

    expect(outcome).toMatchObject({ notes: { unreadable: ['parentCustomer'] } })
    expect(world.publisher.published).toEqual([])
  })

  test('of the link leaves the link alone', async () => {
    const world = createWorld()
    world.flow.put(aPerson({ externalId: 'other-system' }))

    await world.fromFlow('1000', { ...aPerson({ firstname: 'Kari' }), externalId: {} } as never)

    expect(world.flow.writes()).toEqual([])
  })

  test('of the names of an address takes no other name in their place', () => {
    const nameOf = (address: object) =>
      mapAddresses(flowOf({ addresses: [{ customerAddressUid: 'a1', displayName: 'Ola', ...address }] }))?.[0]?.fields
        .name

    expect(nameOf({ companyName: {} })).toBeUndefined()
    expect(nameOf({ companyName: 'Shop', firstname: {} })).toBe('Shop')
    expect(nameOf({ companyName: null })).toBe('Ola')
  })
})

describe('what Omnium answers and nobody can read', () => {
  test('is sent back as it came when a private customer is updated', () => {
    const own = readOmniumCustomer({
      ...{ customerId: '1000', firstName: 'Kari', email: {}, phone: 90000000, tags: [1, 'x'] },
      address: { city: 'Oslo', line1: ['Storgata', 1], postalCode: 5003 },
      contacts: [{ id: 'c1' }, 'odd'],
      properties: ['odd', { key: 'theirs', value: 5 }, wrote],
    }) as OmniumCustomer
    const flow = aPerson({
      firstname: 'Karin',
      email: 'k@example.com',
      mobile: '90000000',
      city: 'Bergen',
      address: 'X 1',
    })

    const { body, changed } = upsert('B2C', flow, own)

    expect(changed).toEqual(['firstName', 'address.countryCode', 'address.city'])
    expect(body).toMatchObject({
      ...{ firstName: 'Karin', email: {}, phone: 90000000, tags: [1, 'x'], contacts: [{ id: 'c1' }, 'odd'] },
      address: { city: 'Bergen', countryCode: 'NO', line1: ['Storgata', 1], postalCode: 5003 },
      properties: expect.arrayContaining(['odd', { key: 'theirs', value: 5 }]),
    })
  })

  test('keeps its list from being written, and an element’s field from being compared', () => {
    const flow = flowOf({ companyName: 'New', contacts: [{ customerContactUid: 'c1', email: 'a@example.com' }] })
    const contact = { id: 'c1', privateCustomerId: '2000' }
    const upsertOver = (contacts: unknown) =>
      upsert('B2B', flow, omniumOf({ name: 'Old', contacts, properties: [wrote] }))

    expect(upsertOver([contact, 'odd']).changed).toEqual(['name', 'address.name'])
    expect(upsertOver([{ ...contact, email: {} }]).changed).toEqual(['name', 'address.name'])
    expect(upsertOver(null).changed).toEqual(['name', 'address.name', 'contacts'])
  })

  test('goes back untouched beside an element that changes', () => {
    const flow = flowOf({ contacts: [{ customerContactUid: 'c1', firstname: 'Kari' }] })
    const theirs = { id: 'x', phone: 5, email: {} }
    const contacts = [theirs, { id: 'c1', lastName: 7, age: 40 }]

    const { body } = upsert('B2B', flow, omniumOf({ contacts, properties: [wrote] }))

    expect(body?.contacts).toEqual([
      theirs,
      { id: 'c1', lastName: 7, age: 40, firstName: 'Kari', privateCustomerId: '2000' },
    ])
  })

  test('says nothing to Flow, not even by the field that would count in its place', () => {
    const customer = omniumOf({ email: 'a@example.com', phone: '1', address: { email: {}, phone: '' } })

    expect(mapToFlow('B2B', customer, aTenant())).toEqual({ mobile: '1' })
  })

  test('of Flow’s own field is not written over from Omnium', () => {
    const flow = readFlowCustomer({ ...aPerson({ firstname: 'Kari' }), email: {} }) as FlowCustomer
    const omnium = { firstName: 'Karin', email: 'k@example.com', modified: '2026-01-03T00:00:00Z' }

    const ofTheirs = decideFlowUpdate('B2C', anOmniumCustomer(omnium), flow, aTenant())
    const ofOurs = decideFlowUpdate('B2C', anOmniumCustomer({ ...omnium, properties: [wrote] }), flow, aTenant())

    expect([ofTheirs, ofOurs]).toEqual([
      { do: 'update', fields: { firstname: 'Karin' } },
      { do: 'update', fields: { firstname: 'Karin' } },
    ])
  })
})
