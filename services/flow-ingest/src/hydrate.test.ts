import type { Notification } from '@sync/shared/contracts/notification'
import { SyncError } from '@sync/shared/errors'
import { readFlowCustomer } from '@sync/shared/flow/schema'
import { createKnownVersions } from '@sync/shared/kafka/known-versions'
import { aContext, aDelivery, aPerson, type DeliveryFields } from '@sync/shared/testing/builders'
import { createFakeFlow } from '@sync/shared/testing/fake-flow'
import { createFakePublisher } from '@sync/shared/testing/fake-publisher'
import { describe, expect, test } from 'vitest'
import { createFlowHydrator } from './hydrate.ts'

const V1 = '2026-01-01T10:00:00Z'
const V2 = '2026-01-01T11:00:00Z'
const V3 = '2026-01-01T12:00:00Z'
const KNOWN = { kind: 'skipped', reason: 'known', version: V1 }

const aNotification = (fields: Partial<Notification> = {}): Notification => ({
  ...{ tenant: 'acme', entity: 'customer', id: '1000', via: 'webhook', action: 'CUSTOMER_UPDATE', kind: null },
  ...{ users: [], version: null, repair: false, receivedAt: '2026-01-02T00:00:00.000Z' },
  ...fields,
})
const aLook = (fields: Partial<Notification> = {}, delivery: DeliveryFields = {}) =>
  aDelivery('flow.notifications.v1', aNotification(fields), { id: fields.id ?? '1000', ...delivery })

function given() {
  const flow = createFakeFlow()
  const publisher = createFakePublisher()
  const known = createKnownVersions()
  const hydrator = createFlowHydrator({ flow, publisher, known })
  const hydrate = (...deliveries: ReturnType<typeof aLook>[]) => hydrator.handle(deliveries, aContext())
  return { flow, publisher, known, hydrator, hydrate }
}

describe('a customer', () => {
  test('is published as Flow answers it, under its key, with the version and when its change reached us', async () => {
    const { flow, publisher, hydrate } = given()
    const customer = aPerson({ firstname: 'Ola', lastModifiedAt: V1, somethingNew: { kept: [true] } })
    flow.put(customer)

    const outcomes = await hydrate(aLook())

    expect(outcomes).toEqual([{ kind: 'done', effect: { operation: 'hydrated', version: V1 } }])
    expect(publisher.published).toMatchObject([{ topic: 'flow.customers.v1', key: 'acme:1000' }])
    expect(publisher.values('flow.customers.v1')).toEqual([
      {
        ...{ tenant: 'acme', id: '1000', version: V1, repair: false, customer },
        ...{ fetchedAt: '2026-02-01T00:00:00.000Z', notifiedAt: '2026-01-02T00:00:00.000Z' },
      },
    ])
  })

  test('is published exactly as Flow answers it, also what nobody can read', async () => {
    const odd = {
      postalCode: 5003,
      email: {},
      contacts: null,
      addresses: [{ city: 'Oslo' }, { customerAddressUid: '-' }],
    }
    const answered = { customerUid: '1000', customerType: 'PERSON', lastModifiedAt: V1, ...odd }
    const publisher = createFakePublisher()
    const flow = { ...createFakeFlow(), getCustomer: async () => readFlowCustomer(answered) }
    const hydrator = createFlowHydrator({ flow, publisher, known: createKnownVersions() })

    await hydrator.handle([aLook()], aContext())

    expect(publisher.values('flow.customers.v1')).toMatchObject([{ version: V1 }])
    expect(publisher.values('flow.customers.v1')[0]?.customer).toEqual(answered)
  })

  test('is read once for all that is pending', async () => {
    const { flow, publisher, hydrate } = given()
    flow.put(aPerson({ lastModifiedAt: V2 }))

    const outcomes = await hydrate(
      aLook({ receivedAt: '2026-01-02T00:00:05.000Z' }),
      aLook({ via: 'sweep', version: V1, receivedAt: '2026-01-02T00:00:03.000Z' }),
    )

    expect(outcomes).toMatchObject([{ kind: 'skipped', reason: 'superseded' }, { kind: 'done' }])
    expect(flow.journal).toHaveLength(1)
    expect(publisher.values('flow.customers.v1')).toMatchObject([{ notifiedAt: '2026-01-02T00:00:03.000Z' }])
  })

  test('read again unchanged is not published again, unless it is under repair', async () => {
    const { flow, publisher, hydrate } = given()
    flow.put(aPerson({ lastModifiedAt: V1 }))
    await hydrate(aLook())

    expect(await hydrate(aLook())).toEqual([KNOWN])
    expect(await hydrate(aLook({ repair: true }))).toMatchObject([{ kind: 'done' }])
    expect(await hydrate(aLook({}, { repair: true }))).toMatchObject([{ kind: 'done' }])
    expect(publisher.values('flow.customers.v1').map(({ repair }) => repair)).toEqual([false, true, true])
  })
})

