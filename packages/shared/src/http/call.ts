import type { AbsenceEvidence } from '../absences/evidence.ts'
import type { Tenant } from '../tenants.ts'
import type { Slots } from './slot.ts'

/**
 * Asked last before every send and produce, after the rate limiter. Throws SyncError `fenced` when the partition of the
 * record at hand is not ours (any more) or the group may believe so before the request's deadline is over.
 */
export type Fence = () => void

/** What every call to a peer carries: for whom, on behalf of which key, and what ends it early. */
export interface Call {
  readonly tenant: Tenant
  /** The record key at hand; the circuit tells one bad key from a target that is down by it. */
  readonly key: string
  readonly signal: AbortSignal
  readonly fence: Fence
  readonly traceparent?: string
  /** What the caller knows about the ids that this call reads, for the absence guard. */
  readonly absence?: AbsenceEvidence
  /** All records at hand come from the retry topic. Their requests give way to live work. */
  readonly isRetryTopic?: boolean
  /** The slots that the call holds already; set by `inSlot` of the clients. */
  readonly slots?: Slots
}
