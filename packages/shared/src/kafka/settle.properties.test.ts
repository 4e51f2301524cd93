import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import type { SyncOutcome } from '../contracts/sync-outcome.ts'
import { SyncError } from '../errors.ts'
import { createEventLoopTurns } from '../event-loop-turns.ts'
import { createLogger } from '../logger.ts'
import { done, type Outcome, park, RETRY_REASONS, type RetryReason, skipped } from '../outcome.ts'
import { patience, runs } from '../testing/runs.ts'
import { createKeyQueues } from './key-queues.ts'
import { createGate, createState } from './partition-gate.ts'
import { type Pending, pendingOf } from './pending.ts'
import type { RawMessage } from './ports.ts'
import { createSettler } from './settle.ts'

const TOPIC = 'flow.customers.v1'
const DEADLINE_MS = 10_000
const CEILING_MS = 15_000

/** A settler with one record of offset 5, and older ones before it; `accepts` says which writes Kafka takes. */
const given = ({
  maxAttempts = 3,
  deferAfterMs = 1e9,
  older = 0,
  chance = 0.5,
  accepts = [true],
  wallStepMs = 0,
} = {}) => {
  let now = 1_000_000
  let sends = 0
  const latencies: number[] = []
  const deferrals: number[] = []
  const log: ({ end: SyncOutcome } | { sent: RawMessage })[] = []
  const queues = createKeyQueues<Pending>(1)
  const state = createState(createGate(), TOPIC, 0, 6)
  const { tracker } = state
  const pending = Array.from({ length: older + 1 }, (_, index) => {
    const source = { topic: TOPIC, partition: 0, offset: 5 - older + index, timestamp: 0, headers: {} }
    const bytes = { key: Buffer.from('acme:1'), value: Buffer.from('v') }
    const at = { nowMs: now, wallMs: now + wallStepMs }
    const record = pendingOf({ ...source, ...bytes }, state, at, { prefix: '', retryTopic: null, topics: [TOPIC] })
    tracker.add(record.offset)
    queues.add(record, now)
    return record
  })
  queues.take(now)
  const settler = createSettler({
    service: 'customer-mapper',
    prefix: '',
    instanceId: 'one',
    maxAttempts,
    requestDeadlineMs: DEADLINE_MS,
    deferAfterMs,
    queues,
    onUnknownEnd: () => {},
    onDeferred: (_partition, _tenant, notBefore) => deferrals.push(notBefore),
    send: async (messages) => {
      if (!accepts[sends++ % accepts.length]) throw new SyncError('kafka-unavailable', 'producing')
      log.push(...messages.map((sent) => ({ sent })))
    },
    isOverShare: () => false,
    turns: createEventLoopTurns(() => 0),
    outcomes: { add: (end) => log.push({ end }), flush: async () => {}, size: 0 },
    metrics: {
      ended() {},
      retried() {},
      parked() {},
      notRemoved() {},
      logShortened() {},
      endToEnd: (_topic, seconds) => latencies.push(seconds),
    },
    logger: createLogger({ service: 'test', level: 'silent' }),
    now: () => now,
    wallNow: () => now + wallStepMs,
    random: () => chance,
  })
  const record = pending.at(-1)!
  /** Settles, as the runtime does once the record is due; answers how long it is to wait, null when it has ended. */
  const settle = async (outcome: Outcome): Promise<number | null> => {
    now = Math.max(now, record.dueAt)
    await settler
      .settle(record, pending.slice(0, -1), outcome, () => {})
      .catch((error: unknown) => {
        if (!(error instanceof SyncError)) throw error
        record.dueAt = now + 1_000
      })
    return [...queues.records()].includes(record) ? record.dueAt - now : null
  }
  const ends = () => log.flatMap((it) => ('end' in it ? [it.end] : []))
  const sent = () => log.flatMap((it) => ('sent' in it ? [it.sent] : []))
  return { settle, log, ends, sent, tracker, queues, record, latencies, deferrals, now: () => now }
}

const reasons = Object.keys(RETRY_REASONS) as RetryReason[]
const retries = fc
  .record({ reason: fc.constantFrom(...reasons), afterMs: fc.option(fc.nat(60_000), { nil: undefined }) })
  .map(({ reason, afterMs }): Outcome => ({ kind: 'retry', reason, ...(afterMs !== undefined && { afterMs }) }))
const counts = (outcome: Outcome) => outcome.kind === 'retry' && RETRY_REASONS[outcome.reason].counts
const chance = fc.double({ min: 0, max: 1, maxExcluded: true, noNaN: true })

