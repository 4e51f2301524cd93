import { SyncError } from '@sync/shared/errors'
import { park, skipped } from '@sync/shared/outcome'
import {
  aCompany,
  aDelivery,
  aFlowSnapshot,
  anOmniumCustomer,
  anOmniumSnapshot,
  aPerson,
} from '@sync/shared/testing/builders'
import { describe, expect, test } from 'vitest'
import { createWorld } from './testing/world.ts'

const at = (second: number) => `2026-01-01T00:00:0${second}Z`

describe('a record out of its place', () => {
  const lanes = [
    { lane: 'redriven' },
    { lane: 'replayed' },
    { lane: 'deferred' },
    { lane: 'verify' },
    { repair: true },
  ] as const

  test.each(lanes)('%j goes on with what Flow says now', async (fields) => {
    const world = createWorld()
    world.flow.put(aPerson({ firstname: 'Now', externalId: '1000', lastModifiedAt: at(3) }))

    await world.fromFlow('1000', aPerson({ firstname: 'Then', lastModifiedAt: at(2) }), fields)

    expect(world.omnium.customer('B2C', '1000')).toMatchObject({ firstName: 'Now' })
  })

  test('that is newer than what Flow says goes on itself; of equal ones Flow does', async () => {
    const world = createWorld()
    world.flow.put(aPerson({ firstname: 'Flow', externalId: '1000', lastModifiedAt: at(3) }))

    await world.fromFlow('1000', aPerson({ firstname: 'Same', externalId: '1000', lastModifiedAt: at(3) }), {
      lane: 'replayed',
    })
    expect(world.omnium.customer('B2C', '1000')).toMatchObject({ firstName: 'Flow' })
    await world.fromFlow('1000', aPerson({ firstname: 'Newer', externalId: '1000', lastModifiedAt: at(4) }), {
      lane: 'replayed',
    })
    expect(world.omnium.customer('B2C', '1000')).toMatchObject({ firstName: 'Newer' })
  })

  test('that can not be read goes on with what Flow says', async () => {
    const world = createWorld()
    world.flow.put(aCompany({ externalId: '2000', companyName: 'Now' }))
    const broken = aFlowSnapshot({ ...aCompany(), customerType: undefined } as never)

    const outcomes = await world.handle(aDelivery('flow.customers.v1', broken, { id: '2000', lane: 'redriven' }))

    expect(outcomes).toMatchObject([{ kind: 'done' }])
    expect(world.publisher.values('company.parent-changes.v1')).toMatchObject([
      { company: '2000', notifiedAt: '2026-01-01T12:00:00.000Z', repair: true },
    ])
  })

  test('whose customer Flow no longer has brings nobody back', async () => {
    const world = createWorld()

    expect(await world.fromFlow('1000', aPerson(), { lane: 'redriven' })).toEqual(skipped('deleted'))
    expect(world.omnium.journal).toEqual([])
  })

  test('v1 applied, v2 parked, v3 unchanged, v2 redriven: nothing happens', async () => {
    const world = createWorld()
    const v1 = aPerson({ firstname: 'A', externalId: '1000', lastModifiedAt: at(1) })
    const v2 = aPerson({ firstname: 'B', externalId: '1000', lastModifiedAt: at(2) })
    world.flow.put(aPerson({ firstname: 'A', externalId: '1000', lastModifiedAt: at(3) }))
    await world.fromFlow('1000', v1)
    world.omnium.fail({
      when: ({ body }) => body !== undefined,
      error: new SyncError('target-refused', 'updating customer in omnium: 400', { target: 'omnium', status: 400 }),
    })
    const refused = await world.fromFlow('1000', v2)
    const v3 = await world.fromFlow('1000')
    world.forget()

    const redriven = await world.fromFlow('1000', v2, { lane: 'redriven' })

    expect(refused).toEqual(park('refused', 'updating customer in omnium: 400'))
    expect([v3, redriven]).toEqual([skipped('unchanged', at(3)), skipped('unchanged', at(3))])
    expect(world.writes()).toEqual([])
    expect(world.omnium.customer('B2C', '1000')).toMatchObject({ firstName: 'A' })
  })

  test('a late write is looked at again and mended', async () => {
    const world = createWorld()
    world.flow.put(aPerson({ firstname: 'New', externalId: '1000', lastModifiedAt: at(3) }))
    await world.fromFlow('1000')
    world.omnium.edit('B2C', '1000', { firstName: 'Old', properties: [{ key: 'flowLastModifiedAt', value: at(2) }] })

    await world.fromFlow('1000', world.flow.customer('1000'), { lane: 'verify' })

    expect(world.omnium.customer('B2C', '1000')).toMatchObject({
      firstName: 'New',
      properties: expect.arrayContaining([{ key: 'flowLastModifiedAt', value: at(3) }]),
    })
  })
})

describe('a snapshot in its place that has waited for long', () => {
  const fetchedAt = '2026-01-31T23:58:59.000Z'

  test('creates nobody in Omnium whom Flow no longer has', async () => {
    const world = createWorld()
    const snapshot = aFlowSnapshot(aPerson(), { fetchedAt })

    expect(await world.handle(aDelivery('flow.customers.v1', snapshot))).toEqual([skipped('deleted')])
    expect(world.writes()).toEqual([])
  })

  test('creates the customer as Flow says now', async () => {
    const world = createWorld()
    world.flow.put(aPerson({ firstname: 'Now', lastModifiedAt: at(3) }))
    const snapshot = aFlowSnapshot(aPerson({ firstname: 'Then', lastModifiedAt: at(2) }), { fetchedAt })

    await world.handle(aDelivery('flow.customers.v1', snapshot))

    expect(world.omnium.customer('B2C', '1000')).toMatchObject({ firstName: 'Now' })
  })

  test('updates who is there without asking', async () => {
    const world = createWorld()
    world.omnium.put('B2C', { customerId: '1000', firstName: 'Before' })
    const snapshot = aFlowSnapshot(aPerson({ firstname: 'Then', externalId: '1000' }), { fetchedAt })

    await world.handle(aDelivery('flow.customers.v1', snapshot))

    expect(world.omnium.customer('B2C', '1000')).toMatchObject({ firstName: 'Then' })
    expect(world.flow.journal).toEqual([])
  })

  test('creates nobody in Flow whom Omnium no longer has', async () => {
    const world = createWorld()
    const snapshot = anOmniumSnapshot('B2C', anOmniumCustomer({ customerId: '1000' }), { fetchedAt })

    expect(await world.handle(aDelivery('omnium.customers.v1', snapshot))).toEqual([skipped('deleted')])
    expect(world.writes()).toEqual([])
  })

  test('creates the customer in Flow as Omnium says now', async () => {
    const world = createWorld()
    world.omnium.put('B2C', { customerId: '1000', firstName: 'Now' })
    const then = anOmniumCustomer({ customerId: '1000', firstName: 'Then' })

    await world.handle(aDelivery('omnium.customers.v1', anOmniumSnapshot('B2C', then, { fetchedAt })))

    expect(world.flow.customer('1000')).toMatchObject({ firstname: 'Now' })
  })
})
