import { SyncError } from '@sync/shared/errors'
import { done, skipped } from '@sync/shared/outcome'
import { aCompany, aPerson } from '@sync/shared/testing/builders'
import { describe, expect, test } from 'vitest'
import { createWorld } from './testing/world.ts'

const ORDER = { customerId: 'shopper@example.com/7', customerType: 'B2C' }
const SHOPPER = { customerId: ORDER.customerId, firstName: 'A', phone: '+4799999999', modified: '2026-01-01T00:00:00Z' }

describe('a customer that Flow lacks', () => {
  test('is created in Flow, linked, and comes back without a write', async () => {
    const world = createWorld()
    world.omnium.put('B2C', SHOPPER)

    const outcome = await world.fromOrder(ORDER)
    const created = world.flow.customer(ORDER.customerId)
    world.forget()
    const echo = await world.fromFlow(ORDER.customerId)

    expect(outcome).toEqual(
      done({
        operation: 'created',
        target: 'flow',
        changed: ['customerUid', 'customerType', 'externalId', 'firstname', 'lastname', 'mobile'],
        version: SHOPPER.modified,
      }),
    )
    expect(created).toMatchObject({
      customerType: 'PERSON',
      externalId: ORDER.customerId,
      firstname: 'A',
      lastname: '-',
      mobile: '+4799999999',
    })
    expect(echo).toMatchObject({ kind: 'skipped', reason: 'unchanged' })
    expect(world.writes()).toEqual([])
  })

  test("a business customer with its address's e-mail comes back without a write, and the first edit reaches Omnium", async () => {
    const world = createWorld({ parameters: { OMNIUM_CUSTOMER_MARKET_GROUP_ID: 'NO' } })
    world.omnium.put('B2B', {
      customerId: 'B-1',
      name: 'Acme',
      email: 'own@example.com',
      address: { email: 'reception@example.com', line2: 'c/o' },
      contacts: [{ id: 'web', roles: ['buyer'] }],
      addresses: [{ externalId: 'web', line1: 'W 1' }],
    })

    await world.fromOrder({ customerId: 'B-1', customerType: 'B2B' })
    const echo = await world.fromFlow('B-1')
    const untouched = world.omnium.writes().length
    world.flow.edit('B-1', { vatNumber: '7', contacts: [{ customerContactUid: 'c1', firstname: 'C' }], addresses: [] })
    const edited = await world.fromFlow('B-1')

    expect(world.flow.customer('B-1')).toMatchObject({ customerType: 'COMPANY', email: 'reception@example.com' })
    expect(echo).toMatchObject({ kind: 'skipped', reason: 'unchanged' })
    expect(untouched).toBe(0)
    expect(edited).toMatchObject({ kind: 'done', effect: { operation: 'updated' } })
    expect(world.omnium.customer('B2B', 'B-1')).toMatchObject({
      taxId: '7',
      email: 'reception@example.com',
      address: { email: 'reception@example.com', line2: 'c/o' },
      contacts: [
        { id: 'web', roles: ['buyer'] },
        { id: 'c1', firstName: 'C', privateCustomerId: 'B-1' },
      ],
      addresses: [{ externalId: 'web', line1: 'W 1' }],
    })
  })

  test.each([undefined, null, 'GUEST'])('an order of kind %j tries private, then business', async (customerType) => {
    const world = createWorld()
    world.omnium.put('B2B', { customerId: '1000', name: 'Acme' })

    const outcome = await world.fromOrder({ customerId: '1000', customerType })

    expect(outcome).toMatchObject({ kind: 'done', effect: { operation: 'created' } })
    expect(world.omnium.journal.map(({ kind }) => kind)).toEqual(['B2C', 'B2B'])
    expect(world.flow.customer('1000')).toMatchObject({ customerType: 'COMPANY' })
  })

  test("the order's own kind is what counts when Omnium has both", async () => {
    const world = createWorld()
    world.omnium.put('B2C', { customerId: '1000' })
    world.omnium.put('B2B', { customerId: '1000' })

    await world.fromOrder({ customerId: '1000', customerType: 'b2b' })

    expect(world.flow.customer('1000')).toMatchObject({ customerType: 'COMPANY' })
  })

  test('that Omnium has only as the other kind parks', async () => {
    const world = createWorld()
    world.omnium.put('B2C', { customerId: '1000' })

    expect(await world.fromOrder({ customerId: '1000', customerType: 'B2B' })).toMatchObject({
      kind: 'park',
      reason: 'customer-type-conflict',
    })
    expect(world.flow.writes()).toEqual([])
  })

  test('that Omnium lacks too is looked for for a minute, and skipped once the absence is proven as both kinds', async () => {
    const world = createWorld()
    const pending = new SyncError('absence-pending', 'proving an absence', { retryAfterMs: 10_000 })
    const waits: (number | undefined)[] = []

    for (let tries = 0; tries < 20; tries++) {
      const outcome = await world.fromOrder(ORDER)
      if (outcome.kind !== 'retry') break
      waits.push(outcome.afterMs)
      world.pass(outcome.afterMs ?? 0)
    }
    world.omnium.fail({ when: ({ operation }) => operation === 'proveAbsent', error: pending })
    const unproven = await world.fromOrder(ORDER)
    world.forget()
    const proven = await world.fromOrder(ORDER)

    expect(waits.slice(0, 4)).toEqual([1_000, 1_000, 2_000, 4_000])
    expect(waits.reduce<number>((sum, ms) => sum + (ms ?? 0), 0)).toBeGreaterThanOrEqual(60_000)
    expect(unproven).toMatchObject({ kind: 'retry', reason: 'absence-pending', afterMs: 10_000 })
    expect(proven).toEqual(skipped('not-found'))
    const proofs = world.omnium.journal.filter(({ operation }) => operation === 'proveAbsent')
    expect(proofs.map(({ kind, id }) => [kind, id])).toEqual([
      ['B2C', ORDER.customerId],
      ['B2B', ORDER.customerId],
    ])
  })

  test('that appears in Omnium after its order is created', async () => {
    const world = createWorld()
    await world.fromOrder(ORDER)
    world.omnium.put('B2C', SHOPPER)
    world.pass(1_000)

    expect(await world.fromOrder(ORDER)).toMatchObject({ kind: 'done', effect: { operation: 'created' } })
  })

  test('that is created meanwhile (409) exists', async () => {
    const world = createWorld()
    world.omnium.put('B2C', SHOPPER)
    world.flow.before(({ operation }) => {
      if (operation === 'createCustomer') world.flow.put(aPerson({ customerUid: ORDER.customerId }))
    })

    expect(await world.fromOrder(ORDER)).toEqual(skipped('exists'))
  })

  test('whose creation was answered by nobody is there at the next attempt', async () => {
    const world = createWorld()
    world.omnium.put('B2C', SHOPPER)
    world.flow.fail({
      when: ({ operation }) => operation === 'createCustomer',
      at: 'after',
      error: new SyncError('target-timeout', 'creating customer in flow: timed out', {
        target: 'flow',
        unknownEnd: true,
      }),
    })

    expect(await world.fromOrder(ORDER)).toMatchObject({ kind: 'retry', verify: true })
    expect(await world.fromOrder(ORDER, { lane: 'verify' })).toEqual(skipped('exists'))
  })
})

