import type { ValueOf } from '@sync/shared/contracts/contracts'
import type { SourceRecord } from '@sync/shared/kafka/ports'
import { type LaneMark, laneMessage } from '@sync/shared/kafka/retry-lane'
import type { ContractTopic, TopicName } from '@sync/shared/kafka/topics'
import {
  aFlowSnapshot,
  anOmniumCustomer,
  anOmniumSnapshot,
  anOrderSnapshot,
  aPerson,
} from '@sync/shared/testing/builders'
import { describe, expect, test } from 'vitest'
import { eventOf, type Related } from './trace-events.ts'

const T = '2026-01-01T12:00:02.000Z'
const TRACE_ID = '0af7651916cd43dd8448eb211c80319c'

const aRecord = (topic: TopicName, fields: Partial<SourceRecord> = {}): SourceRecord => ({
  ...{ topic: `blue.${topic}`, partition: 3, offset: 42, key: Buffer.from('acme:1000'), value: Buffer.from('bytes') },
  ...{ headers: {}, timestamp: Date.parse(T) },
  ...fields,
})

function trace(topic: TopicName, value?: ValueOf<ContractTopic> | null, record: Partial<SourceRecord> = {}) {
  const related: Related = { orders: new Set(), parents: new Set() }
  const event = eventOf(topic, aRecord(topic, record), value, related, 'blue.')
  return { event, orders: [...related.orders], parents: [...related.parents] }
}

const aNotification = (fields: Partial<ValueOf<'flow.notifications.v1'>> = {}): ValueOf<'flow.notifications.v1'> => ({
  ...{ tenant: 'acme', entity: 'customer', id: '1000', via: 'webhook', action: null, kind: null, users: [] },
  ...{ version: null, repair: false, receivedAt: T },
  ...fields,
})
const anOutcome = (fields: Partial<ValueOf<'sync.outcomes.v1'>> = {}): ValueOf<'sync.outcomes.v1'> => ({
  ...{ tenant: 'acme', id: '1000', service: 'customer-mapper', instance: 'i', traceparent: null },
  ...{ topic: 'blue.flow.customers.v1', partition: 3, offset: '7' },
  ...{ lane: null, outcome: 'done', reason: null, operation: null, target: null, changed: [], version: null },
  ...{ attempts: 0, durationMs: 12, endedAt: '2026-01-01T12:00:05.000Z' },
  ...fields,
})
const aChange = { tenant: 'acme', parent: 'P', version: 'v', notifiedAt: T }
const observed = { type: 'parent-observed' as const, company: 'C', repair: false, ...aChange }
const childChanged = { type: 'child-changed' as const, child: 'C', to: 'Q', ...aChange }

describe('every event', () => {
  test('tells where its record stands, when, and who wrote it', () => {
    const headers = { source: Buffer.from('flow-ingest'), traceparent: `00-${TRACE_ID}-b7ad6b7169203331-01` }

    const { event } = trace('flow.notifications.v1', aNotification({ action: 'CUSTOMER_UPDATED' }), { headers })

    expect(event).toEqual({
      ...{ at: T, event: 'notified', service: 'flow-ingest', topic: 'flow.notifications.v1', partition: 3, offset: 42 },
      ...{ what: 'webhook CUSTOMER_UPDATED', traceId: TRACE_ID },
    })
  })

  test('of a record that keeps no contract says so', () => {
    const { event } = trace('flow.customers.v1')

    expect(event).toMatchObject({ event: 'notified', service: 'flow', what: 'a record that keeps no contract of ours' })
  })

  test.each<[string, TopicName]>([
    ["a sweep's cursor", 'sync.cursors.v1'],
    ['a lane record without a mark', 'customer-mapper.retry.v1'],
    ['a dead letter without a reason', 'customer-mapper.dead-letters.v1'],
  ])('is none for %s', (_, topic) => {
    expect(trace(topic, {} as ValueOf<ContractTopic>).event).toBeNull()
  })
})

describe('a notification', () => {
  test.each<[Partial<ValueOf<'flow.notifications.v1'>>, string]>([
    [{ via: 'sweep', version: 'v1' }, 'sweep'],
    [{ via: 'repair', repair: true }, 'repair repair'],
    [{ entity: 'order', id: 'order-1', action: 'ORDER_CREATED' }, 'webhook ORDER_CREATED order order-1'],
  ])('%j was notified', (fields, what) => {
    const { event } = trace('omnium.notifications.v1', aNotification(fields))

    expect(event).toMatchObject({ event: 'notified', what })
    expect(event?.version).toBe(fields.version)
  })
})

describe('a snapshot', () => {
  const read = { fetchedAt: '2026-01-01T12:00:01.000Z' }

  test('was fetched, so long after its notification and after the change', () => {
    const version = '2026-01-01T12:00:00Z'

    const { event, orders } = trace('flow.customers.v1', aFlowSnapshot(aPerson({ lastModifiedAt: version }), read))

    const what = 'customer read 1000 ms after its notification'
    expect(event).toMatchObject({ event: 'fetched', what, version, latencyMs: 2_000 })
    expect(orders).toEqual([])
  })

  test('without a version tells no latency', () => {
    const { event } = trace(
      'omnium.customers.v1',
      anOmniumSnapshot('B2C', anOmniumCustomer(), { ...read, repair: true }),
    )

    expect(event).toMatchObject({ what: 'customer read 1000 ms after its notification, repair' })
    expect(event).not.toHaveProperty('version')
    expect(event).not.toHaveProperty('latencyMs')
  })

  test.each<TopicName>(['omnium.orders.v1', 'flow.orders.v1'])('of %s leads to its order', (topic) => {
    const { event, orders } = trace(topic, { ...anOrderSnapshot({ id: 'order-1' }), ...read })

    expect(event).toMatchObject({ event: 'fetched', what: 'order order-1 read 1000 ms after its notification' })
    expect(orders).toEqual(['order-1'])
  })

  test('that is a tombstone was erased', () => {
    const { event } = trace('flow.customers.v1', null)

    expect(event).toMatchObject({ event: 'erased', what: 'tombstone: gone at its source' })
  })
})

