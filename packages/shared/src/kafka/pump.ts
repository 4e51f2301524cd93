import type { Bounds } from './bounds.ts'
import type { KeyRuns } from './key-runs.ts'
import type { Ownership } from './ownership.ts'
import type { Pending } from './pending.ts'
import type { KeyQueues } from './queued.ts'

/** Starts each key that is due and has a slot, and spills the keys of a tenant that has too much memory. */
export interface Pump {
  /** Starts all that may start now. Sets a timer for the next key. */
  run(): void
  /** As `run`, in a later turn of the event loop. */
  soon(): void
  spill(): void
  /** Nothing starts after this call. */
  stop(): void
}

export interface PumpOptions {
  readonly queues: Pick<KeyQueues<Pending>, 'take' | 'nextDueAt'>
  readonly runs: Pick<KeyRuns, 'start'>
  readonly ownership: Pick<Ownership, 'settled' | 'maySend'>
  readonly bounds: Pick<Bounds, 'afterEnding'>
  /** Spills, and answers after how many ms to spill again, or null. Null for a service without a retry topic. */
  readonly spill: (() => number | null) | null
  readonly now: () => number
}

const MAX_SLEEP_MS = 60_000
/** While the heartbeat is too old. One timer for all keys. */
const HEARTBEAT_CHECK_MS = 200

export function createPump({ queues, runs, ownership, bounds, spill: spillOnce, now }: PumpOptions): Pump {
  let stopped = false
  let soon: NodeJS.Immediate | undefined
  let timer: NodeJS.Timeout | undefined
  let spillTimer: NodeJS.Timeout | undefined

  const run = () => {
    if (stopped || !ownership.settled) return
    clearTimeout(timer)
    // The fence would stop each request of a key that is taken now. The key would be decoded again and again for nothing.
    if (!ownership.maySend()) {
      timer = setTimeout(run, HEARTBEAT_CHECK_MS)
      return
    }
    const at = now()
    for (let taken = queues.take(at); taken !== null; taken = queues.take(at)) runs.start(taken)
    const next = queues.nextDueAt()
    if (next !== null) timer = setTimeout(run, Math.min(Math.max(1, next - at), MAX_SLEEP_MS))
    spill()
    bounds.afterEnding()
  }

  const spill = () => {
    clearTimeout(spillTimer)
    if (spillOnce === null || stopped || !ownership.maySend()) return
    const againMs = spillOnce()
    if (againMs !== null) spillTimer = setTimeout(spill, againMs)
  }

  return {
    run,
    /**
     * Runs from the event loop, and never from a promise's callback. Otherwise keys whose handling ends without I/O, because all
     * of them wait for a circuit, would run again and again in microtasks, and no timer, heartbeat or signal would be handled.
     */
    soon() {
      soon ??= setImmediate(() => {
        soon = undefined
        run()
      })
    },
    spill,
    stop() {
      stopped = true
      clearTimeout(timer)
      clearTimeout(spillTimer)
      clearImmediate(soon)
    },
  }
}