describe('a customer that Flow has', () => {
  test.each([
    ['the same kind', 'B2C', aPerson(), skipped('exists')],
    ['the same kind', 'B2B', aCompany({ customerUid: '1000' }), skipped('exists')],
    ['a kind that the order leaves open', undefined, aCompany({ customerUid: '1000' }), skipped('exists')],
  ])('as %s is skipped', async (_what, customerType, customer, expected) => {
    const world = createWorld()
    world.flow.put(customer)

    expect(await world.fromOrder({ customerId: '1000', customerType })).toEqual(expected)
    expect(world.omnium.journal).toEqual([])
  })

  test.each([
    ['B2B', aPerson()],
    ['B2C', aCompany({ customerUid: '1000' })],
  ])('as another kind than the %s of the order parks', async (customerType, customer) => {
    const world = createWorld()
    world.flow.put(customer)

    expect(await world.fromOrder({ customerId: '1000', customerType })).toMatchObject({
      kind: 'park',
      reason: 'customer-type-conflict',
    })
  })
})

describe('a customer that Flow had once', () => {
  const ERASED = { ...SHOPPER, properties: [{ key: 'flowLastModifiedAt', value: '2026-01-01T00:00:00Z' }] }

  test.each(['replayed', 'redriven'] as const)('is not brought back by an order that is %s', async (lane) => {
    const world = createWorld()
    world.omnium.put('B2C', ERASED)

    expect(await world.fromOrder(ORDER, { lane })).toEqual(skipped('deleted'))
    expect(world.flow.writes()).toEqual([])
  })

  test.each([null, 'deferred', 'verify'] as const)('comes back with a new order (lane %s)', async (lane) => {
    const world = createWorld()
    world.omnium.put('B2C', ERASED)

    expect(await world.fromOrder(ORDER, { lane })).toMatchObject({ kind: 'done' })
  })
})
