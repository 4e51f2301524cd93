import type { FlowCustomer } from '@sync/shared/flow/schema'
import { type OmniumCustomer, type OmniumKind, readOmniumCustomer } from '@sync/shared/omnium/schema'
import { aCompany, aPerson, aTenant } from '@sync/shared/testing/builders'
import { describe, expect, test } from 'vitest'
import { decideUpsert } from './decide.ts'
import { mapToFlow } from './map-to-flow.ts'
import { answerInOmnium } from './testing/answered.ts'
import { address, contact, given, settle } from './testing/company-lists.ts'
import { createWorld } from './testing/world.ts'

const V1 = '2026-01-01T09:00:00Z'
const V2 = '2026-01-01T10:00:00Z'
const wrote = (version = V1) => ({ key: 'flowLastModifiedAt', value: version })
const wroteElements = (ids: object) => ({ key: 'flowElementIds', value: JSON.stringify(ids) })
const omniumOf = (raw: object) =>
  readOmniumCustomer({ customerId: '1000', properties: [wrote()], ...raw }) as OmniumCustomer
const upsert = (kind: OmniumKind, flow: FlowCustomer, own: OmniumCustomer) => {
  const decision = decideUpsert(kind, flow, { own, otherKindExists: false }, aTenant())
  return 'body' in decision ? decision : { ...decision, body: undefined, changed: [] }
}

