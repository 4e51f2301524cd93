import { SyncError } from '../errors.ts'
import type { Fence } from '../http/call.ts'

/** Which partition numbers are ours, and since which tenure; the fence asks it before every send and produce. */
export interface Ownership {
  /** A join has begun: nothing may be sent until its assignment is known. */
  joining(): void
  /** The outcome of a join. `unbroken`: we were a member all the time, so what we had and still have is ours without a gap. */
  assigned(partitions: ReadonlySet<number>, unbroken: boolean): { readonly gained: number[]; readonly lost: number[] }
  /** The assignment stands and sends may start again, after a `joining` that it was not the end of. */
  resume(): void
  readonly settled: boolean
  /** Whether a fence would let a send pass now, for each partition that is ours. */
  maySend(): boolean
  partitions(): readonly number[]
  /** The tenure of a partition that is ours now; a later one has another number. */
  tenureOf(partition: number): number | null
  /** A fence for work begun in this tenure. */
  fenceFor(partition: number, tenure: number): Fence
}

export interface OwnershipOptions {
  readonly heartbeatAgeMs: () => number
  readonly sessionTimeoutMs: number
  readonly requestDeadlineMs: number
}

/**
 * A send is allowed only while the group can't have given the partition away before the send's deadline is over:
 * heartbeat age + request deadline < session timeout. A process that was frozen finds its heartbeat too old and sends
 * nothing; what it had sent before is over when its session ends.
 */
export function createOwnership({ heartbeatAgeMs, sessionTimeoutMs, requestDeadlineMs }: OwnershipOptions): Ownership {
  const tenures = new Map<number, number>()
  let lastTenure = 0
  let settled = false
  const isHeartbeatTooOld = () => heartbeatAgeMs() + requestDeadlineMs >= sessionTimeoutMs

  return {
    joining() {
      settled = false
    },
    assigned(partitions, unbroken) {
      const lost = [...tenures.keys()].filter((partition) => !unbroken || !partitions.has(partition))
      for (const partition of lost) tenures.delete(partition)
      const gained = [...partitions].filter((partition) => !tenures.has(partition))
      for (const partition of gained) tenures.set(partition, ++lastTenure)
      settled = true
      return { gained, lost }
    },
    resume() {
      settled = true
    },
    get settled() {
      return settled
    },
    maySend: () => settled && !isHeartbeatTooOld(),
    partitions: () => [...tenures.keys()].sort((a, b) => a - b),
    tenureOf: (partition) => tenures.get(partition) ?? null,
    fenceFor: (partition, tenure) => () => {
      if (!settled) throw new SyncError('fenced', 'sending while the group is rebalancing')
      if (tenures.get(partition) !== tenure)
        throw new SyncError('fenced', `sending for partition ${partition}, which is not ours`)
      if (isHeartbeatTooOld())
        throw new SyncError('fenced', 'sending with a heartbeat too old to be sure of the partition')
    },
  }
}
