import { createJournal } from '@sync/sandbox/journal'
import { describe, expect, it } from 'vitest'
import { checkAccepted, checkEnds, checkParked, checkReasons } from './check-records.ts'
import type { Expected } from './oracle.ts'
import type { Performed } from './perform.ts'
import type { StoredRecord } from './records.ts'

const INPUT = 'flow.customers.v1'
const wire = (value: object) => Buffer.concat([Buffer.alloc(5), Buffer.from(JSON.stringify(value))])
const record = (topic: string, offset: number, value: object, headers: Record<string, string> = {}): StoredRecord => ({
  ...{ topic, partition: 0, offset, at: 0, key: 't:1', value: wire(value) },
  headers: Object.fromEntries(Object.entries(headers).map(([name, text]) => [name, Buffer.from(text)])),
})

describe('accepted webhooks', () => {
  const topic = 'flow.notifications.v1'
  const delivered = (count: number) => {
    const journal = createJournal(100, () => 0)
    for (let n = 0; n < count; n++) {
      const delivery = { kind: 'delivery' as const, deliveryId: `${n}`, tenant: 't', objectId: '1', action: 'x' }
      journal.add({ ...delivery, attempt: 1, status: 202, end: 'delivered' })
    }
    return journal
  }
  const stored = [record(topic, 0, { via: 'webhook' }), record(topic, 1, { via: 'sweep' })]

  it('are all on their topic, where what a sweep found does not count', () => {
    expect(checkAccepted('', delivered(1), topic, stored).wrong).toEqual([])
    expect(checkAccepted('', delivered(2), topic, stored).wrong).toEqual(['t:1: 2 accepted, 1 stored'])
  })
})

describe('accepted webhooks of a topic that was recreated', () => {
  it.each([
    ['before', 900_000, []],
    ['by an attempt that may have begun before', 1_005_000, []],
    ['afterwards', 1_020_000, ['t:1: 2 accepted, 0 stored']],
  ])('accepted %s', (_, at, wrong) => {
    const topic = 'flow.notifications.v1'
    const journal = createJournal(100, () => at)
    for (const deliveryId of ['1', '2']) {
      const delivery = { kind: 'delivery' as const, deliveryId, tenant: 't', objectId: '1', action: 'x' }
      journal.add({ ...delivery, attempt: 1, status: 202, end: 'delivered' })
    }

    expect(checkAccepted('', journal, topic, [], [{ topic, doneAt: 1_000_000 }]).wrong).toEqual(wrong)
    expect(checkAccepted('', journal, topic, [], []).wrong).toHaveLength(1)
    expect(checkAccepted('', journal, topic, [], [{ topic: INPUT, doneAt: 1_000_000 }]).wrong).toHaveLength(1)
  })
})

describe('ends of records', () => {
  const ended = (outcome: string, offset: number) =>
    record('sync.outcomes.v1', 0, {
      ...{ service: 'customer-mapper', topic: `p.${INPUT}`, partition: 0, offset: String(offset), outcome },
    })

  it.each(['done', 'skipped', 'parked'])('are there when one says %s', (outcome) => {
    expect(checkEnds([record(INPUT, 7, {})], [ended(outcome, 7)], 'p.').wrong).toEqual([])
  })

  it('are lacking without one, with one of another record, and while it is deferred', () => {
    const wrong = [`customer-mapper ${INPUT}/0/7 (t:1) has no end`]

    expect(checkEnds([record(INPUT, 7, {})], [], 'p.').wrong).toEqual(wrong)
    expect(checkEnds([record(INPUT, 7, {})], [ended('done', 8)], 'p.').wrong).toEqual(wrong)
    expect(checkEnds([record(INPUT, 7, {})], [ended('deferred', 7)], 'p.').wrong).toEqual(wrong)
  })
})

describe('ends of records of a topic that was recreated', () => {
  it('have the trace of the record, because the former log had a record at the same offset', () => {
    const own = record(INPUT, 7, {}, { traceparent: 'new' })
    const ended = (traceparent: string) =>
      record('sync.outcomes.v1', 0, {
        ...{ service: 'customer-mapper', topic: `p.${INPUT}`, partition: 0, offset: '7', outcome: 'done', traceparent },
      })
    const recreations = [{ topic: INPUT, doneAt: 0 } as const]

    expect(checkEnds([own], [ended('old')], 'p.', recreations).wrong).toHaveLength(1)
    expect(checkEnds([own], [ended('old'), ended('new')], 'p.', recreations).wrong).toEqual([])
    expect(checkEnds([own], [ended('old')], 'p.').wrong).toEqual([])
  })
})

