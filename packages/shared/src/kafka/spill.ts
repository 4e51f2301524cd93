import type { Bounds } from './bounds.ts'
import type { KeyRuns } from './key-runs.ts'
import type { Pending } from './pending.ts'
import type { KeyQueues, Taken } from './queued.ts'
import type { RetryPasses } from './retry-passes.ts'

export interface SpillOptions {
  readonly bounds: Pick<Bounds, 'tenantToSpill' | 'tenantToPassOn' | 'farBehind'>
  readonly queues: Pick<KeyQueues<Pending>, 'takeSurplus' | 'takeOfLane' | 'takeKey' | 'records'>
  readonly runs: Pick<KeyRuns, 'spill' | 'passOn' | 'leaving' | 'keysLeaving'>
  readonly passes: Pick<RetryPasses, 'mayPass' | 'passedOn'>
  readonly now: () => number
}

/** Their records leave in a few large produces. */
const MAX_KEYS_LEAVING = 500
/** All records in memory are looked at for this. */
const LOOK_FAR_BEHIND_MS = 200
/** Records of the retry topic that are too much for memory may pass by then. */
const LOOK_AGAIN_MS = 1_000

/**
 * Answers a function that writes to the retry topic what keeps the records of other tenants from being read. The function answers
 * after how many ms it is to be called again, or null when that is not needed before records come or end.
 */
export function createSpill({ bounds, queues, runs, passes, now }: SpillOptions): () => number | null {
  let lookedAt = Number.NEGATIVE_INFINITY

  const mayPass = ({ state, writtenAt, mark }: Pending) =>
    mark !== null && passes.mayPass({ partition: state.partition, writtenAt, firstSeenAt: mark.firstSeenAt }, now())

  const passOn = (taken: Taken<Pending>, tenant: string) => {
    passes.passedOn(tenant, now())
    runs.passOn(taken)
  }

  /** Keys of the largest tenants, until there is room or no key of theirs can be taken. Answers the tenants without such a key. */
  const takeLargest = (
    next: Bounds['tenantToSpill'],
    take: (tenant: string) => Taken<Pending> | null,
    leave: (taken: Taken<Pending>, tenant: string) => void,
  ): ReadonlySet<string> => {
    const emptied = new Set<string>()
    while (runs.keysLeaving < MAX_KEYS_LEAVING) {
      const tenant = next(runs.leaving, emptied)
      if (tenant === null) return emptied
      const taken = take(tenant)
      if (taken === null) emptied.add(tenant)
      else leave(taken, tenant)
    }
    return emptied
  }

  /** A partition that is paused for its distance is read on only after its oldest records have ended. */
  const leaveFarBehind = (): number | null => {
    const far = bounds.farBehind()
    if (far.size === 0) return null
    const waitMs = lookedAt + LOOK_FAR_BEHIND_MS - now()
    if (waitMs > 0) return waitMs
    lookedAt = now()
    const keys = new Map<string, typeof runs.spill>()
    for (const record of queues.records()) {
      if (record.offset >= (far.get(record.state) ?? 0)) continue
      if (!record.lane) keys.set(record.key, runs.spill)
      else if (mayPass(record) && !keys.has(record.key)) keys.set(record.key, runs.passOn)
    }
    for (const [key, leave] of keys) {
      if (runs.keysLeaving >= MAX_KEYS_LEAVING) break
      const taken = queues.takeKey(key)
      if (taken !== null) leave(taken)
    }
    return LOOK_FAR_BEHIND_MS
  }

  return () => {
    takeLargest(bounds.tenantToSpill, queues.takeSurplus, runs.spill)
    const staying = takeLargest(bounds.tenantToPassOn, (tenant) => queues.takeOfLane(tenant, mayPass), passOn)
    return leaveFarBehind() ?? (staying.size > 0 ? LOOK_AGAIN_MS : null)
  }
}
