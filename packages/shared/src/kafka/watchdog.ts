/** What the watchdog judges by. Times are ms since the epoch. */
export interface Progress {
  readonly lastEndAt: number
  /** When the oldest handler that still runs was started; null when none runs. */
  readonly oldestRunAt: number | null
  /** Records in memory: running, or waiting on purpose. */
  readonly pending: number
  /** Records behind the low-water marks. */
  readonly lag: number
}

/**
 * Whether the process should be restarted: no record has ended for long, although one is being handled all that time, or
 * there is lag and nothing in memory that would explain it.
 */
export function isStuck({ lastEndAt, oldestRunAt, pending, lag }: Progress, watchdogMs: number, now: number): boolean {
  if (now - lastEndAt < watchdogMs) return false
  const hangs = oldestRunAt !== null && now - oldestRunAt > watchdogMs
  return hangs || (pending === 0 && lag > 0)
}