describe('a parent change', () => {
  test.each([
    ['C has parent P in flow', observed, ['P']],
    ['C has no parent in flow, repair', { ...observed, parent: null, repair: true }, []],
    ['C gets parent Q: P has to agree', childChanged, ['Q']],
    ['C gets no parent: P has to agree', { ...childChanged, to: null }, []],
  ])('says: %s', (what, value, expected) => {
    const { event, parents } = trace('company.parent-changes.v1', value)

    expect(event).toMatchObject({ event: value.type, what, version: 'v' })
    expect(parents).toEqual(expected)
  })
})

describe('an outcome', () => {
  test('that changed something names the fields, and the time from its source to its effect', () => {
    const did = { operation: 'updated', target: 'omnium' as const, changed: ['email', 'phone'], version: T }

    const { event } = trace('sync.outcomes.v1', anOutcome(did))

    expect(event).toEqual({
      ...{ at: '2026-01-01T12:00:05.000Z', event: 'ended', service: 'customer-mapper', topic: 'sync.outcomes.v1' },
      ...{ partition: 3, offset: 42, record: 'flow.customers.v1/3/7', what: 'done updated in omnium: email, phone' },
      ...{ ...did, outcome: 'done', attempts: 0, durationMs: 12, latencyMs: 3_000 },
    })
  })

  test('names the fields of the source that could not be read, and the lists of which an element was not removed', () => {
    const notes = { unreadable: ['email', 'contacts'], notRemoved: ['addresses'] }

    const { event } = trace('sync.outcomes.v1', anOutcome({ ...notes, lane: 'replayed' }))

    expect(event).toMatchObject({
      ...notes,
      what: 'done (replayed); unreadable: email, contacts; not removed: addresses',
    })
  })

  test.each<[string, Partial<ValueOf<'sync.outcomes.v1'>>]>([
    ['skipped(unchanged)', { outcome: 'skipped', reason: 'unchanged', version: T }],
    ['parked(unmappable) (replayed)', { outcome: 'parked', reason: 'unmappable', lane: 'replayed' }],
    ['deferred(parent-not-found)', { outcome: 'deferred', reason: 'parent-not-found' }],
  ])('that changed nothing says: %s', (what, fields) => {
    const { event } = trace('sync.outcomes.v1', anOutcome(fields))

    expect(event).toMatchObject({ event: 'ended', what, ...fields })
    for (const name of ['changed', 'latencyMs', 'unreadable', 'notRemoved']) expect(event).not.toHaveProperty(name)
  })
})

describe('a record of the retry lane', () => {
  const laneHeaders = (fields: Partial<LaneMark> = {}) =>
    laneMessage('retry', aRecord('flow.customers.v1'), {
      ...{ why: 'deferred', origin: { topic: 'blue.flow.customers.v1', partition: 3, offset: 7 }, reason: 'slow' },
      ...{ notBefore: 0, attempts: 2, firstSeenAt: 0, passes: 1, redrives: 0 },
      ...fields,
    }).headers

  test.each<[string, Partial<LaneMark>]>([
    ['deferred: slow', { notBefore: Date.parse(T) }],
    ['redriven', { why: 'redriven', reason: '' }],
    ['deferred: slow, due 2026-01-01T12:01:00.000Z', { notBefore: Date.parse('2026-01-01T12:01:00Z') }],
  ])('says: %s', (what, fields) => {
    const { event } = trace('customer-mapper.retry.v1', undefined, { headers: laneHeaders(fields) })

    expect(event).toMatchObject({ event: 'sent-to-retry-lane', service: 'customer-mapper', what, attempts: 2 })
    expect(event).toMatchObject({ record: 'flow.customers.v1/3/7', lane: fields.why ?? 'deferred' })
  })
})

describe('a dead letter', () => {
  const headers = {
    ...{ 'dl-topic': 'blue.flow.customers.v1', 'dl-partition': '3', 'dl-offset': '7', 'dl-reason': 'unmappable' },
    ...{ 'dl-message': 'mapping a customer: unknown type', 'dl-attempts': '4' },
  }
  const letter = { service: 'customer-mapper', record: 'flow.customers.v1/3/7', reason: 'unmappable', attempts: 4 }

  test('was parked', () => {
    const { event } = trace('customer-mapper.dead-letters.v1', undefined, { headers })

    expect(event).toMatchObject({ ...letter, event: 'parked', what: 'unmappable: mapping a customer: unknown type' })
  })

  test('that was dealt with is marked as discarded', () => {
    const marker = { headers: { ...headers, 'dl-status': 'discarded' }, value: null }

    const { event } = trace('customer-mapper.dead-letters.v1', null, marker)

    expect(event).toMatchObject({ ...letter, event: 'discarded', what: 'unmappable: marked as discarded' })
  })
})
