import type { Admin, ITopicConfig } from 'kafkajs'
import { eventually } from './eventually.ts'

/**
 * Creates topics and waits until each partition has a leader, and that leader knows that it is one: until then it refuses
 * what is written. kafkajs's own wait fails at the first answer of a broker that has not heard of the topic yet.
 */
export async function createTopics(admin: Admin, topics: ITopicConfig[]): Promise<void> {
  await admin.createTopics({ topics, waitForLeaders: false })
  await eventually('the leaders of the new topics', async () => {
    const names = topics.map(({ topic }) => topic)
    const found = await admin.fetchTopicMetadata({ topics: names }).catch(() => ({ topics: [] }))
    const partitions = found.topics.flatMap((topic) => topic.partitions)
    if (found.topics.length < topics.length || partitions.some(({ leader }) => leader < 0)) return false
    const offsets = names.map((topic) => admin.fetchTopicOffsets(topic))
    return (await Promise.allSettled(offsets)).every(({ status }) => status === 'fulfilled')
  })
}
