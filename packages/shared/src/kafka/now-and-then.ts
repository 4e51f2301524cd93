import type { Logger } from '../logger.ts'

export interface NowAndThenOptions {
  /** ms by the steady clock. */
  readonly now: () => number
  readonly logger: Pick<Logger, 'debug'>
  /** The log line of a run that rejects. */
  readonly failure: string
}

const MIN_AGE_MS = 1_000

/** Runs `ask` when the returned function is called, but one run at a time and at most once a second. The function never rejects. */
export function nowAndThen(ask: () => Promise<void>, { now, logger, failure }: NowAndThenOptions): () => Promise<void> {
  let askedAt = Number.NEGATIVE_INFINITY
  let isAsking = false
  return async () => {
    if (isAsking || now() - askedAt < MIN_AGE_MS) return
    isAsking = true
    askedAt = now()
    try {
      await ask()
    } catch (error) {
      logger.debug({ err: error }, failure)
    } finally {
      isAsking = false
    }
  }
}
