import { done, retry, skipped } from '@sync/shared/outcome'
import {
  aCompany,
  aDelivery,
  anOmniumCustomer,
  anOmniumSnapshot,
  aPerson,
  aTenant,
} from '@sync/shared/testing/builders'
import { describe, expect, test } from 'vitest'
import { createWorld } from './testing/world.ts'

describe.each(['create', 'update'] as const)('with the setting %s', (omniumCustomerEvents) => {
  test('a customer that Flow lacks is created, and its own snapshot changes nothing', async () => {
    const world = createWorld({ omniumCustomerEvents })
    world.omnium.put('B2B', { customerId: '2000', name: 'Acme', address: { phone: '+4799999999' } })

    const outcome = await world.fromOmnium('B2B', '2000')
    const echo = await world.fromFlow('2000')

    expect(outcome).toMatchObject({ kind: 'done', effect: { operation: 'created', target: 'flow' } })
    expect(world.flow.customer('2000')).toMatchObject({
      companyName: 'Acme',
      mobile: '+4799999999',
      externalId: '2000',
    })
    expect(echo).toMatchObject({ kind: 'skipped', reason: 'unchanged' })
    expect(world.omnium.writes()).toEqual([])
  })

  test.each([
    ['B2C', aPerson({ customerUid: '7', firstname: 'A', lastname: '-', mobile: '1' })],
    [
      'B2B',
      aCompany({ customerUid: '7', companyName: 'A', email: 'a@example.com', contacts: [{ customerContactUid: 'c' }] }),
    ],
  ] as const)('what we wrote to Omnium as %s comes back and changes nothing', async (kind, customer) => {
    const world = createWorld({ omniumCustomerEvents })
    world.flow.put(customer)
    await world.fromFlow('7')
    world.flow.edit('7', { mobile: '2' })
    await world.fromFlow('7')
    world.forget()

    const echo = await world.fromOmnium(kind, '7')

    expect(echo).toMatchObject({ kind: 'skipped', reason: omniumCustomerEvents === 'create' ? 'exists' : 'unchanged' })
    expect(world.writes()).toEqual([])
  })

  test('a customer that Flow has as the other kind parks', async () => {
    const world = createWorld({ omniumCustomerEvents })
    world.flow.put(aPerson())
    world.omnium.put('B2B', { customerId: '1000' })

    expect(await world.fromOmnium('B2B', '1000')).toMatchObject({ kind: 'park', reason: 'customer-type-conflict' })
  })

  test('a customer whom Flow has erased is not brought back by our own write, but by a repair', async () => {
    const world = createWorld({ omniumCustomerEvents })
    world.flow.put(aPerson())
    await world.fromFlow('1000')
    world.flow.erase('1000')

    expect(await world.fromOmnium('B2C', '1000')).toEqual(skipped('deleted'))
    expect(world.flow.customer('1000')).toBeUndefined()
    expect(await world.fromOmnium('B2C', '1000', { repair: true })).toMatchObject({ kind: 'done' })
  })

  test('a record out of its place goes on with what Omnium says now', async () => {
    const world = createWorld({ omniumCustomerEvents })
    const then = anOmniumCustomer({ firstName: 'Then' })
    world.omnium.put('B2C', { customerId: '1000', firstName: 'Now' })

    await world.fromOmnium('B2C', '1000', { lane: 'replayed' }, then)
    expect(world.flow.customer('1000')).toMatchObject({ firstname: 'Now' })
    world.omnium.erase('B2C', '1000')
    world.flow.erase('1000')
    expect(await world.fromOmnium('B2C', '1000', { lane: 'replayed' }, then)).toEqual(skipped('deleted'))
  })
})

test('with the setting create, a customer that Flow has is left alone', async () => {
  const world = createWorld()
  world.flow.put(aPerson({ firstname: 'Flow' }))
  world.omnium.put('B2C', { customerId: '1000', firstName: 'Omnium', modified: '2026-06-01T00:00:00Z' })

  expect(await world.fromOmnium('B2C', '1000')).toEqual(skipped('exists'))
})

