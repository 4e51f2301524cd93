import { SyncError } from '@sync/shared/errors'
import type { Outcome } from '@sync/shared/outcome'
import { aCompany, aPerson } from '@sync/shared/testing/builders'
import { describe, expect, test } from 'vitest'
import { createWorld } from './testing/world.ts'

const taken = { isTaken: () => true }
const ours = { key: 'flowUid', value: 'acme:1000' }

/** Handles as often as the outcome says `retry`, and tells how long it waited each time. */
async function untilEnded(world: ReturnType<typeof createWorld>, handle: () => Promise<Outcome>) {
  const waits: (number | undefined)[] = []
  for (let tries = 0; tries < 10; tries++) {
    const outcome = await handle()
    if (outcome.kind !== 'retry') return { outcome, waits }
    waits.push(outcome.afterMs)
    world.pass(outcome.afterMs ?? 0)
  }
  throw new Error('the record is still tried again')
}

describe('a create in Omnium that is answered 409', () => {
  test('is sent once, and parked as refused when no read finds the customer at once, after 2 s and after 10 s', async () => {
    const world = createWorld({}, { omnium: taken })
    world.flow.put(aPerson({ email: 'kari@example.com' }))

    const { outcome, waits } = await untilEnded(world, () => world.fromFlow('1000'))

    expect(waits).toEqual([2_000, 8_000])
    expect(outcome).toMatchObject({ kind: 'park', reason: 'refused', message: expect.stringContaining('409') })
    expect(JSON.stringify(outcome)).not.toMatch(/1000|kari/)
    expect(world.omnium.writes()).toHaveLength(1)
    expect(world.flow.writes()).toEqual([])
  })

  test('is sent again when the parked record is redriven', async () => {
    const world = createWorld({}, { omnium: taken })
    world.flow.put(aPerson())
    await untilEnded(world, () => world.fromFlow('1000'))

    await untilEnded(world, () => world.fromFlow('1000', undefined, { lane: 'redriven' }))

    expect(world.omnium.writes()).toHaveLength(2)
  })

  test.each([0, 2_000, 10_000])('updates the customer that a by-id read finds after %i ms', async (afterMs) => {
    const world = createWorld({}, { omnium: taken })
    world.flow.put(aPerson({ firstname: 'New' }))
    let waitedMs = 0
    world.omnium.before(({ operation }) => {
      const isThere = waitedMs >= afterMs && world.omnium.journal.some((call) => call.operation === 'createCustomer')
      if (isThere && operation === 'getCustomer')
        world.omnium.put('B2C', { customerId: '1000', firstName: 'Old', tags: ['web'] })
    })

    const { outcome, waits } = await untilEnded(world, async () => {
      const outcome = await world.fromFlow('1000')
      if (outcome.kind === 'retry') waitedMs += outcome.afterMs ?? 0
      return outcome
    })

    expect(outcome).toMatchObject({ kind: 'done', effect: { operation: 'updated' } })
    expect(waits.reduce<number>((sum, ms) => sum + (ms ?? 0), 0)).toBe(afterMs)
    expect(world.omnium.customer('B2C', '1000')).toMatchObject({ firstName: 'New', tags: ['web'] })
    expect(world.flow.customer('1000')).toMatchObject({ externalId: '1000' })
  })

  test('patches the customer whom only a search finds, because a search may show less', async () => {
    const world = createWorld({}, { omnium: taken })
    world.flow.put(aPerson({ firstname: 'New' }))
    world.omnium.put('B2C', { customerId: '1000', firstName: 'Old' })
    const { getCustomer } = world.omnium
    world.omnium.getCustomer = async (call, kind, id) => (id === '1000' ? null : getCustomer(call, kind, id))

    const outcome = await world.fromFlow('1000')

    expect(outcome).toMatchObject({ kind: 'done', effect: { operation: 'updated' } })
    expect(world.omnium.writes().map(({ operation }) => operation)).toEqual(['createCustomer', 'patchCustomer'])
  })

  test('links and updates the customer of an earlier create of ours whose link was lost', async () => {
    const world = createWorld({}, { omnium: taken })
    world.flow.put(aPerson({ firstname: 'New' }))
    world.omnium.put('B2C', { customerId: 'kari@example.com', firstName: 'Old', properties: [ours] })
    world.omnium.put('B2C', { customerId: 'ola@example.com', properties: [{ key: 'flowUid', value: 'acme:1001' }] })

    const outcome = await world.fromFlow('1000')

    expect(outcome).toMatchObject({ kind: 'done', effect: { operation: 'updated' } })
    expect(world.omnium.customer('B2C', 'kari@example.com')).toMatchObject({ firstName: 'New' })
    expect(world.flow.customer('1000')).toMatchObject({ externalId: 'kari@example.com' })
  })

  test('is not parked for a search that ignores its filter', async () => {
    const world = createWorld({}, { omnium: taken })
    world.flow.put(aPerson({ firstname: 'New' }))
    world.omnium.put('B2C', { customerId: 'ola@example.com', firstName: 'Ola' })
    const { searchCustomers } = world.omnium
    world.omnium.searchCustomers = (call, kind, { take, page }) => searchCustomers(call, kind, { take, page })

    await untilEnded(world, () => world.fromFlow('1000'))

    expect(world.omnium.customer('B2C', 'ola@example.com')).toMatchObject({ firstName: 'Ola' })
  })
})

