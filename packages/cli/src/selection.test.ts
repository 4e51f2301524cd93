import type { ValueOf } from '@sync/shared/contracts/contracts'
import type { SourceRecord } from '@sync/shared/kafka/ports'
import type { ContractTopic } from '@sync/shared/kafka/topics'
import {
  aCompany,
  aFlowSnapshot,
  anOmniumCustomer,
  anOmniumSnapshot,
  anOrderSnapshot,
  aPerson,
} from '@sync/shared/testing/builders'
import { describe, expect, test } from 'vitest'
import { createSelection } from './selection.ts'

const aRecord = (
  topic: ContractTopic,
  offset: number,
  { key = 'acme:1000' as string | null, value = 'bytes' as string | null } = {},
): SourceRecord => ({
  ...{ topic, partition: 0, offset, headers: {}, timestamp: 0 },
  key: key === null ? null : Buffer.from(key),
  value: value === null ? null : Buffer.from(value),
})

type Arrival<T extends ContractTopic> = ValueOf<T> | null | undefined

/** The offsets that are kept of records of one key which arrive in this order, from offset 0. */
function kept<T extends ContractTopic>(topic: T, values: readonly Arrival<T>[]): number[] {
  const selection = createSelection(1_000_000)
  for (const [offset, value] of values.entries()) selection.add(topic, aRecord(topic, offset), value)
  return selection.take().map(({ record }) => record.offset)
}

const day = (n: number) => `2026-01-0${n}T10:00:00Z`
const flowAt = (lastModifiedAt: string | null) => aFlowSnapshot(aPerson({ lastModifiedAt }))
const omniumAt = (kind: 'B2C' | 'B2B', modified: string) => anOmniumSnapshot(kind, anOmniumCustomer({ modified }))
const aNotification = (fields: Partial<ValueOf<'flow.notifications.v1'>> = {}): ValueOf<'flow.notifications.v1'> => ({
  ...{ tenant: 'acme', entity: 'customer', id: '1000', via: 'webhook', action: 'CUSTOMER_UPDATED', kind: null },
  ...{ users: [], version: null, repair: false, receivedAt: day(1) },
  ...fields,
})
const observed = (version: string): ValueOf<'company.parent-changes.v1'> => ({
  ...{ type: 'parent-observed', tenant: 'acme', company: 'C', parent: 'P', version, repair: false, notifiedAt: day(1) },
})
const childChanged = (child: string, version = day(1)): ValueOf<'company.parent-changes.v1'> => ({
  ...{ type: 'child-changed', tenant: 'acme', parent: 'P', child, to: 'P', version, notifiedAt: day(1) },
})

describe('of the states of a key', () => {
  test.each([
    ['the newer version', [flowAt(day(1)), flowAt(day(2))], [1]],
    ['the newer version, also when it came first', [flowAt(day(2)), flowAt(day(1))], [0]],
    ['the later of one version', [flowAt(day(1)), flowAt(day(1))], [1]],
    ['the one with a version', [flowAt(day(1)), flowAt(null)], [0]],
    ['the later when there is no version', [flowAt(null), flowAt(null)], [1]],
    ['the newest of many', [flowAt(day(1)), flowAt(day(3)), flowAt(day(2))], [1]],
  ])('%s is kept', (_, values, offsets) => {
    expect(kept('flow.customers.v1', values)).toEqual(offsets)
  })

  test('a tombstone and a snapshot are both kept', () => {
    expect(kept('flow.customers.v1', [null, flowAt(day(1)), null])).toEqual([2, 1])
  })

  test('the newest order of a customer is kept', () => {
    const orders = [anOrderSnapshot({ modified: day(2) }), anOrderSnapshot({ id: 'order-2', modified: day(1) })]

    expect(kept('omnium.orders.v1', orders)).toEqual([0])
  })

  test('private and business customers of one id are kept apart', () => {
    const values = [omniumAt('B2C', day(1)), omniumAt('B2B', day(3)), omniumAt('B2C', day(2))]

    expect(kept('omnium.customers.v1', values)).toEqual([2, 1])
  })
})

