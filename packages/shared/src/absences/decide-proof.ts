import type { AbsentId } from './absent-ids.ts'
import type { AbsenceEvidence } from './evidence.ts'

/**
 * Whether an absence is proven well enough for a destructive decision.
 *
 * - `proven`: nothing more is needed
 * - `search`: `Search` has to find nothing, where the target can search by id
 * - `wait`: the same "not found" answer is needed again, after `afterMs`
 * - `unconfirmed`: a read that the proof needs is refused, or there is nothing to read
 */
export type Proof =
  | { readonly is: 'proven' | 'search' | 'unconfirmed' }
  | { readonly is: 'wait'; readonly afterMs: number }

/** The second "not found" answer comes at least so long after the first one. */
export const AGAIN_AFTER_MS = 10_000
/** A record for which there is no control read waits so long for another record of its kind. */
const MAX_WAIT_MS = 3_600_000
const NO_ID_WAIT_MS = 60_000

/** `absent`: what is known of the id; undefined when no "not found" answer is remembered. */
export function decideProof(absent: AbsentId | undefined, evidence: AbsenceEvidence, nowMs: number): Proof {
  if (absent === undefined) return { is: 'wait', afterMs: AGAIN_AFTER_MS }
  if (absent.provenUntil > nowMs) return { is: 'proven' }
  if (absent.unconfirmed === 'refused') return { is: 'unconfirmed' }
  if (absent.unconfirmed !== null) {
    return nowMs - absent.firstAt < MAX_WAIT_MS ? { is: 'wait', afterMs: NO_ID_WAIT_MS } : { is: 'unconfirmed' }
  }
  const wasSeenAgain = absent.lastAt - absent.firstAt >= AGAIN_AFTER_MS
  if (evidence.deleteEvent === true || wasSeenAgain) return { is: 'search' }
  return { is: 'wait', afterMs: Math.max(0, absent.firstAt + AGAIN_AFTER_MS - nowMs) }
}

const DISAGREE_WAIT = { firstMs: 2_000, capMs: 300_000, parkAfterMs: 3_600_000 }

/** Reads about the id disagree: how long its record waits, or null when it has waited for long enough. */
export function waitOfDisagreement({ disagreeSince, disagreements }: AbsentId, nowMs: number): number | null {
  if (disagreeSince !== null && nowMs - disagreeSince >= DISAGREE_WAIT.parkAfterMs) return null
  return Math.min(DISAGREE_WAIT.capMs, DISAGREE_WAIT.firstMs * 2 ** Math.min(disagreements - 1, 20))
}
