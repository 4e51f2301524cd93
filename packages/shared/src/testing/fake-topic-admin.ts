import type { TopicAdmin } from '../kafka/read-topics.ts'

type NewTopics = Parameters<TopicAdmin['createTopics']>[0]['topics']

export interface FakeTopicAdmin extends TopicAdmin {
  /** What the cluster holds. */
  readonly topics: Map<string, { partitions: number; replicas: number; config: Record<string, string> }>
  /** Topics created by calls, in order. */
  readonly created: readonly string[]
  /** As when a foreign topic has no leader: the list of all topics fails, asking by name works. */
  leaderless: boolean
  down: boolean
  /** Topics that no ACL lets us see. */
  readonly hidden: Set<string>
}

/** A cluster's topics in memory, behind the part of kafkajs' admin client that deals with them. */
export function createFakeTopicAdmin(brokers = 1): FakeTopicAdmin {
  const topics: FakeTopicAdmin['topics'] = new Map()
  const created: string[] = []
  const create = ({ topic, numPartitions = 1, replicationFactor = 1, configEntries = [] }: NewTopics[number]) => {
    const config = Object.fromEntries(configEntries.map(({ name, value }) => [name, value]))
    topics.set(topic, { partitions: numPartitions, replicas: replicationFactor, config })
    created.push(topic)
  }
  const reached = () => {
    if (admin.down) throw new Error('Connection timeout')
  }
  const admin: FakeTopicAdmin = {
    topics,
    created,
    leaderless: false,
    down: false,
    hidden: new Set(),
    async fetchTopicMetadata(options) {
      reached()
      if (admin.leaderless && !options) {
        throw Object.assign(new Error('retries'), {
          cause: Object.assign(new Error('There is no leader'), { type: 'LEADER_NOT_AVAILABLE' }),
        })
      }
      if (options?.topics?.some((name) => admin.hidden.has(name))) {
        throw Object.assign(new Error('Not authorized to access topics'), { type: 'TOPIC_AUTHORIZATION_FAILED' })
      }
      const wanted = options?.topics ?? [...topics.keys()].filter((name) => !admin.hidden.has(name))
      return { topics: wanted.flatMap((name) => metadataOf(name, topics.get(name))) }
    },
    async describeCluster() {
      reached()
      const nodes = Array.from({ length: brokers }, (_, nodeId) => ({ nodeId, host: 'localhost', port: 9092 }))
      return { brokers: nodes, controller: 0, clusterId: 'fake' }
    },
    async describeConfigs({ resources }) {
      const described = resources.map(({ name }) => ({
        resourceName: name,
        configEntries: Object.entries(topics.get(name)?.config ?? {}).map(([configName, configValue]) => ({
          configName,
          configValue,
        })),
      }))
      return { resources: described } as unknown as Awaited<ReturnType<TopicAdmin['describeConfigs']>>
    },
    async createTopics({ topics: wanted }) {
      const absent = wanted.filter(({ topic }) => !topics.has(topic))
      for (const topic of absent) create(topic)
      return absent.length === wanted.length
    },
  }
  return admin
}

function metadataOf(name: string, topic: { partitions: number; replicas: number } | undefined) {
  if (!topic) return []
  const replicas = Array.from({ length: topic.replicas }, (_, i) => i)
  const partitions = Array.from({ length: topic.partitions }, (_, partitionId) => ({
    partitionErrorCode: 0,
    partitionId,
    leader: 0,
    replicas,
    isr: replicas,
  }))
  return [{ name, partitions }]
}
