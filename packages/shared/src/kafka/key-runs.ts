import type { Logger } from '../logger.ts'
import type { Leaving } from './bounds.ts'
import type { Ownership } from './ownership.ts'
import type { Pending } from './pending.ts'
import type { KeyQueues, Taken } from './queued.ts'
import type { KeyRun } from './run-key.ts'
import { createVolume, type Volume } from './volume.ts'

/** The keys that are being handled now, each from its taking to its release. */
export interface KeyRuns {
  start(taken: Taken<Pending>): void
  /** Writes the records of the key to the retry topic. */
  spill(taken: Taken<Pending>): void
  /** Writes the records that the key has of the retry topic to the end of the retry topic. */
  passOn(taken: Taken<Pending>): void
  /** Aborts those whose partition is gone, or all. */
  abort(gone?: (partition: number) => boolean): void
  /** Resolves once all that run now have ended. Never rejects. */
  settled(): Promise<void>
  /** A write for the partition may be executed until then, although its run is over. */
  mayBeLate(partition: number, until: number): void
  /** Whether nothing of the partition is under way, nor may be executed late. */
  isIdle(partition: number): boolean
  /** Since when the run with the longest silence has sent nothing (ms by the steady clock). null if no key runs. */
  silentSince(): number | null
  readonly leaving: Leaving
  readonly keysLeaving: number
}

export interface KeyRunsOptions {
  readonly queues: KeyQueues<Pending>
  readonly ownership: Ownership
  /** Answers whether the records of the key that are left should leave the memory. */
  readonly runKey: (records: readonly Pending[], run: KeyRun) => Promise<boolean>
  /** A key was released: there may be room for another. */
  readonly onReleased: () => void
  readonly logger: Logger
  readonly now: () => number
}

const AFTER_A_BUG_MS = 1_000

export function createKeyRuns({ queues, ownership, runKey, onReleased, logger, now }: KeyRunsOptions): KeyRuns {
  const runs = new Set<{
    partition: number
    /** Its start, or its last send. */
    activeAt: number
    controller: AbortController
    settled: Promise<void>
  }>()
  const lateUntil = new Map<number, number>()
  const leaving = { spilled: createVolume(), passedOn: createVolume() }
  let keysLeaving = 0

  const start = ({ key, records }: Taken<Pending>, surplus: KeyRun['surplus'], whenDone?: () => void) => {
    const { partition } = records[0]!.state
    const controller = new AbortController()
    const isOurs = ownership.fenceFor(partition, ownership.tenureOf(partition) ?? -1)
    const fence = () => {
      isOurs()
      run.activeAt = now()
    }
    const settled = runKey(records, { signal: controller.signal, fence, surplus })
      .catch((error: unknown) => {
        logger.error({ err: error }, 'handling a key failed unexpectedly')
        for (const record of records) record.dueAt = Math.max(record.dueAt, now() + AFTER_A_BUG_MS)
        return false
      })
      .then((shouldLeave) => {
        runs.delete(run)
        whenDone?.()
        queues.release(key, now())
        const left = shouldLeave ? queues.takeKey(key) : null
        if (left !== null) spill(left)
        onReleased()
      })
    const run = { partition, activeAt: now(), controller, settled }
    runs.add(run)
  }

  const leave = (taken: Taken<Pending>, surplus: KeyRun['surplus'], volume: Volume, records: readonly Pending[]) => {
    const count = (by: 1 | -1) => {
      keysLeaving += by
      for (const record of records) volume.add(record, by)
    }
    count(1)
    start(taken, surplus, () => count(-1))
  }

  const spill = (taken: Taken<Pending>) => leave(taken, 'spilled', leaving.spilled, taken.records)

  return {
    start: (taken) => start(taken, null),
    spill,
    passOn: (taken) =>
      leave(
        taken,
        'passed on',
        leaving.passedOn,
        taken.records.filter(({ lane }) => lane),
      ),
    abort(gone = () => true) {
      for (const { partition, controller } of runs) if (gone(partition)) controller.abort()
    },
    async settled() {
      await Promise.all([...runs].map(({ settled }) => settled))
    },
    mayBeLate: (partition, until) => void lateUntil.set(partition, until),
    isIdle: (partition) =>
      (lateUntil.get(partition) ?? 0) <= now() && ![...runs].some((run) => run.partition === partition),
    silentSince: () => (runs.size === 0 ? null : Math.min(...[...runs].map(({ activeAt }) => activeAt))),
    leaving,
    get keysLeaving() {
      return keysLeaving
    },
  }
}
