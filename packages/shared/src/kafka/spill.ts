import type { Bounds } from './bounds.ts'
import type { KeyRuns } from './key-runs.ts'
import type { Pending } from './pending.ts'
import type { KeyQueues } from './queued.ts'

export interface SpillOptions {
  readonly bounds: Pick<Bounds, 'tenantToSpill' | 'farBehind'>
  readonly queues: Pick<KeyQueues<Pending>, 'takeSurplus' | 'takeKey' | 'records'>
  readonly runs: Pick<KeyRuns, 'spill' | 'leaving' | 'keysLeaving'>
  readonly now: () => number
}

/** Their records leave in a few large produces. */
const MAX_KEYS_LEAVING = 500
/** All records in memory are looked at for this. */
const LOOK_FAR_BEHIND_MS = 200

/**
 * Answers a function that spills what keeps the records of other tenants from being read. The function answers after how many ms
 * it is to be called again, or null when that is not needed before records come or end.
 */
export function createSpill({ bounds, queues, runs, now }: SpillOptions): () => number | null {
  let lookedAt = Number.NEGATIVE_INFINITY

  /** Keys of the largest tenants, until there is room or no key of theirs can be taken. */
  const spillLargest = () => {
    const emptied = new Set<string>()
    while (runs.keysLeaving < MAX_KEYS_LEAVING) {
      const tenant = bounds.tenantToSpill(runs.leaving, emptied)
      if (tenant === null) return
      const taken = queues.takeSurplus(tenant)
      if (taken === null) emptied.add(tenant)
      else runs.spill(taken)
    }
  }

  /** A partition that is paused for its distance is read on only after its oldest records have ended. */
  const spillFarBehind = (): number | null => {
    const far = bounds.farBehind()
    if (far.size === 0) return null
    const waitMs = lookedAt + LOOK_FAR_BEHIND_MS - now()
    if (waitMs > 0) return waitMs
    lookedAt = now()
    const keys = new Set<string>()
    for (const { state, offset, key } of queues.records()) if (offset < (far.get(state) ?? 0)) keys.add(key)
    for (const key of keys) {
      if (runs.keysLeaving >= MAX_KEYS_LEAVING) break
      const taken = queues.takeKey(key)
      if (taken !== null) runs.spill(taken)
    }
    return LOOK_FAR_BEHIND_MS
  }

  return () => {
    spillLargest()
    return spillFarBehind()
  }
}