describe('with the setting update', () => {
  const linked = async (tenantFields = {}) => {
    const world = createWorld({ omniumCustomerEvents: 'update', ...tenantFields })
    world.flow.put(
      aPerson({ firstname: 'A', mobile: '1', internalNote: 'kept', lastModifiedAt: '2026-01-01T00:00:00Z' }),
    )
    await world.fromFlow('1000')
    await world.fromFlow('1000')
    world.forget()
    return world
  }

  test('an edit in Omnium overwrites the fields that differ, and comes back without a write, again and again', async () => {
    const world = await linked()

    for (const phone of ['2', '3']) {
      const { modified } = world.omnium.edit('B2C', '1000', { phone })
      expect(await world.fromOmnium('B2C', '1000')).toEqual(
        done({ operation: 'updated', target: 'flow', changed: ['mobile'], version: modified ?? '' }),
      )
      expect(world.flow.writes()).toMatchObject([{ body: { mobile: phone } }])
      world.forget()
      expect(await world.fromFlow('1000')).toMatchObject({ kind: 'skipped', reason: 'unchanged' })
      expect(await world.fromOmnium('B2C', '1000')).toMatchObject({ kind: 'skipped', reason: 'unchanged' })
      expect(world.writes()).toEqual([])
    }
    expect(world.flow.customer('1000')).toMatchObject({ firstname: 'A', internalNote: 'kept' })
  })

  test('Flow wins when its edit is not older', async () => {
    const world = await linked()
    const { modified } = world.omnium.edit('B2C', '1000', { phone: '2' })
    world.flow.put({ ...world.flow.customer('1000'), mobile: '3', lastModifiedAt: modified })

    expect(await world.fromOmnium('B2C', '1000')).toMatchObject({ kind: 'skipped', reason: 'stale' })
    await world.fromFlow('1000')
    expect(world.omnium.customer('B2C', '1000')).toMatchObject({ phone: '3' })
  })

  describe('an older edit in Flow that may be on its way', () => {
    const ours = { baseUrl: 'https://flow.example', token: 'a-token', apiUser: 'integration' }
    const oursInOmnium = { ...aTenant().omnium, apiUser: 'integration' }
    /** The web shop touches a customer just after the till did, and before the till's edit has come through. */
    const bothEdited = async (tenantFields = { flow: ours }) => {
      const world = await linked(tenantFields)
      world.flow.edit('1000', { mobile: '2' })
      world.omnium.edit('B2C', '1000', { tags: ['vip'] })
      return world
    }

    test('is waited for, and wins; what it does not touch stays', async () => {
      const world = await bothEdited()
      const early = world.omnium.customer('B2C', '1000')!

      expect(await world.fromOmnium('B2C', '1000')).toEqual(retry('flow-edit-pending', 500))
      expect(world.writes()).toEqual([])
      await world.fromFlow('1000')
      const outcome = await world.fromOmnium('B2C', '1000', {}, early)

      expect(outcome).toMatchObject({ kind: 'skipped' })
      expect(world.flow.customer('1000')).toMatchObject({ mobile: '2' })
      expect(world.omnium.customer('B2C', '1000')).toMatchObject({ phone: '2', tags: ['vip'] })
    })

    test('is waited for no longer than three seconds, and then the newer edit counts', async () => {
      const world = await bothEdited()
      const firstSeenAt = world.context.now() - 3_000

      expect(await world.fromOmnium('B2C', '1000', { firstSeenAt })).toMatchObject({
        ...{ kind: 'done', effect: { target: 'flow', changed: ['mobile'] } },
      })
    })

    test('that comes later than that leaves both as the newer edit says', async () => {
      const world = await linked({ flow: ours })
      const till = world.flow.edit('1000', { mobile: '2' })
      world.omnium.edit('B2C', '1000', { phone: '3' })
      await world.fromOmnium('B2C', '1000', { firstSeenAt: world.context.now() - 3_000 })

      expect(await world.fromFlow('1000', till)).toMatchObject({ kind: 'skipped', reason: 'unchanged' })
      expect(world.flow.customer('1000')).toMatchObject({ mobile: '3' })
      expect(world.omnium.customer('B2C', '1000')).toMatchObject({ phone: '3' })
    })

    test('and that says nothing of what was edited in Omnium does not keep that from Flow', async () => {
      const world = createWorld({ omniumCustomerEvents: 'update', flow: ours, omnium: oursInOmnium })
      world.flow.put(aCompany({ customerUid: '7', companyName: 'A', email: 'a@example.com' }))
      await world.fromFlow('7')
      world.flow.edit('7', { internalNote: 'unmapped' })
      await world.fromFlow('7')
      world.omnium.edit('B2B', '7', { email: 'b@example.com' })
      const edited = world.omnium.customer('B2B', '7')!
      expect(await world.fromOmnium('B2B', '7')).toMatchObject({ kind: 'retry' })
      // Our own write of its relations.
      world.omnium.put('B2B', { ...edited, modified: '2026-12-01T00:00:00Z', modifiedBy: 'integration' })

      const firstSeenAt = world.context.now() - 3_000
      expect(await world.fromOmnium('B2B', '7', { firstSeenAt }, edited)).toMatchObject({ kind: 'done' })
      expect(world.flow.customer('7')).toMatchObject({ email: 'b@example.com' })
    })

    test('is not looked for where we do not know our own user, or the last edit is our own', async () => {
      const unnamed = await bothEdited({ flow: { ...ours, apiUser: undefined as unknown as string } })
      expect(await unnamed.fromOmnium('B2C', '1000')).toMatchObject({ kind: 'done' })

      const own = await linked({ flow: ours })
      own.omnium.edit('B2C', '1000', { phone: '3' })
      expect(await own.fromOmnium('B2C', '1000')).toMatchObject({ kind: 'done' })
    })

    test('of a customer that is erased in Omnium meanwhile is left to its own record', async () => {
      const world = await bothEdited()
      const early = world.omnium.customer('B2C', '1000')!
      world.omnium.erase('B2C', '1000')

      expect(await world.fromOmnium('B2C', '1000', {}, early)).toEqual(skipped('deleted'))
    })
  })

  test('a customer that is erased from Flow meanwhile ends there', async () => {
    const world = await linked()
    world.omnium.edit('B2C', '1000', { phone: '2' })
    world.flow.before(({ operation }) => {
      if (operation === 'updateCustomer') world.flow.erase('1000')
    })

    expect(await world.fromOmnium('B2C', '1000')).toEqual(skipped('deleted'))
  })
})

test('a snapshot that can not be read is unmappable', async () => {
  const world = createWorld()
  const value = anOmniumSnapshot('B2C', anOmniumCustomer(), { customer: { customerId: ['A 1'] } })

  const [outcome] = await world.handle(aDelivery('omnium.customers.v1', value))

  expect(outcome).toMatchObject({ kind: 'park', reason: 'unmappable' })
  expect(JSON.stringify(outcome)).not.toContain('A 1')
})
