/** What the watchdog judges by. Times are ms since the epoch. */
export interface Progress {
  readonly lastEndAt: number
  /** When the oldest handler that still runs was started; null when none runs. */
  readonly oldestRunAt: number | null
  /** Since when there is lag and nothing in memory, neither running nor waiting on purpose; null when it isn't so. */
  readonly unexplainedSince: number | null
}

/**
 * Whether the process should be restarted: no record has ended for long, and all that time one is being handled, or
 * there is lag that nothing in memory explains.
 */
export function isStuck(
  { lastEndAt, oldestRunAt, unexplainedSince }: Progress,
  watchdogMs: number,
  now: number,
): boolean {
  const isLong = (since: number | null) => since !== null && now - since >= watchdogMs
  return isLong(lastEndAt) && (isLong(oldestRunAt) || isLong(unexplainedSince))
}