describe('of the notifications of a key', () => {
  test('the last is kept, whatever version it names', () => {
    const values = [aNotification({ version: day(2) }), aNotification({ version: day(1), via: 'sweep' })]

    expect(kept('flow.notifications.v1', values)).toEqual([1])
  })

  test.each<[string, Partial<ValueOf<'flow.notifications.v1'>>]>([
    ['an order', { entity: 'order' }],
    ['the other kind of customer', { kind: 'B2B' }],
    ['a deletion', { action: 'CUSTOMER_DELETED' }],
    ['an erasure', { action: 'CUSTOMER_ERASED' }],
    ['an anonymisation', { action: 'CUSTOMER_ANONYMIZED' }],
  ])('%s is kept besides', (_, fields) => {
    expect(kept('omnium.notifications.v1', [aNotification(fields), aNotification()])).toEqual([0, 1])
  })
})

describe('of the parent changes of a company', () => {
  test('the newest observation is kept', () => {
    expect(kept('company.parent-changes.v1', [observed(day(2)), observed(day(1))])).toEqual([0])
  })

  test('the last announcement of each child is kept, whatever its version', () => {
    const values = [childChanged('C1', day(2)), childChanged('C2'), childChanged('C1', day(1)), observed(day(1))]

    expect(kept('company.parent-changes.v1', values)).toEqual([2, 1, 3])
  })
})

describe('a record that stands for itself', () => {
  test('is one that keeps no contract', () => {
    expect(kept('flow.customers.v1', [undefined, flowAt(day(1)), undefined])).toEqual([0, 1, 2])
  })

  test('is one without a key', () => {
    const selection = createSelection(1_000_000)

    for (const offset of [0, 1]) {
      selection.add('flow.customers.v1', aRecord('flow.customers.v1', offset, { key: null }), flowAt(day(1)))
    }

    expect(selection.take().map(({ record }) => record.offset)).toEqual([0, 1])
  })

  test('is the only one of its key or of its topic', () => {
    const selection = createSelection(1_000_000)
    const company = aFlowSnapshot(aCompany())

    selection.add('flow.customers.v1', aRecord('flow.customers.v1', 0, { key: 'acme:1000' }), company)
    selection.add('flow.customers.v1', aRecord('flow.customers.v1', 1, { key: 'other:1000' }), company)
    selection.add('flow.notifications.v1', aRecord('flow.notifications.v1', 2), aNotification())
    selection.add('omnium.notifications.v1', aRecord('omnium.notifications.v1', 3), aNotification())

    expect(selection.take().map(({ record }) => record.offset)).toEqual([0, 1, 2, 3])
  })
})

describe('the memory of a selection', () => {
  const add = (selection: ReturnType<typeof createSelection>, key: string, bytes: number) =>
    selection.add('flow.customers.v1', aRecord('flow.customers.v1', 0, { key, value: 'x'.repeat(bytes) }), flowAt(null))

  test('is full once what is kept takes as much as was granted', () => {
    const selection = createSelection(10_000)

    add(selection, 'acme:1', 5_000)
    const isFullAtFirst = selection.isFull
    add(selection, 'acme:2', 5_000)

    expect([isFullAtFirst, selection.isFull]).toEqual([false, true])
  })

  test("isn't filled by what was superseded", () => {
    const selection = createSelection(10_000)

    for (let n = 0; n < 10; n++) add(selection, 'acme:1', 5_000)

    expect(selection.isFull).toBe(false)
  })

  test('is empty again once all was taken', () => {
    const selection = createSelection(1)
    add(selection, 'acme:1', 5_000)

    const first = selection.take()

    expect(first).toHaveLength(1)
    expect(selection.isFull).toBe(false)
    expect(selection.take()).toEqual([])
  })

  test('hands on what each record says', () => {
    const selection = createSelection(1_000_000)
    const record = aRecord('flow.customers.v1', 7)
    const value = flowAt(day(1))

    selection.add('flow.customers.v1', record, value)

    expect(selection.take()).toEqual([expect.objectContaining({ record, value })])
  })
})
