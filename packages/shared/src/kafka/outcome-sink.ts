import type { SyncOutcome } from '../contracts/sync-outcome.ts'
import { SyncError } from '../errors.ts'
import type { Logger } from '../logger.ts'
import { keyOf, type Publisher } from './publisher.ts'

/** Takes note of outcomes. A commit waits for `flush`. */
export interface OutcomeSink {
  add(outcome: SyncOutcome): void
  /** Resolves when Kafka has acknowledged all outcomes that were added before the call. */
  flush(): Promise<void>
  /** Outcomes that Kafka has not acknowledged. They take memory, like pending records. */
  readonly size: number
}

const MAX_PER_PUBLISH = 500
const FLUSH_AT = 200

/** Ends of records on `sync.outcomes.v1`: collected and written in bulk, before the commit that covers them. */
export function createOutcomeSink({
  publisher,
  logger,
}: {
  publisher: Pick<Publisher, 'publish'>
  logger: Logger
}): OutcomeSink {
  let waiting: SyncOutcome[] = []
  let flushing: Promise<void> = Promise.resolve()

  /** What was there at its start: under load there is always more, and a commit waits for the end of this. */
  const write = async () => {
    for (let left = waiting.length; left > 0; ) {
      const batch = waiting.slice(0, Math.min(left, MAX_PER_PUBLISH))
      try {
        await publisher.publish(
          'sync.outcomes.v1',
          batch.map((value) => ({
            key: keyOf(value.tenant, value.id),
            value,
            ...(value.traceparent !== null && { traceparent: value.traceparent }),
          })),
        )
      } catch (error) {
        // What can never be written must not stop the commits for ever; its metric and log line are there.
        if (!(error instanceof SyncError) || error.code !== 'contract-violation') throw error
        logger.error({ err: error, outcomes: batch.length }, 'outcomes that the contract refuses are left out')
      }
      waiting = waiting.slice(batch.length)
      left -= batch.length
    }
  }
  const flush = () => {
    flushing = flushing.catch(() => {}).then(write)
    return flushing
  }

  return {
    add(outcome) {
      waiting.push(outcome)
      if (waiting.length % FLUSH_AT === 0) flush().catch(() => {})
    },
    flush,
    get size() {
      return waiting.length
    },
  }
}
