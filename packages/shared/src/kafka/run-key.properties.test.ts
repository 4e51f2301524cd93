import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { SyncError } from '../errors.ts'
import { createEventLoopTurns } from '../event-loop-turns.ts'
import { createLogger } from '../logger.ts'
import { done, type Outcome, retry } from '../outcome.ts'
import { createTenants } from '../tenants.ts'
import { aTenant } from '../testing/builders.ts'
import { patience, runs } from '../testing/runs.ts'
import { createGate, createState } from './partition-gate.ts'
import { type Pending, pendingOf } from './pending.ts'
import { createKeyRunner } from './run-key.ts'

const TOPIC = 'flow.customers.v1'
const unknownEnd: Outcome = { kind: 'retry', reason: 'target-failed', verify: true }
const unavailable = () => new SyncError('kafka-unavailable', 'producing')

/** Runs one key of so many records, none of which supersedes another; what is written fails for those in `refused`. */
const run = async (options: {
  readonly count: number
  /** Default: all of them are due. */
  readonly dueAt?: readonly number[]
  readonly now?: () => number
  readonly handle: (abort: AbortController, count: number) => Promise<readonly Outcome[]>
  readonly abortAtSettle?: number
  readonly refused?: readonly number[]
}) => {
  const abort = new AbortController()
  const settled: number[] = []
  const verified: number[] = []
  const state = createState(createGate(), TOPIC, 0, 0)
  const records = Array.from({ length: options.count }, (_, offset): Pending => {
    const bytes = { key: Buffer.from('acme:1'), value: Buffer.from('{}') }
    const source = { topic: TOPIC, partition: 0, offset, headers: {}, timestamp: 0, ...bytes }
    const pending = pendingOf(source, state, { nowMs: 0, wallMs: 0 }, { prefix: '', retryTopic: null, topics: [TOPIC] })
    pending.dueAt = options.dueAt?.[offset] ?? 0
    return pending
  })
  const runKey = createKeyRunner({
    handler: {
      service: 'customer-mapper',
      topics: [TOPIC],
      classify: () => ({ group: null, version: '', targets: [] }),
      handle: (deliveries) => options.handle(abort, deliveries.length),
    },
    settler: {
      async settle({ offset }) {
        expect(abort.signal.aborted).toBe(false)
        if (settled.push(offset) === options.abortAtSettle) abort.abort()
      },
      async wait() {},
      async defer() {},
      async passOn() {},
      async owesVerify({ offset }) {
        if (options.refused?.includes(offset)) throw unavailable()
        verified.push(offset)
      },
    },
    shouldLeave: () => false,
    turns: createEventLoopTurns(() => 0),
    decode: async () => ({}),
    tenants: () => createTenants([aTenant()]),
    circuits: { admit: () => ({ admitted: true }), onChange() {} },
    waitingOf: () => 0,
    rest() {},
    logger: createLogger({ service: 'test', level: 'silent' }),
    now: options.now ?? (() => 1),
    wallNow: () => 1,
    random: () => 0.5,
    observeHandling() {},
  })
  await runKey(records, { signal: abort.signal, fence() {}, surplus: null }).catch((error: unknown) => {
    if (!(error instanceof SyncError)) throw error
  })
  return { settled, verified }
}

describe('records of a key that keep their order', () => {
  it('are handled up to the first that is not due yet, also when one falls due meanwhile', patience, async () => {
    const times = fc.array(fc.integer({ min: 0, max: 20 }), { minLength: 1, maxLength: 6 })
    const steps = fc.array(fc.constantFrom(0, 0, 0, 1, 3), { minLength: 40, maxLength: 40 })
    await fc.assert(
      fc.asyncProperty(times, steps, async (dueAt, steps) => {
        let at = 10
        let reads = 0
        const now = () => {
          at += steps[reads++] ?? 0
          return at
        }
        const handle = async (_: AbortController, count: number) => Array.from({ length: count }, () => done())

        const { settled } = await run({ count: dueAt.length, dueAt, now, handle })

        expect(settled).toEqual([...dueAt.keys()].slice(0, settled.length))
        const firstToWait = dueAt.findIndex((each) => each > 10)
        expect(settled.length).toBeGreaterThanOrEqual(firstToWait === -1 ? dueAt.length : firstToWait)
      }),
      runs(300),
    )
  })
})

describe('a key whose partition is lost while it is handled', () => {
  const outcomes = fc.array(fc.constantFrom(done(), retry('target-failed'), unknownEnd), { minLength: 1, maxLength: 6 })

  it('ends nothing more, and has every write of unknown end looked at again', patience, async () => {
    await fc.assert(
      fc.asyncProperty(outcomes, fc.integer({ min: 1, max: 7 }), async (outcomes, abortAtSettle) => {
        const { settled, verified } = await run({ count: outcomes.length, handle: async () => outcomes, abortAtSettle })

        const left = [...outcomes.keys()].slice(Math.min(abortAtSettle, outcomes.length))
        expect(settled).toEqual([...outcomes.keys()].slice(0, abortAtSettle))
        expect(verified).toEqual(left.filter((index) => outcomes[index] === unknownEnd))
      }),
      runs(100),
    )
  })

  it(
    'has all that its aborted request may have written looked at again, as far as Kafka takes it',
    patience,
    async () => {
      await fc.assert(
        fc.asyncProperty(fc.integer({ min: 1, max: 6 }), fc.array(fc.nat(5)), async (count, refused) => {
          const handle = async (abort: AbortController) => {
            abort.abort()
            throw new SyncError('aborted', 'updating', { unknownEnd: true })
          }

          const { settled, verified } = await run({ count, handle, refused })

          expect(settled).toEqual([])
          expect(verified).toEqual(
            Array.from({ length: count }, (_, offset) => offset).filter((n) => !refused.includes(n)),
          )
        }),
        runs(100),
      )
    },
  )
})
