import { RETRY_REASONS, type RetryReason } from '../outcome.ts'

/** How long a record of the retry topic waits at least: `baseMs` the first time, twice as long each time, up to `capMs`. */
export interface LaneWait {
  readonly baseMs: number
  readonly capMs: number
}

const LANE_WAIT = { baseMs: 30_000, capMs: 300_000 }
const NO_WAIT = { baseMs: 0, capMs: 0 }
const SHORT_WAIT = { baseMs: 5_000, capMs: 30_000 }
/**
 * Waits whose end the target or the handler knows, so that a longer wait would only delay the record. All records that wait for the
 * next token of their process must be handled when the token is fetched, because another process may end the token a few seconds
 * later.
 */
const LANE_WAITS: Partial<Record<RetryReason, LaneWait>> = {
  throttled: SHORT_WAIT,
  brownout: SHORT_WAIT,
  'child-pending': SHORT_WAIT,
  'removal-pending': SHORT_WAIT,
  'absence-pending': SHORT_WAIT,
  'token-unavailable': NO_WAIT,
  'versions-pending': SHORT_WAIT,
}

/** The attempts of a record are few, so that its waits need not grow with its passes. */
export const laneWaitOf = (reason: RetryReason): LaneWait =>
  RETRY_REASONS[reason].counts ? NO_WAIT : (LANE_WAITS[reason] ?? LANE_WAIT)