describe('found by a sweep or a backfill', () => {
  test.each<[string, Partial<Notification>, number]>([
    ['a version that we have: no call', { version: V2 }, 0],
    ['an older one: no call', { version: V1 }, 0],
    ['a newer one', { version: V3 }, 1],
    ['an unknown one', { version: null }, 1],
    ['under repair', { version: V1, repair: true }, 1],
  ])('%s', async (_case, fields, calls) => {
    const { flow, hydrate } = given()
    flow.put(aPerson({ lastModifiedAt: V2 }))
    await hydrate(aLook())
    flow.forget()

    for (const via of ['sweep', 'backfill'] as const) {
      const outcomes = await hydrate(aLook({ via, ...fields }))

      if (calls === 0) expect(outcomes).toEqual([{ ...KNOWN, version: fields.version }])
      expect(flow.journal).toHaveLength(calls)
      flow.forget()
    }
  })

  test('what we have is read again once the partition was lost in between', async () => {
    const { flow, known, hydrate } = given()
    flow.put(aPerson({ lastModifiedAt: V2 }))
    await hydrate(aLook())
    known.keep(() => false)

    expect(await hydrate(aLook({ via: 'sweep', version: V2 }))).toMatchObject([{ kind: 'done' }])
  })
})

describe('a customer that is gone', () => {
  test('gets a tombstone when we had written it, once', async () => {
    const { flow, publisher, hydrate } = given()
    flow.put(aPerson())
    await hydrate(aLook())
    flow.erase('1000')

    expect(await hydrate(aLook())).toEqual([{ kind: 'done', effect: { operation: 'tombstone' } }])
    expect(await hydrate(aLook())).toEqual([{ kind: 'skipped', reason: 'not-found' }])
    expect(publisher.published.slice(1)).toEqual([{ topic: 'flow.customers.v1', key: 'acme:1000', value: null }])
  })

  test.each<[Partial<Notification>, string]>([
    [{ action: 'CUSTOMER_DELETE' }, 'done'],
    [{ action: 'customer_erased' }, 'done'],
    [{ action: 'CUSTOMER_ANONYMIZED' }, 'done'],
    [{ repair: true }, 'done'],
    [{ action: 'CUSTOMER_UPDATE' }, 'skipped'],
    [{ action: null, via: 'backfill' }, 'skipped'],
  ])('and that this process never saw: %j is %s', async (fields, kind) => {
    const { publisher, hydrate } = given()

    expect(await hydrate(aLook(fields))).toMatchObject([{ kind }])
    expect(publisher.published).toHaveLength(kind === 'done' ? 1 : 0)
  })

  test('and comes back is published again', async () => {
    const { flow, publisher, hydrate } = given()
    flow.put(aPerson({ lastModifiedAt: V2 }))
    await hydrate(aLook())
    flow.erase('1000')
    await hydrate(aLook())
    flow.put(aPerson({ lastModifiedAt: V1 }))

    expect(await hydrate(aLook({ via: 'sweep', version: V1 }))).toMatchObject([{ kind: 'done' }])
    expect(publisher.published.map(({ value }) => value === null)).toEqual([false, true, false])
  })
})

describe('an order', () => {
  test.each([
    [{ customerUid: '1000' }, 'acme:1000'],
    [{ customer: { customerUid: '1000' } }, 'acme:1000'],
    [{ customer: { uid: '1000' } }, 'acme:1000'],
    [{ customer: { Uid: 1000 } }, 'acme:1000'],
    [{ customerUid: null, customer: null }, 'acme:order-1'],
    [{}, 'acme:order-1'],
  ])('%j is published under %s', async (fields, key) => {
    const { flow, publisher, hydrate } = given()
    const order = { orderUid: 'order-1', createdAt: V1, ...fields }
    flow.putOrder(order)

    const outcomes = await hydrate(aLook({ entity: 'order', id: 'order-1', action: 'ORDER_SETTLED' }))

    expect(outcomes).toMatchObject([{ kind: 'done' }])
    expect(publisher.published).toMatchObject([{ topic: 'flow.orders.v1', key, value: { version: V1, order } }])
  })

  test('that is gone is not found, whatever we had written', async () => {
    const { publisher, hydrate } = given()

    const outcomes = await hydrate(aLook({ entity: 'order', id: 'order-1', action: 'ORDER_DELETED' }))

    expect(outcomes).toEqual([{ kind: 'skipped', reason: 'not-found' }])
    expect(publisher.published).toEqual([])
  })
})

test('nothing is written once the fence has closed', async () => {
  const { flow, publisher, hydrator } = given()
  flow.put(aPerson())
  let isOurs = true
  const fence = () => {
    if (!isOurs) throw new SyncError('fenced', 'writing: the partition is not ours')
  }
  flow.after(() => {
    isOurs = false
  })

  await expect(hydrator.handle([aLook()], aContext({ fence }))).rejects.toMatchObject({ code: 'fenced' })

  expect(publisher.published).toEqual([])
})
