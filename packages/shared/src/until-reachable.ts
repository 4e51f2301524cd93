import { setTimeout as delay } from 'node:timers/promises'
import { type ErrorCode, SyncError } from './errors.ts'
import { innermost, reasonOf } from './kafka/denials.ts'
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
  /** Told in one line why it waits, after each attempt; null once it doesn't. */
  readonly onProblem?: (problem: string | null) => void
}

/**
 * Tries every second, as long as it takes, and tells the log why it waits. Kafka and the registry may come up after us; a
 * topic that is missing may not. The contracts may: a registry that lost its data comes back without them, while the
 * topics are there, and once they are registered again all goes on. Throws what is final, and the last error when aborted.
 */
export async function untilReachable<V>(reaching: Reaching<V>): Promise<V> {
  const { what, attempt, final, logger, signal, onProblem = () => {} } = reaching
  let told: string | null = null
  for (let waits = 0; ; waits++) {
    try {
      const reached = await attempt()
      onProblem(null)
      return reached
    } catch (error) {
      if (signal.aborted || (error instanceof SyncError && final.includes(error.code))) throw error
      const problem = problemOf(error)
      onProblem(problem)
      const kind = kindOf(error)
      if (waits % TELL_EVERY === 0 || kind !== told) logger.warn({ err: error }, `waiting for ${what}: ${problem}`)
      told = kind
      await delay(RETRY_MS, undefined, { signal }).catch(() => {
        throw error
      })
    }
  }
}

/** Ours say it all by themselves. */
const problemOf = (error: unknown): string => (error instanceof SyncError ? error.message : reasonOf(error))

/** The same while it fails for the same reason, also where another broker of several is asked each time. */
function kindOf(error: unknown): string {
  if (!(error instanceof Error)) return ''
  const { name, code, type } = innermost(error) as { name: string; code?: unknown; type?: unknown }
  return [error instanceof SyncError ? error.code : '', name, type ?? code ?? ''].join(' ')
}
