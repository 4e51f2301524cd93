import type { Bounds } from './bounds.ts'
import type { KeyQueues } from './key-queues.ts'
import type { KeyRuns } from './key-runs.ts'
import type { Ownership } from './ownership.ts'
import type { Pending } from './pending.ts'

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
  readonly queues: KeyQueues<Pending>
  readonly runs: Pick<KeyRuns, 'start' | 'sendAway' | 'leaving'>
  readonly ownership: Pick<Ownership, 'settled' | 'maySend'>
  readonly bounds: Pick<Bounds, 'surplusTenant' | 'afterEnding'>
  readonly hasRetryTopic: boolean
  readonly now: () => number
}

/** Their records leave in a few large produces. */
const MAX_KEYS_LEAVING = 500
const MAX_SLEEP_MS = 60_000
/** While the heartbeat is too old. One timer for all keys. */
const HEARTBEAT_CHECK_MS = 200

export function createPump({ queues, runs, ownership, bounds, hasRetryTopic, now }: PumpOptions): Pump {
  let stopped = false
  let soon: NodeJS.Immediate | undefined
  let timer: NodeJS.Timeout | undefined

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
    if (!hasRetryTopic || stopped || !ownership.maySend()) return
    while (runs.leaving.keys < MAX_KEYS_LEAVING) {
      const tenant = bounds.surplusTenant(runs.leaving)
      const taken = tenant === null ? null : queues.takeSurplus(tenant)
      if (taken === null) return
      runs.sendAway(taken)
    }
  }

  return {
    run,
    /**
     * Through the event loop, never from a promise's callback: keys whose handling ends without any I/O (all of them wait for
     * a circuit) would else go round in microtasks, and no timer, heartbeat or signal would ever be heard again.
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
      clearImmediate(soon)
    },
  }
}