describe('a field of Omnium’s that cannot be read', () => {
  const edited = { lastModifiedAt: V2 }

  test.each<[OmniumKind, string, object, object, object]>([
    ['B2C', 'firstName', { firstname: 'Kari' }, { firstName: {} }, { firstName: 'Kari' }],
    ['B2C', 'lastName', { lastname: 'Moen' }, { lastName: [] }, { lastName: 'Moen' }],
    ['B2C', 'email', { email: 'k@example.com' }, { email: {} }, { email: 'k@example.com' }],
    ['B2C', 'phone', { mobile: '+4790000000' }, { phone: {} }, { phone: '+4790000000' }],
    ['B2C', 'customerNumber', { loyaltyId: '7' }, { customerNumber: {} }, { customerNumber: '7' }],
    ['B2B', 'name', { companyName: 'A' }, { name: {}, address: { name: 'A' } }, { name: 'A' }],
    ['B2B', 'taxId', { vatNumber: 'NO1' }, { taxId: {} }, { taxId: 'NO1' }],
    [
      'B2B',
      'address.city',
      { city: 'Oslo' },
      { address: { city: {}, line2: 'Loftet' } },
      { address: { city: 'Oslo', line2: 'Loftet' } },
    ],
  ])('(of a %s: %s) is no sign that nothing was edited', (kind, field, flow, own, body) => {
    const address = kind === 'B2C' ? { address: { countryCode: 'NO' } } : {}
    const customer = (kind === 'B2C' ? aPerson : aCompany)({ ...flow, ...edited })

    const decision = upsert(kind, customer, omniumOf({ ...address, ...own }))

    expect(decision.changed).toEqual([field])
    expect(decision.body).toMatchObject(body)
  })

  test('is written once for each version of Flow’s customer', () => {
    const flow = aPerson({ email: 'k@example.com', ...edited })
    const own = (version: string) =>
      omniumOf({ email: {}, address: { countryCode: 'NO' }, properties: [wrote(version)] })

    expect([upsert('B2C', flow, own(V1)).changed, upsert('B2C', flow, own(V2)).changed]).toEqual([['email'], []])
    expect(upsert('B2C', { ...flow, lastModifiedAt: null }, own(V2)).changed).toEqual(['email'])
  })

  test.each([null, undefined])('is not cleared because Flow says %j', (email) => {
    const flow = aPerson({ email, firstname: 'Kari', ...edited })

    const { changed } = upsert('B2C', flow, omniumOf({ email: {}, address: { countryCode: 'NO' } }))

    expect(changed).toEqual(['firstName'])
  })

  test.each([
    ['the whole address', 'Storgata 1'],
    ['a field that we do not map', { line2: ['Loftet'], city: 'Oslo' }],
    ['a field that Flow leaves out', { line1: {}, city: 'Oslo' }],
  ])('(%s) keeps the address from being written, because a write replaces the address whole', (_what, own) => {
    const flow = aPerson({ city: 'Bergen', firstname: 'Kari', ...edited })

    const { body, changed } = upsert('B2C', flow, omniumOf({ address: own }))

    expect(changed).toEqual(['firstName'])
    expect(body).not.toHaveProperty('address')
  })

  test.each([
    ['an element of a list', { customerRelations: ['x'] }],
    ['a list that is null', { addresses: null }],
    ['a field', { email: {} }],
    ['a property', { properties: [wrote(), 'odd'] }],
    ['all properties', { properties: 'odd' }],
  ])('(%s) of a private customer is not sent back: the fields that differ go in a PATCH', (_what, raw) => {
    const flow = aPerson({ firstname: 'Kari', ...edited })

    const decision = upsert('B2C', flow, omniumOf({ address: { countryCode: 'NO' }, ...raw }))

    expect(decision).toMatchObject({ do: 'patch', changed: expect.arrayContaining(['firstName']) })
    expect(Object.keys(decision.body ?? {})).toEqual(
      expect.not.arrayContaining(['customerRelations', 'addresses', 'email']),
    )
    expect(decision.body?.properties).not.toContain('odd')
  })

  test('says nothing to Flow, not even by the field that would count in its place', () => {
    const customer = omniumOf({ email: 'a@example.com', phone: '1', address: { email: {}, phone: '' } })

    expect(mapToFlow('B2B', customer, aTenant())).toEqual({ mobile: '1' })
  })

  test('is named by the outcome, also when nothing is written', async () => {
    const world = createWorld()
    world.flow.put(aPerson({ email: 'k@example.com', city: 'Oslo', externalId: '1000' }))
    await world.fromFlow('1000')
    world.forget()
    answerInOmnium(world, { address: 'Storgata 1', contacts: null })

    world.flow.edit('1000', { city: 'Bergen' })
    const outcome = await world.fromFlow('1000')

    expect(outcome).toMatchObject({
      ...{ kind: 'skipped', reason: 'unchanged' },
      notes: { unreadable: ['address', 'contacts'] },
    })
    expect(world.writes()).toEqual([])
  })

  test('is named beside what Flow answers and nobody can read, and when the customer is linked', async () => {
    const world = createWorld()
    world.flow.put(aPerson({ email: 'k@example.com' }))
    await world.fromFlow('1000')
    world.flow.put(aPerson({ email: 'k@example.com' }))
    answerInOmnium(world, { email: {} })

    const outcome = await world.fromFlow('1000', { ...aPerson(), mobile: {} } as never)

    expect(outcome).toMatchObject({
      ...{ kind: 'done', effect: { operation: 'linked' } },
      notes: { unreadable: ['email', 'mobile'] },
    })
  })
})

