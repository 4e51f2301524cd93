import { type FlowCustomer, readFlowCustomer } from '@sync/shared/flow/schema'
import { aCompany, aPerson } from '@sync/shared/testing/builders'
import { describe, expect, test } from 'vitest'
import { mapAddresses } from './map-to-omnium.ts'
import { createWorld } from './testing/world.ts'

const flowOf = (raw: object) => readFlowCustomer({ ...aCompany(), ...raw }) as FlowCustomer

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
