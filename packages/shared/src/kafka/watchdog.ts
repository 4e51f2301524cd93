/** The facts by which the watchdog decides. Times are ms by the steady clock. */
export interface Progress {
  readonly lastEndAt: number
  /** Since when one of the handlers that run has sent nothing; null when none runs. */
  readonly silentSince: number | null
  /** Since when there is lag and nothing in memory, neither running nor waiting on purpose; null when it isn't so. */
  readonly unexplainedSince: number | null
  /** Since when there is lag and the broker refuses our claim of a partition, although we are in the group. null otherwise. */
  readonly unclaimedSince: number | null
}

/**
 * Whether the process should be restarted. A partition cannot be claimed for long, also if the other partitions go on. Or no record has
 * ended for long, and all that time one is being handled without a request (a key of hundreds may take long at a low rate), or there is
 * lag that nothing in memory explains.
 */
export function isStuck(
  { lastEndAt, silentSince, unexplainedSince, unclaimedSince }: Progress,
  watchdogMs: number,
  now: number,
): boolean {
  const isLong = (since: number | null) => since !== null && now - since >= watchdogMs
  return isLong(unclaimedSince) || (isLong(lastEndAt) && (isLong(silentSince) || isLong(unexplainedSince)))
}
