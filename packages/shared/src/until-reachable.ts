import { setTimeout as delay } from 'node:timers/promises'
import { type ErrorCode, SyncError } from './errors.ts'
import type { Logger } from './logger.ts'

const RETRY_MS = 1_000
const TELL_EVERY = 30

export interface Reaching<V> {
  readonly what: string
  readonly attempt: () => Promise<V>
  /** Errors that no waiting cures. */
  readonly final: readonly ErrorCode[]
  readonly logger: Pick<Logger, 'warn'>
  readonly signal: AbortSignal
}

/**
 * Tries every second, as long as it takes, and tells the log why it waits. Kafka and the registry may come up after us; a
 * topic that is missing may not. The contracts may: a registry that lost its data comes back without them, while the
 * topics are there, and once they are registered again all goes on. Throws what is final, and the last error when aborted.
 */
export async function untilReachable<V>({ what, attempt, final, logger, signal }: Reaching<V>): Promise<V> {
  let told: string | null = null
  for (let waits = 0; ; waits++) {
    try {
      return await attempt()
    } catch (error) {
      const code = error instanceof SyncError ? error.code : null
      if (signal.aborted || (code !== null && final.includes(code))) throw error
      if (waits % TELL_EVERY === 0 || code !== told) logger.warn({ err: error }, `waiting for ${what}`)
      told = code
      await delay(RETRY_MS, undefined, { signal }).catch(() => {})
    }
  }
}
