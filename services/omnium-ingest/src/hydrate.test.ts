import type { Notification } from '@sync/shared/contracts/notification'
import { createKnownVersions } from '@sync/shared/kafka/known-versions'
import { readOmniumCustomer } from '@sync/shared/omnium/schema'
import { aContext, aDelivery, anOmniumCustomer, aTenant } from '@sync/shared/testing/builders'
import { createFakeOmnium } from '@sync/shared/testing/fake-omnium'
import { createFakePublisher } from '@sync/shared/testing/fake-publisher'
import { describe, expect, test } from 'vitest'
import { createOmniumHydrator } from './hydrate.ts'

const V1 = '2026-01-01T10:00:00Z'
const V2 = '2026-01-01T11:00:00Z'

const aLook = (fields: Partial<Notification> = {}, tenant = aTenant()) => {
  const notification: Notification = {
    ...{ tenant: 'acme', entity: 'customer', id: '1000', via: 'webhook', action: 'Updated', kind: null },
    ...{ users: [], version: null, repair: false, receivedAt: '2026-01-02T00:00:00.000Z' },
    ...fields,
  }
  return aDelivery('omnium.notifications.v1', notification, { id: notification.id, tenant })
}

function given() {
  const omnium = createFakeOmnium()
  const publisher = createFakePublisher()
  const hydrator = createOmniumHydrator({ omnium, publisher, known: createKnownVersions() })
  const hydrate = (...deliveries: ReturnType<typeof aLook>[]) => hydrator.handle(deliveries, aContext())
  return { omnium, publisher, hydrator, hydrate }
}

test('an event that our own user caused is an echo', () => {
  const apiUsers = { 'customer-mapper': { clientId: 'm', clientSecret: 's', apiUser: 'flow-mapper' } }
  const omnium = { baseUrl: 'https://omnium.example', clientId: 'a', clientSecret: 'b', apiUser: 'flow-sync', apiUsers }
  const { hydrator } = given()
  const classify = (fields: Partial<Notification>) => hydrator.classify(aLook(fields, aTenant({ omnium })))

  expect(classify({ users: ['flow-sync'] })).toEqual({ end: { kind: 'skipped', reason: 'echo' } })
  expect(classify({ users: ['flow-sync'], via: 'events-topic' })).toHaveProperty('end')
  expect(classify({ users: ['flow-mapper'] })).toHaveProperty('end')
  expect(classify({ users: ['flow-mapper-0f8fad5b-d9cb-469f-a165-70867728950e'] })).toHaveProperty('end')
  expect(classify({ users: ['flow-sync'], via: 'sweep' })).toMatchObject({ targets: ['omnium'] })
  expect(classify({ users: ['admin'] })).toMatchObject({ targets: ['omnium'] })
})

test('customers of both kinds and orders of one id do not supersede each other', () => {
  const { hydrator } = given()
  const groups = [aLook(), aLook({ kind: 'B2C' }), aLook({ kind: 'B2B' }), aLook({ entity: 'order' })].map((look) => {
    const classified = hydrator.classify(look)
    return 'group' in classified ? classified.group : null
  })

  expect(new Set(groups).size).toBe(4)
})

