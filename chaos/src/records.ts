import { randomUUID } from 'node:crypto'
import { deadLetterTopicOf, SERVICES } from '@sync/shared/kafka/topics'
import type { Admin, Kafka } from 'kafkajs'
import { patiently } from './patiently.ts'

export interface StoredRecord {
  /** Without the prefix. */
  readonly topic: string
  readonly partition: number
  readonly offset: number
  /** When it was written, in ms. */
  readonly at: number
  readonly key: string | null
  readonly value: Buffer | null
  readonly headers: Readonly<Record<string, Buffer>>
}

export const DEAD_LETTERS = SERVICES.map(deadLetterTopicOf)

const GIVE_UP_MS = 120_000

/** By partition. kafkajs throws a TypeError while a partition has no leader that it knows of. */
export const offsetsOf = (admin: Admin, physicalTopic: string) =>
  patiently(() => admin.fetchTopicOffsets(physicalTopic), 10)

/** What the topics hold now, by partition in their order. Throws when the broker does not give it in time. */
export async function readTopics(
  { kafka, admin, prefix }: { readonly kafka: Kafka; readonly admin: Admin; readonly prefix: string },
  topics: readonly string[],
): Promise<StoredRecord[]> {
  const left = new Map<string, number>()
  for (const topic of topics) {
    for (const { partition, low, high } of await offsetsOf(admin, prefix + topic)) {
      if (Number(high) > Number(low)) left.set(`${prefix}${topic}/${partition}`, Number(high))
    }
  }
  const records: StoredRecord[] = []
  if (left.size === 0) return records
  const consumer = kafka.consumer({
    groupId: `${prefix}reader-${randomUUID()}`,
    maxWaitTimeInMs: 100,
    retry: { retries: 20, maxRetryTime: 2_000 },
  })
  const all = Promise.withResolvers<void>()
  const late = setTimeout(() => all.reject(new Error(`reading ${topics.join(', ')}: not in time`)), GIVE_UP_MS)
  try {
    await consumer.connect()
    await consumer.subscribe({ topics: topics.map((topic) => prefix + topic), fromBeginning: true })
    await consumer.run({
      autoCommit: false,
      eachBatch: async ({ batch }) => {
        const place = `${batch.topic}/${batch.partition}`
        const end = left.get(place)
        if (end === undefined) return
        for (const { offset, timestamp, key, value, headers } of batch.messages) {
          if (Number(offset) >= end) break
          records.push({
            topic: batch.topic.slice(prefix.length),
            ...{ partition: batch.partition, offset: Number(offset), at: Number(timestamp) },
            ...{ key: key?.toString() ?? null, value },
            headers: Object.fromEntries(
              Object.entries(headers ?? {}).map(([name, text]) => [name, Buffer.from(text as Buffer)]),
            ),
          })
        }
        if (Number(batch.lastOffset()) + 1 < end) return
        left.delete(place)
        if (left.size === 0) all.resolve()
      },
    })
    await all.promise
  } finally {
    clearTimeout(late)
    await consumer.disconnect()
  }
  return records
}

/** The JSON behind the registry's five bytes; null when it isn't that. */
export function jsonOf(value: Buffer | null): Record<string, unknown> | null {
  if (value === null || value.length < 6 || value[0] !== 0) return null
  try {
    return JSON.parse(value.subarray(5).toString()) as Record<string, unknown>
  } catch {
    return null
  }
}
