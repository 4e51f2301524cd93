/**
 * Waits grow with the time already waited, so that a wait costs few looks however long it gets: half of it again, at
 * least `minMs`, at most `maxMs`, and not past the end of the bound while that is ahead.
 */
const growing = (waitedMs: number, boundMs: number, minMs: number, maxMs: number): number => {
  const delayMs = Math.min(Math.max(waitedMs / 2, minMs), maxMs)
  const leftMs = boundMs - waitedMs
  return Math.ceil(leftMs > 0 ? Math.min(delayMs, leftMs) : delayMs)
}

/** Until the next look at a child whose announced write is probably under way; the write takes a few requests. */
export const childDelayMs = (waitedMs: number, boundMs: number): number => growing(waitedMs, boundMs, 200, 5_000)

/** Until the next look for a company that is missing in Omnium, or for a change of another company to arrive there. */
export const companyDelayMs = (waitedMs: number, boundMs: number): number => growing(waitedMs, boundMs, 1_000, 600_000)