describe('a record that fails', () => {
  it('is parked by the last of its attempts, one at least, and never by what does not count', patience, async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.nat(8),
        fc.array(retries, { maxLength: 40 }),
        chance,
        async (maxAttempts, outcomes, chance) => {
          const { settle, ends } = given({ maxAttempts, chance })
          let attempts = 0
          for (const outcome of outcomes) {
            const waitMs = await settle(outcome)
            if (counts(outcome)) attempts++

            if (counts(outcome) && attempts === Math.max(1, maxAttempts)) {
              expect(waitMs).toBeNull()
              expect(ends()).toMatchObject([{ outcome: 'parked', attempts }])
              return
            }
            expect(ends()).toEqual([])
            expect(waitMs).toBeGreaterThanOrEqual(1)
            const { afterMs } = outcome as { afterMs?: number }
            if (afterMs !== undefined) expect(waitMs).toBeCloseTo(Math.max(1, afterMs))
            else expect(waitMs).toBeLessThanOrEqual(counts(outcome) ? Math.min(CEILING_MS, 500 * 2 ** attempts) : 1_500)
          }
        },
      ),
      runs(200),
    )
  })
})

describe('any record, whatever Kafka takes of what is written for it', () => {
  const outcome = fc.oneof(
    { weight: 4, arbitrary: retries },
    {
      weight: 2,
      arbitrary: fc.constantFrom<Outcome>(
        { kind: 'retry', reason: 'target-failed', verify: true },
        { kind: 'retry', reason: 'target-unavailable', verify: true },
      ),
    },
    { weight: 2, arbitrary: fc.constantFrom(done(), skipped('unchanged'), park('refused', '422')) },
  )
  const script = fc.record({
    maxAttempts: fc.nat(4),
    deferAfterMs: fc.constantFrom(5_000, 1e9),
    older: fc.nat(3),
    accepts: fc.array(fc.boolean(), { minLength: 1, maxLength: 12 }),
    outcomes: fc.array(outcome, { minLength: 1, maxLength: 20 }),
  })

  it('ends once, and only after all that its end needs is written', patience, async () => {
    await fc.assert(
      fc.asyncProperty(script, async ({ outcomes, older, ...options }) => {
        const { settle, log, ends, sent, tracker, queues, record } = given({ older, ...options })
        let owed = 0
        for (const outcome of outcomes) {
          if (outcome.kind === 'retry' && outcome.verify) owed++
          const waitMs = await settle(outcome)
          if (waitMs === null) break
          expect(ends()).toEqual([])
          expect(tracker.pending()).toBe(older + 1)
        }

        const own = ends().filter(({ offset }) => offset === '5')
        expect(own.length).toBeLessThanOrEqual(1)
        const [end] = own
        if (end === undefined) return
        const before = log
          .slice(
            0,
            log.findIndex((it) => 'end' in it),
          )
          .map((it) => ('sent' in it ? it.sent.topic + (it.sent.headers['lane-why'] ?? '') : 'an end'))
        expect(before.filter((name) => name.endsWith('dead-letters.v1'))).toHaveLength(end.outcome === 'parked' ? 1 : 0)
        expect(before.filter((name) => name.endsWith('deferred'))).toHaveLength(end.outcome === 'deferred' ? 1 : 0)
        expect(before.filter((name) => name.endsWith('verify')).length > 0).toBe(owed > 0)
        expect(sent()).toHaveLength(before.length)

        // Those that it supersedes end with it, unless it was parked: they are next.
        const isParked = end.outcome === 'parked'
        expect(ends().length - 1).toBe(isParked ? 0 : older)
        expect(ends().every((each) => each === end || each.reason === 'superseded')).toBe(true)
        expect(tracker.lowWaterMark()).toBe(isParked && older > 0 ? 5 - older : 6)
        expect([...queues.records()].includes(record)).toBe(false)
        if (isParked) for (const each of queues.records()) expect(each.dueAt).toBe(0)
      }),
      runs(300),
    )
  })
})

describe('the time of a record in the retry topic', () => {
  it.each([
    ['back', -3_600_000],
    ['forward', 3_600_000],
  ])(
    'is the same for the rest of the process as in the header, also when the wall clock was set %s',
    async (_how, wallStepMs) => {
      const { settle, sent, deferrals } = given({ deferAfterMs: 0, wallStepMs })

      await settle({ kind: 'retry', reason: 'target-unavailable', verify: true })

      const headers = sent().map(({ headers }) => [headers['lane-why'], Number(headers['lane-not-before'])])
      expect(headers.map(([why]) => why)).toEqual(['verify', 'deferred'])
      expect(deferrals).toEqual(headers.map(([, notBefore]) => notBefore))
    },
  )
})

describe('the time from a change to its effect', () => {
  it.each([
    ['counts from the change at its source', false, [2]],
    ['does not count for a repair, which mends what may have gone wrong long ago', true, []],
  ])('%s', async (_what, repair, expected) => {
    const { settle, record, latencies, now } = given()
    record.decoded = { value: { version: new Date(now() - 2_000).toISOString(), repair } }

    await settle(done())

    expect(latencies).toEqual(expected)
  })
})
