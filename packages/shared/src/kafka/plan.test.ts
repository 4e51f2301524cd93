import { describe, expect, it } from 'vitest'
import { skipped } from '../outcome.ts'
import type { Classified } from '../stream.ts'
import { planKey } from './plan.ts'

const record = (offset: number, topic = 'flow.customers.v1') => ({ origin: { topic, partition: 0, offset } })
const state = (group: string | null, version = '', repair = false): Classified => ({
  group,
  version,
  targets: [],
  repair,
})

describe('planning a key', () => {
  it('takes the newest of a group by version, whatever the order of arrival', () => {
    const [v3, v1, v2] = [record(1), record(2), record(3)]

    const { leads } = planKey([
      { record: v3, classified: state('customer', '2026-01-03T00:00:00Z') },
      { record: v1, classified: state('customer', '2026-01-01T00:00:00Z') },
      { record: v2, classified: state('customer', '2026-01-02T00:00:00Z') },
    ])

    expect(leads.map((lead) => [lead.record, lead.older])).toEqual([[v3, [v2, v1]]])
  })

  it('ends with a tombstone what stands before it on its topic, of whatever group, and nothing else', () => {
    const [before, tombstone, after] = [record(1), record(2), record(3)]
    const [other, marked] = [record(0, 'omnium.orders.v1'), record(0)]
    const deleted = skipped('deleted')

    const { ends, leads } = planKey([
      { record: after, classified: state('customer', '2026-01-01T00:00:00Z') },
      { record: tombstone, classified: { end: deleted, endsOlder: true } },
      { record: before, classified: state('customer', '2026-01-02T00:00:00Z') },
      { record: marked, classified: state(null, '', true) },
      { record: other, classified: state('order') },
    ])

    expect(ends).toEqual([tombstone, before, marked].map((each) => ({ record: each, outcome: deleted })))
    expect(leads.map((lead) => [lead.record, lead.older])).toEqual([
      [after, []],
      [other, []],
    ])
  })

  it('ends with an echo nothing but itself', () => {
    const [older, echo] = [record(1), record(2)]

    const { ends, leads } = planKey([
      { record: older, classified: state('customer') },
      { record: echo, classified: { end: skipped('echo') } },
    ])

    expect([ends.map((each) => each.record), leads.map((lead) => lead.record)]).toEqual([[echo], [older]])
  })

  it('takes the later offset among equal versions', () => {
    const [first, second] = [record(1), record(2)]

    const { leads } = planKey(
      [first, second].map((r) => ({ record: r, classified: state('customer', '2026-01-01T00:00:00Z') })),
    )

    expect(leads[0]?.record).toBe(second)
  })

  it('never lets a record supersede one of another topic of origin, of another group, or of no group', () => {
    const records = [
      { record: record(1), classified: state('a') },
      { record: record(2), classified: state('b') },
      { record: record(3, 'omnium.orders.v1'), classified: state('a') },
      { record: record(4), classified: state(null) },
      { record: record(5), classified: state(null) },
    ]

    const { leads } = planKey(records)

    expect(leads.map((lead) => lead.record)).toEqual(records.map((r) => r.record))
    expect(leads.every(({ older }) => older.length === 0)).toBe(true)
  })

  it('ends what is said to end before anything supersedes, so that an echo hides nothing', () => {
    const [real, echo] = [record(1), record(2)]

    const plan = planKey([
      { record: real, classified: state('customer') },
      { record: echo, classified: { end: skipped('echo') } },
    ])

    expect(plan.leads.map((lead) => lead.record)).toEqual([real])
    expect(plan.ends).toEqual([{ record: echo, outcome: skipped('echo') }])
  })

  it('hands a repair mark on to what supersedes it', () => {
    const { leads } = planKey([
      { record: record(1), classified: state('customer', '', true) },
      { record: record(2), classified: state('customer') },
    ])

    expect(leads[0]?.repair).toBe(true)
  })

  it('takes a record of the later log before one of the former log with a higher offset', () => {
    const former = { ...record(51), logSince: 0 }
    const later = { ...record(3), logSince: 1_000 }
    const version = '2026-01-01T00:00:00Z'

    const { leads } = planKey([
      { record: former, classified: state('customer', version) },
      { record: later, classified: state('customer', version) },
    ])

    expect(leads.map((lead) => [lead.record, lead.older])).toEqual([[later, [former]]])
  })

  it('ends with a tombstone of the later log what waits of the former log, and never the other way round', () => {
    const deleted = skipped('deleted')
    const tombstone = (offset: number, logSince: number) => ({
      record: { ...record(offset), logSince },
      classified: { end: deleted, endsOlder: true } as const,
    })
    const customer = (offset: number, logSince: number) => ({
      record: { ...record(offset), logSince },
      classified: state('customer', '2026-01-01T00:00:00Z'),
    })

    expect(planKey([customer(51, 0), tombstone(0, 1_000)]).leads).toEqual([])
    expect(planKey([tombstone(51, 0), customer(0, 1_000)]).leads).toHaveLength(1)
  })
})
