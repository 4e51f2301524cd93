import type { TopicName } from '@sync/shared/kafka/topics'
import kafkajs from 'kafkajs'
import type { Cluster } from './cluster.ts'

/** One setting of a topic as it is in force; undefined when the broker doesn't name it. */
export async function topicConfigValue(
  { admin, prefix }: Cluster,
  topic: TopicName,
  setting: string,
): Promise<string | undefined> {
  const { resources } = await admin.describeConfigs({
    includeSynonyms: false,
    resources: [{ type: kafkajs.ConfigResourceTypes.TOPIC, name: prefix + topic, configNames: [setting] }],
  })
  return resources[0]?.configEntries.find(({ configName }) => configName === setting)?.configValue
}
