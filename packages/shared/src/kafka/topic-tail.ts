import type { Admin, Kafka } from 'kafkajs'
import { unlessAborted } from '../unless-aborted.ts'
import { withAdmin } from './connect.ts'
import { readRanges, type TopicRange } from './read-ranges.ts'

export interface TopicTailOptions {
  readonly kafka: Kafka
  /** Physical names. */
  readonly topics: readonly string[]
  /** A reader's group of its own: nothing is committed in it, and it is deleted at the end. */
  readonly groupId: string
  /** Of each partition, what was written since then (ms since the epoch), and of that the last `maxRecords` at most. */
  readonly sinceMs: number
  readonly maxRecords: number
  readonly signal: AbortSignal
  /** Told of each record, those of a partition in order. */
  readonly take: (
    topic: string,
    record: { readonly key: Buffer | null; readonly value: Buffer | null },
  ) => Promise<void>
}

/**
 * Reads the ends of topics, up to what is there when it begins. Rejects with what kafkajs throws, or at once
 * with the signal's reason: then `take` may be called once more.
 */
export async function readTopicTails(options: TopicTailOptions): Promise<void> {
  options.signal.throwIfAborted()
  // A question to a broker that does not answer has no way of its own to be given up.
  await unlessAborted(read(options), options.signal)
  options.signal.throwIfAborted()
}

async function read(options: TopicTailOptions): Promise<void> {
  const { kafka, topics, groupId, signal } = options
  await withAdmin(kafka, async (admin) => {
    const tails = (await Promise.all(topics.map((topic) => tailsOf(admin, topic, options)))).flat()
    if (tails.length === 0) return
    signal.throwIfAborted()
    await readRanges({
      ...{ kafka, groupId, signal, ranges: tails },
      take: ({ topic, key, value }) => options.take(topic, { key, value }),
    })
    await admin.deleteGroups([groupId]).catch(() => [])
  })
}

async function tailsOf(admin: Admin, topic: string, { sinceMs, maxRecords }: TopicTailOptions): Promise<TopicRange[]> {
  const [ends, since] = await Promise.all([
    admin.fetchTopicOffsets(topic),
    admin.fetchTopicOffsetsByTimestamp(topic, sinceMs),
  ])
  const sinceOf = new Map(since.map(({ partition, offset }) => [partition, Number(offset)]))
  return ends
    .map(({ partition, low, high }): TopicRange => {
      const to = Number(high)
      return { topic, partition, from: Math.max(Number(low), to - maxRecords, sinceOf.get(partition) ?? to), to }
    })
    .filter(({ from, to }) => from < to)
}
