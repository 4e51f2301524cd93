import { SERVICES, type ServiceName, TOPICS } from '@sync/shared/kafka/topics'
import type { Cluster } from './cluster.ts'
import { membersOf } from './group-members.ts'
import { commitOffsets, committedOf } from './group-offsets.ts'

/** Committed offsets that a service's group had of a topic before the topic was created. */
export interface StaleOffsets {
  readonly service: ServiceName
  /** Physical name. */
  readonly topic: string
  readonly partitions: readonly number[]
  /** The offsets of a group with members cannot be changed. Such members notice the shorter log themselves. */
  readonly isReset: boolean
}

/**
 * Resets to 0 the committed offsets that groups of the services still have of the topics `created` (physical names). Without
 * that, a service begins behind the end of the new log. Throws SyncError `kafka-unavailable`.
 */
export async function resetStaleOffsets(cluster: Cluster, created: readonly string[]): Promise<StaleOffsets[]> {
  const reset: StaleOffsets[] = []
  const topics = TOPICS.map(({ name }) => name).filter((name) => created.includes(cluster.prefix + name))
  if (topics.length === 0) return reset
  for (const service of SERVICES) {
    const committed = await committedOf(cluster, service, topics)
    const stale = topics.flatMap((name) => {
      const topic = cluster.prefix + name
      const offsets = [...(committed.get(topic) ?? [])].filter(([, offset]) => offset > 0)
      const partitions = offsets.map(([partition]) => partition).sort((a, b) => a - b)
      return partitions.length === 0 ? [] : [{ name, topic, partitions }]
    })
    if (stale.length === 0) continue
    const isReset = (await membersOf(cluster, service)).length === 0
    if (isReset) {
      const ranges = stale.flatMap(({ topic, partitions }) =>
        partitions.map((partition) => ({ topic, partition, from: 0 })),
      )
      await commitOffsets(
        cluster,
        service,
        stale.map(({ name }) => name),
        ranges,
      )
    }
    for (const { topic, partitions } of stale) reset.push({ service, topic, partitions, isReset })
  }
  return reset
}
