import type { Admin, ITopicConfig } from 'kafkajs'
import { eventually } from './eventually.ts'

/**
 * Creates topics and waits until each partition has a leader. kafkajs's own wait fails at the first answer of a broker that
 * has not heard of the topic yet.
 */
export async function createTopics(admin: Admin, topics: ITopicConfig[]): Promise<void> {
  await admin.createTopics({ topics, waitForLeaders: false })
  await eventually('the leaders of the new topics', async () => {
    const names = topics.map(({ topic }) => topic)
    const found = await admin.fetchTopicMetadata({ topics: names }).catch(() => ({ topics: [] }))
    const partitions = found.topics.flatMap((topic) => topic.partitions)
    return found.topics.length === topics.length && partitions.every(({ leader }) => leader >= 0)
  })
}