describe('a create in Flow that is answered 409', () => {
  const order = { customerId: '1000', customerType: 'B2C' }

  test.each([
    ['an order', (world: ReturnType<typeof createWorld>) => world.fromOrder(order)],
    ['an Omnium customer', (world: ReturnType<typeof createWorld>) => world.fromOmnium('B2C', '1000')],
  ] as const)(
    'for %s parks as refused when Flow has no such uid at once, after 2 s and after 10 s',
    async (_what, handle) => {
      const world = createWorld({}, { flow: taken })
      world.omnium.put('B2C', { customerId: '1000', email: 'kari@example.com' })

      const { outcome, waits } = await untilEnded(world, () => handle(world))

      expect(waits).toEqual([2_000, 8_000])
      expect(outcome).toMatchObject({ kind: 'park', reason: 'refused', message: expect.stringContaining('409') })
      expect(JSON.stringify(outcome)).not.toMatch(/1000|kari/)
      expect(world.flow.writes()).toHaveLength(1)
    },
  )

  test('ends like any customer that exists, once Flow shows the customer', async () => {
    const world = createWorld({}, { flow: taken })
    world.omnium.put('B2C', { customerId: '1000' })
    await world.fromOrder(order)
    world.flow.put(aPerson())
    world.pass(2_000)

    expect(await world.fromOrder(order)).toMatchObject({ kind: 'skipped', reason: 'exists' })
  })

  test('parks as a conflict when Flow then has the customer as the other kind', async () => {
    const world = createWorld({}, { flow: taken })
    world.omnium.put('B2C', { customerId: '1000' })
    await world.fromOrder(order)
    world.flow.put(aCompany({ customerUid: '1000' }))
    world.pass(2_000)

    expect(await world.fromOrder(order)).toMatchObject({ kind: 'park', reason: 'customer-type-conflict' })
  })
})

describe('an update that is answered 409', () => {
  const conflict = new SyncError('version-conflict', 'updating customer in omnium: 409 Conflict', { status: 409 })

  test('is decided again from a fresh read', async () => {
    const world = createWorld()
    world.flow.put(aPerson({ firstname: 'New', externalId: '1000' }))
    world.omnium.put('B2C', { customerId: '1000', firstName: 'Old' })
    world.omnium.fail({ when: ({ operation }) => operation === 'updatePrivateCustomer', error: conflict })

    const first = await world.fromFlow('1000')
    world.omnium.edit('B2C', '1000', { tags: ['vip'] })
    const second = await world.fromFlow('1000')

    expect(first).toMatchObject({ kind: 'retry', reason: 'version-conflict' })
    expect(second).toMatchObject({ kind: 'done' })
    expect(world.omnium.customer('B2C', '1000')).toMatchObject({ firstName: 'New', tags: ['vip'] })
  })

  test('is parked as refused after three fresh decisions in a row', async () => {
    const world = createWorld({ omniumCustomerEvents: 'update' })
    world.flow.put(aPerson({ firstname: 'Old', lastModifiedAt: '2026-01-01T00:00:00Z' }))
    world.omnium.put('B2C', { customerId: '1000', firstName: 'New', modified: '2026-02-01T00:00:00Z' })
    world.flow.fail({ when: ({ operation }) => operation === 'updateCustomer', error: conflict, times: 9 })

    const { outcome, waits } = await untilEnded(world, () => world.fromOmnium('B2C', '1000'))

    expect(waits).toHaveLength(2)
    expect(outcome).toMatchObject({ kind: 'park', reason: 'refused', message: expect.stringContaining('409') })
  })
})
