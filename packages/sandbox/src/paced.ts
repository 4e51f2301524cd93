import { setTimeout as delay } from 'node:timers/promises'

const POLL_MS = 2

/** Calls `act` `count` times, `rate` times a second by the clock. Rejects when the signal aborts. */
export async function paced(
  count: number,
  rate: number,
  act: (n: number) => void,
  signal?: AbortSignal,
): Promise<void> {
  const startedAt = performance.now()
  for (let n = 0; n < count; ) {
    const due = Math.min(count, Math.floor(((performance.now() - startedAt) / 1_000) * rate))
    while (n < due) act(n++)
    await delay(POLL_MS, undefined, { signal })
  }
}
