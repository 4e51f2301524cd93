/** A peer may show a write only some seconds after the write, so a read that does not show the write is repeated after this time. */
export const FIRST_READ_AFTER_MS = 2_000
const READ_AFTER_MS = [FIRST_READ_AFTER_MS, 10_000] as const

/**
 * How long to wait for the next read, ms, when the write or the first read was at `firstMs`. Null when the read at `nowMs` was
 * the last read (design/4-peers.md).
 */
export function untilNextRead(firstMs: number, nowMs: number): number | null {
  const next = READ_AFTER_MS.find((afterMs) => firstMs + afterMs > nowMs)
  return next === undefined ? null : firstMs + next - nowMs
}
