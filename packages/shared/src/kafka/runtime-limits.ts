import type { SharedConfig } from '../config.ts'
import type { RuntimeLimits } from './runtime-options.ts'

const COMMIT_INTERVAL_MS = 1_000
const DEFER_AFTER_MS = 60_000
/** Many, since the more of a key are here the fewer calls they cost; large ones reach the bound of bytes first. */
const MAX_PENDING_RECORDS = 100_000

/** A service's bounds: what its operators set, and what they needn't. */
export const runtimeLimits = (config: SharedConfig): RuntimeLimits => ({
  maxInFlight: config.maxInFlight,
  maxPendingRecords: MAX_PENDING_RECORDS,
  maxPendingBytes: config.maxPendingBytes,
  maxDistance: MAX_PENDING_RECORDS,
  deferAfterMs: DEFER_AFTER_MS,
  commitIntervalMs: COMMIT_INTERVAL_MS,
  sessionTimeoutMs: config.kafkaSessionTimeoutMs,
  requestDeadlineMs: config.requestDeadlineMs,
  watchdogMs: config.watchdogMs,
})
