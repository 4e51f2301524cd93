import { setTimeout as delay } from 'node:timers/promises'

const POLL_MS = 25

/** Resolves once `holds` answers true. Rejects when it throws, or has not within the time, with the name of the state. */
export async function eventually(
  what: string | (() => string),
  holds: () => boolean | Promise<boolean>,
  withinMs = 60_000,
): Promise<void> {
  const deadline = performance.now() + withinMs
  while (!(await holds())) {
    if (performance.now() > deadline) {
      throw new Error(`waiting for ${typeof what === 'string' ? what : what()}: not within ${withinMs} ms`)
    }
    await delay(POLL_MS)
  }
}
