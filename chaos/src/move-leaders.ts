import type { Admin } from 'kafkajs'
import type { System } from './system.ts'

const GROUP_OFFSETS = '__consumer_offsets'

export interface LeaderMove {
  readonly of: 'topics' | 'coordinators'
  readonly shift: number
}

/**
 * Makes another replica of each partition the preferred leader. The controller moves the leaders within seconds
 * (leader.imbalance.check.interval.seconds), as soon as these replicas are in sync.
 */
export async function moveLeaders(
  { admin, prefix }: Pick<System, 'prefix'> & { readonly admin: Admin },
  { of, shift }: LeaderMove,
): Promise<void> {
  const ours = async () => (await admin.listTopics()).filter((topic) => topic.startsWith(prefix))
  const { topics } = await admin.fetchTopicMetadata({ topics: of === 'topics' ? await ours() : [GROUP_OFFSETS] })
  await admin.alterPartitionReassignments({
    topics: topics.map(({ name, partitions }) => ({
      topic: name,
      partitionAssignment: partitions.map(({ partitionId, replicas }) => ({
        partition: partitionId,
        replicas: rotated(replicas, shift),
      })),
    })),
  })
}

/** `shift` elements of the beginning come to the end. */
const rotated = (list: readonly number[], shift: number): number[] => {
  const at = shift % Math.max(1, list.length)
  return [...list.slice(at), ...list.slice(0, at)]
}