describe('a list of Omnium’s that cannot be read', () => {
  const flow = aCompany({
    ...{ companyName: 'New', lastModifiedAt: V2 },
    contacts: [contact('c1', { email: 'a@example.com' }), contact('c2')],
    addresses: [address('a1')],
  })
  const ours = [wrote(), wroteElements({ contacts: ['c1'], addresses: ['a1'] })]
  const own = (raw: object) =>
    upsert('B2B', flow, omniumOf({ name: 'Old', addresses: [], contacts: [], properties: ours, ...raw }))

  test.each([
    ['a text in it', ['odd', { id: 'c1' }]],
    ['a contact of another system with an unreadable field', [{ id: 'c1' }, { id: 'web', phone: {} }]],
    ['a contact of ours with an unreadable field that Flow leaves out', [{ id: 'c1', phone: {} }]],
    ['null in the place of our contact', null],
    ['no list in the place of our contact', undefined],
  ])('(%s) is not written, and keeps the ids of our elements', (_what, contacts) => {
    const { body, changed } = own({ contacts })

    expect(changed).toEqual(['name', 'address.name', 'addresses'])
    expect(body).not.toHaveProperty('contacts')
    expect(body?.properties).toContainEqual(wroteElements({ contacts: ['c1'], addresses: ['a1'] }))
  })

  test('is written where Flow says all that cannot be read', () => {
    const { body } = own({ contacts: [{ id: 'web' }, { id: 'c1', email: {}, age: 40 }] })

    expect(body?.contacts).toMatchObject([{ id: 'web' }, { id: 'c1', email: 'a@example.com', age: 40 }, { id: 'c2' }])
  })

  test.each([null, undefined])('(%j) gets our first elements, beside all that it may hold', async (contacts) => {
    const world = createWorld({}, { omnium: { patchLists: 'merge-unless-told' } })
    world.flow.put(aCompany({ externalId: '2000' }))
    await world.fromFlow('2000')
    const web = { contacts: [{ id: 'web' }], addresses: [{ externalId: 'web' }] }
    world.omnium.put('B2B', { ...world.omnium.customer('B2B', '2000'), ...web })
    answerInOmnium(world, { contacts, addresses: contacts })

    world.flow.edit('2000', { contacts: [contact('c1')], addresses: [address('a1')] })
    const outcome = await world.fromFlow('2000')

    expect(outcome).toMatchObject({ kind: 'done', effect: { changed: ['contacts', 'addresses'] } })
    expect(world.omnium.customer('B2B', '2000')).toMatchObject({
      contacts: [{ id: 'web' }, { id: 'c1' }],
      addresses: [{ externalId: 'web' }, { externalId: 'a1' }],
    })
  })

  test('is named although Omnium leaves the list out, if our elements should be there', async () => {
    const world = await given()
    answerInOmnium(world, { contacts: undefined })
    world.flow.edit('2000', { companyName: 'B' })

    expect(await world.fromFlow('2000')).toMatchObject({ kind: 'done', notes: { unreadable: ['contacts'] } })
  })

  test('does not prove that an element was removed: the Update of the company is asked for', async () => {
    const world = await given({}, { omnium: { patchLists: 'merge' } })
    let isOdd = false
    world.omnium.after(({ operation }) => {
      if (operation !== 'patchCustomer' || isOdd) return
      isOdd = true
      answerInOmnium(world, { addresses: ['odd'] })
    })

    world.flow.edit('2000', { addresses: [address('a2')] })
    const outcome = await settle(world, {}, () => {})

    expect(isOdd).toBe(true)
    expect(outcome).toMatchObject({ notes: { unreadable: ['addresses'] } })
  })
})

describe('properties of Omnium’s that cannot be read', () => {
  test('do not make an old edit of Flow’s the newest', async () => {
    const world = createWorld()
    world.flow.put(aPerson({ firstname: 'Old' }))
    await world.fromFlow('1000')
    const old = world.flow.customer('1000')!
    world.flow.edit('1000', { firstname: 'New' })
    await world.fromFlow('1000')
    answerInOmnium(world, { properties: 'odd' })

    await world.restarted().fromFlow('1000', old)

    expect(world.omnium.customer('B2C', '1000')?.firstName).toBe('New')
  })

  test('do not bring back a customer whom Flow has erased', async () => {
    const world = createWorld({ omniumCustomerEvents: 'create' })
    world.flow.put(aPerson({ firstname: 'Kari' }))
    await world.fromFlow('1000')
    world.flow.erase('1000')
    const omnium = { ...world.omnium.customer('B2C', '1000')!, properties: 'odd' }

    const outcome = await world.fromOmnium('B2C', '1000', {}, omnium as never)

    expect(outcome).toMatchObject({ kind: 'retry', message: expect.stringContaining('properties') })
    expect(world.flow.customer('1000')).toBeUndefined()
  })

  test('keep the ids of our elements', () => {
    const flow = aCompany({ companyName: 'New', contacts: [], lastModifiedAt: V2 })

    const { body } = upsert('B2B', flow, omniumOf({ name: 'Old', contacts: [], properties: 'odd' }))

    const properties = body?.properties as { key: string }[] | undefined
    expect(properties?.map(({ key }) => key)).toEqual(['flowUid', 'flowLastModifiedAt'])
  })
})