describe('a customer', () => {
  test.each<['B2C' | 'B2B', Notification['kind'], string[]]>([
    ['B2C', 'B2C', ['B2C']],
    ['B2B', 'B2B', ['B2B']],
    ['B2C', null, ['B2C']],
    ['B2B', null, ['B2C', 'B2B']],
    ['B2B', 'B2C', ['B2C', 'B2B']],
    ['B2C', 'B2B', ['B2B', 'B2C']],
  ])('that is %s and announced as %s is looked for as %j', async (kind, announced, reads) => {
    const { omnium, publisher, hydrate } = given()
    const customer = anOmniumCustomer({ modified: V1, somethingNew: 1 })
    omnium.put(kind, customer)

    const outcomes = await hydrate(aLook({ kind: announced }))

    expect(outcomes).toEqual([{ kind: 'done', effect: { operation: 'hydrated', version: V1 } }])
    expect(omnium.journal.map((call) => call.kind)).toEqual(reads)
    expect(publisher.published).toMatchObject([
      { topic: 'omnium.customers.v1', key: 'acme:1000', value: { kind, version: V1, customer } },
    ])
  })

  test('is published exactly as Omnium answers it, also elements without an id', async () => {
    const lists = {
      contacts: [{ id: 'c1' }, { firstName: 'Web' }, { id: '-' }, { id: '' }],
      addresses: [{ line1: 'Web 1' }, { line1: 'Web 1' }, { externalId: 7 }],
      customerRelations: [{ customerId: 'A' }, { relationType: 'Parent' }],
    }
    const answered = { customerId: '1000', modified: V1, ...lists }
    const publisher = createFakePublisher()
    const omnium = { ...createFakeOmnium(), getCustomer: async () => readOmniumCustomer(answered) }
    const hydrator = createOmniumHydrator({ omnium, publisher, known: createKnownVersions() })

    await hydrator.handle([aLook({ kind: 'B2B' })], aContext())

    expect(publisher.values('omnium.customers.v1')[0]?.customer).toEqual(answered)
  })

  test('of one kind does not hide the other of the same id', async () => {
    const { omnium, publisher, hydrate } = given()
    omnium.put('B2C', anOmniumCustomer({ modified: V2 }))
    omnium.put('B2B', anOmniumCustomer({ modified: V1 }))

    const outcomes = await hydrate(aLook({ kind: 'B2C' }), aLook({ kind: 'B2B' }))

    expect(outcomes).toMatchObject([{ kind: 'done' }, { kind: 'done' }])
    expect(publisher.values('omnium.customers.v1').map(({ kind }) => kind)).toEqual(['B2C', 'B2B'])
  })

  test('is known to a sweep only by its kind', async () => {
    const { omnium, hydrate } = given()
    omnium.put('B2C', anOmniumCustomer({ modified: V1 }))
    await hydrate(aLook())
    omnium.forget()

    expect(await hydrate(aLook({ via: 'sweep', kind: 'B2C', version: V1 }))).toMatchObject([{ reason: 'known' }])
    expect(omnium.journal).toEqual([])
  })

  test.each<[string, Partial<Notification>]>([
    ['an event of its kind', { kind: 'B2C' }],
    ['an event of no kind', { kind: null }],
    ['a deletion', { kind: 'B2B', action: 'Deleted' }],
  ])('that is gone gets its tombstone by %s', async (_case, fields) => {
    const { omnium, publisher, hydrate } = given()
    omnium.put('B2C', anOmniumCustomer())
    await hydrate(aLook())
    omnium.erase('B2C', '1000')
    publisher.forget()

    expect(await hydrate(aLook(fields))).toEqual([{ kind: 'done', effect: { operation: 'tombstone' } }])
    expect(await hydrate(aLook(fields))).toEqual([{ kind: 'skipped', reason: 'not-found' }])
    expect(publisher.published).toEqual([{ topic: 'omnium.customers.v1', key: 'acme:1000', value: null }])
  })

  test('that was never seen gets none, but for a deletion', async () => {
    const { publisher, hydrate } = given()

    expect(await hydrate(aLook())).toEqual([{ kind: 'skipped', reason: 'not-found' }])
    expect(await hydrate(aLook({ action: 'Deleted' }))).toMatchObject([{ kind: 'done' }])
    expect(publisher.published).toHaveLength(1)
  })
})

describe('an order', () => {
  test.each([
    [{ customerId: '+47 900 00 000' }, 'acme:+47 900 00 000'],
    [{ customerId: null }, 'acme:order-1'],
    [{}, 'acme:order-1'],
  ])('of %j is published under %s', async (fields, key) => {
    const { omnium, publisher, hydrate } = given()
    omnium.putOrder({ id: 'order-1', modified: V1, ...fields })

    const outcomes = await hydrate(aLook({ entity: 'order', id: 'order-1' }))

    expect(outcomes).toMatchObject([{ kind: 'done', effect: { version: V1 } }])
    expect(publisher.published).toMatchObject([{ topic: 'omnium.orders.v1', key, value: { id: 'order-1' } }])
  })

  test('that is gone is not found', async () => {
    const { hydrate } = given()

    expect(await hydrate(aLook({ entity: 'order', action: 'Deleted' }))).toEqual([
      { kind: 'skipped', reason: 'not-found' },
    ])
  })
})
