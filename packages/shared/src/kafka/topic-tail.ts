import type { Admin, Kafka } from 'kafkajs'
import { withAdmin } from './connect.ts'
import { leaveInTime } from './leave-group.ts'

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
  /** Told of each record, those of a partition in order; a few that were written meanwhile may come among them. */
  readonly take: (
    topic: string,
    record: { readonly key: Buffer | null; readonly value: Buffer | null },
  ) => Promise<void>
}

interface Tail {
  readonly topic: string
  readonly partition: number
  readonly from: number
  readonly to: number
}

/** Reads the ends of topics, up to what is there when it begins. Rejects with what kafkajs throws, or the signal's reason. */
export async function readTopicTails(options: TopicTailOptions): Promise<void> {
  const { kafka, topics, groupId, signal } = options
  await withAdmin(kafka, async (admin) => {
    const tails = (await Promise.all(topics.map((topic) => tailsOf(admin, topic, options)))).flat()
    if (tails.length === 0) return
    signal.throwIfAborted()
    await readTails(tails, options)
    await admin.deleteGroups([groupId]).catch(() => [])
  })
}

async function tailsOf(admin: Admin, topic: string, { sinceMs, maxRecords }: TopicTailOptions): Promise<Tail[]> {
  const [ends, since] = await Promise.all([
    admin.fetchTopicOffsets(topic),
    admin.fetchTopicOffsetsByTimestamp(topic, sinceMs),
  ])
  const sinceOf = new Map(since.map(({ partition, offset }) => [partition, Number(offset)]))
  return ends
    .map(({ partition, low, high }): Tail => {
      const to = Number(high)
      return { topic, partition, from: Math.max(Number(low), to - maxRecords, sinceOf.get(partition) ?? to), to }
    })
    .filter(({ from, to }) => from < to)
}

async function readTails(tails: readonly Tail[], { kafka, groupId, take, signal }: TopicTailOptions): Promise<void> {
  const left = new Map(tails.map((tail) => [`${tail.topic}/${tail.partition}`, tail]))
  const consumer = kafka.consumer({
    groupId,
    allowAutoTopicCreation: false,
    maxWaitTimeInMs: 100,
    retry: { retries: 5, restartOnFailure: async () => true },
  })
  const read = Promise.withResolvers<void>()
  const onAbort = () => read.reject(signal.reason)
  signal.addEventListener('abort', onAbort, { once: true })
  consumer.on(consumer.events.CRASH, ({ payload }) => {
    if (!payload.restart) read.reject(payload.error)
  })
  // Whoever waits for it is told; a failure before that has its own.
  read.promise.catch(() => {})
  try {
    await consumer.connect()
    await consumer.subscribe({ topics: [...new Set(tails.map(({ topic }) => topic))], fromBeginning: false })
    await consumer.run({
      autoCommit: false,
      eachBatch: async ({ batch, isStale }) => {
        const name = `${batch.topic}/${batch.partition}`
        const tail = left.get(name)
        if (tail === undefined || isStale()) return
        for (const { key, value } of batch.messages) await take(batch.topic, { key, value })
        // What came in before the position was set is behind the end, and not the tail.
        if (Number(batch.firstOffset() ?? tail.to) >= tail.to || Number(batch.lastOffset()) + 1 < tail.to) return
        left.delete(name)
        if (left.size === 0) read.resolve()
      },
    })
    for (const { topic, partition, from } of tails) consumer.seek({ topic, partition, offset: String(from) })
    await read.promise
  } finally {
    signal.removeEventListener('abort', onAbort)
    await leaveInTime(consumer.disconnect())
  }
}
