/** What one read does not show yet may be shown later, so the read is repeated (design/4-peers.md). */
const READ_AFTER_MS = [2_000, 10_000] as const

/** How long to wait for the next read, when the first read was at `firstMs`; null when the read at `nowMs` was the last one. */
export function untilNextRead(firstMs: number, nowMs: number): number | null {
  const next = READ_AFTER_MS.find((afterMs) => firstMs + afterMs > nowMs)
  return next === undefined ? null : firstMs + next - nowMs
}
