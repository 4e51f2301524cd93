import type { EachBatchPayload, KafkaMessage } from 'kafkajs'
import type { EventLoopTurns } from '../event-loop-turns.ts'
import type { RawHeaders, SourceBatch } from './ports.ts'

/** One fetch may have 100,000 records. The runtime takes some ms for so many. */
const RECORDS_AT_ONCE = 1_000

/**
 * Hands the records of a fetched batch over in parts, so that other work of the event loop goes between two parts. Answers whether all
 * records were handed over. `isCurrent` says after each part whether the rest is still wanted.
 */
export async function handOver(
  batch: Pick<EachBatchPayload['batch'], 'topic' | 'partition' | 'messages' | 'highWatermark' | 'lastOffset'>,
  turns: EventLoopTurns,
  take: (batch: SourceBatch) => void,
  isCurrent: () => boolean,
): Promise<boolean> {
  const { topic, partition, messages } = batch
  const endOffset = Number(batch.highWatermark)
  const recordOf = (message: KafkaMessage) => ({
    ...{ topic, partition, offset: Number(message.offset), key: message.key, value: message.value },
    ...{ headers: (message.headers ?? {}) as RawHeaders, timestamp: Number(message.timestamp) },
  })
  for (let from = 0; from < messages.length; from += RECORDS_AT_ONCE) {
    const turn = turns.next()
    if (turn !== null) await turn
    if (!isCurrent()) return false
    const records = messages.slice(from, from + RECORDS_AT_ONCE).map(recordOf)
    const isLast = from + RECORDS_AT_ONCE >= messages.length
    const lastOffset = isLast ? Number(batch.lastOffset()) : records.at(-1)!.offset
    take({ topic, partition, records, lastOffset, endOffset })
  }
  return true
}
