import { setTimeout as delay } from 'node:timers/promises'

const POLL_MS = 25

/** Resolves once `holds` answers true; rejects when it throws, or has not within the time, naming what was waited for. */
export async function eventually(
  what: string,
  holds: () => boolean | Promise<boolean>,
  withinMs = 60_000,
): Promise<void> {
  const deadline = performance.now() + withinMs
  while (!(await holds())) {
    if (performance.now() > deadline) throw new Error(`waiting for ${what}: not within ${withinMs} ms`)
    await delay(POLL_MS)
  }
}
