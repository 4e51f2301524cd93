import { SyncError } from '@sync/shared/errors'
import type { TopicRange } from '@sync/shared/kafka/read-ranges'
import type { ServiceName, TopicName } from '@sync/shared/kafka/topics'
import type { Cluster } from './cluster.ts'

/** Committed offsets of a service's group, by physical topic and partition. A partition without one has -1. */
export type CommittedOffsets = ReadonlyMap<string, ReadonlyMap<number, number>>

export async function committedOf(
  { admin, prefix }: Cluster,
  service: ServiceName,
  topics: readonly TopicName[],
): Promise<CommittedOffsets> {
  const found = await admin.fetchOffsets({ groupId: prefix + service, topics: topics.map((topic) => prefix + topic) })
  return new Map(
    found.map(({ topic, partitions }) => [
      topic,
      new Map(partitions.map(({ partition, offset }) => [partition, Number(offset)])),
    ]),
  )
}

/**
 * Commits `from` of each range for a service's group, which must have no member. A consumer that does nothing else commits,
 * because kafkajs's own way may commit another offset when the first fetch comes too soon. Throws SyncError `kafka-unavailable`.
 */
export async function commitOffsets(
  cluster: Cluster,
  service: ServiceName,
  topics: readonly TopicName[],
  ranges: readonly Pick<TopicRange, 'topic' | 'partition' | 'from'>[],
): Promise<void> {
  const { kafka, prefix } = cluster
  const consumer = kafka.consumer({ groupId: prefix + service, allowAutoTopicCreation: false })
  const joined = Promise.withResolvers<void>()
  consumer.on(consumer.events.GROUP_JOIN, () => joined.resolve())
  consumer.on(consumer.events.CRASH, ({ payload }) => joined.reject(payload.error))
  try {
    await consumer.connect()
    await consumer.subscribe({ topics: topics.map((topic) => prefix + topic), fromBeginning: true })
    await consumer.run({ autoCommit: false, eachBatchAutoResolve: false, eachBatch: async () => {} })
    await joined.promise
    await consumer.commitOffsets(
      ranges.map(({ topic, partition, from }) => ({ topic, partition, offset: String(from) })),
    )
  } finally {
    await consumer.disconnect()
  }
  const committed = await committedOf(cluster, service, topics)
  const wrong = ranges.filter(({ topic, partition, from }) => committed.get(topic)?.get(partition) !== from)
  if (wrong.length === 0) return
  throw new SyncError('kafka-unavailable', `rewinding ${service}: ${wrong.length} partitions did not take it`)
}