describe('what is parked', () => {
  const expected = (poison: string[], cured: string[] = []) =>
    ({ poison: new Set(poison), cured: new Set(cured) }) as unknown as Expected
  const performed = (places: string[] = [], writtenAt = 0): Pick<Performed, 'garbage'> => ({
    garbage: places.map((place) => ({ topic: INPUT, place, key: 't:1', writtenAt })),
  })
  const letter = record(
    'customer-mapper.dead-letters.v1',
    0,
    {},
    {
      ...{ 'dl-topic': `p.${INPUT}`, 'dl-partition': '0', 'dl-offset': '7', 'dl-reason': 'refused' },
    },
  )
  const wrongOf = (letters: StoredRecord[], of: Expected, by: Pick<Performed, 'garbage'>, doneAt?: number) =>
    checkParked(letters, of, by, 'p.', doneAt === undefined ? [] : [{ topic: INPUT, doneAt }]).wrong

  it('is the poison, what was poison for a while, and what keeps no contract', () => {
    expect(wrongOf([letter], expected(['t:1']), performed())).toEqual([])
    expect(wrongOf([letter], expected([], ['t:1']), performed())).toEqual([])
    expect(wrongOf([letter], expected([]), performed([`${INPUT}/0/7`]))).toEqual([])
  })

  it('is nothing else, and no less', () => {
    expect(wrongOf([letter], expected([]), performed())).toHaveLength(1)
    expect(wrongOf([], expected(['t:1']), performed())).toEqual(['t:1 is poison and not parked'])
    expect(wrongOf([], expected([]), performed([`${INPUT}/0/7`]))).toHaveLength(1)
    expect(wrongOf([{ ...letter, key: 't:2' }], expected([]), performed([`${INPUT}/0/7`]))).toHaveLength(1)
  })

  it('may lack what kept no contract in a log that was deleted', () => {
    expect(wrongOf([], expected([]), performed([`${INPUT}/0/7`], 1_000), 2_000)).toEqual([])
    expect(wrongOf([letter], expected([]), performed([`${INPUT}/0/7`], 1_000), 2_000)).toEqual([])
    expect(wrongOf([], expected([]), performed([`${INPUT}/0/7`], 3_000), 2_000)).toHaveLength(1)
  })
})

describe('reasons', () => {
  const letter = (reason: string, attempts: number, value: object | null = {}): StoredRecord => ({
    ...record('customer-mapper.dead-letters.v1', 0, {}, { 'dl-reason': reason, 'dl-attempts': `${attempts}` }),
    ...(value === null && { value: Buffer.from('garbage') }),
  })
  const ended = (outcome: string, reason: string | null) => record('sync.outcomes.v1', 0, { outcome, reason })

  it.each([
    [letter('refused', 1)],
    [letter('attempts-exhausted', 8)],
    [letter('parent-not-found', 0)],
    [letter('contract-violation', 0, null)],
  ])('of what is parked may be these', (each) => {
    expect(checkReasons([each], []).wrong).toEqual([])
  })

  it.each([
    ['an outage', letter('target-unavailable', 0)],
    ['no reason', letter('', 0)],
    ['one try that failed', letter('attempts-exhausted', 1)],
    ['bytes that could be read', letter('contract-violation', 0)],
    ['a refusal of what nobody can read', letter('refused', 1, null)],
  ])('of what is parked are not %s', (_, each) => {
    expect(checkReasons([each], []).wrong).toHaveLength(1)
  })

  it('are said of all but what was done', () => {
    const wrongOf = (...[outcome, reason]: [string, string | null]) =>
      checkReasons([], [ended(outcome, reason)]).wrong.length

    expect([wrongOf('done', null), wrongOf('skipped', 'stale'), wrongOf('deferred', 'circuit-open')]).toEqual([0, 0, 0])
    expect([wrongOf('done', 'x'), wrongOf('skipped', null), wrongOf('parked', '')]).toEqual([1, 1, 1])
  })
})
