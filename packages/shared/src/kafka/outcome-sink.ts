import type { SyncOutcome } from '../contracts/sync-outcome.ts'
import { SyncError } from '../errors.ts'
import type { Logger } from '../logger.ts'
import { keyOf, type Publisher } from './publisher.ts'
import type { OutcomeSink } from './settle.ts'

const MAX_PER_PUBLISH = 500
/** Held at most; a broker that is away for so long stops the commits, and with them the reading, long before. */
const FLUSH_AT = 200

/** Ends of records on `sync.outcomes.v1`: collected and written in bulk, before the commit that covers them. */
export function createOutcomeSink({ publisher, logger }: { publisher: Publisher; logger: Logger }): OutcomeSink {
  let waiting: SyncOutcome[] = []
  let flushing: Promise<void> = Promise.resolve()

  const write = async () => {
    while (waiting.length > 0) {
      const batch = waiting.slice(0, MAX_PER_PUBLISH)
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
  }
}
