import kafkajs, { type Admin } from 'kafkajs'
import { SyncError } from '../errors.ts'
import { denialOf, reasonOf, refusalText } from './denials.ts'
import type { Cluster, TopicState } from './topic-plan.ts'
import { TOPICS } from './topics.ts'

/** The part of kafkajs' admin client that is used here; it is connected. */
export type TopicAdmin = Pick<Admin, 'fetchTopicMetadata' | 'describeCluster' | 'describeConfigs' | 'createTopics'>

/** What there is of our topics. Throws SyncError `kafka-unavailable`, as everything here. */
export async function readCluster(admin: TopicAdmin, prefix: string): Promise<Cluster> {
  const names = TOPICS.map(({ name }) => prefix + name)
  const found = await readTopics(admin, names)
  await assertVisible(
    admin,
    names.filter((name) => !found.has(name)),
  )
  const { brokers } = await askingKafka('asking for the brokers', () => admin.describeCluster())
  const configs = await readConfigs(admin, [...found.keys()])
  const topics = new Map<string, TopicState>()
  for (const name of names) {
    const topic = found.get(name)
    if (topic) topics.set(name, { ...topic, config: configs.get(name) ?? {} })
  }
  return { brokers: brokers.length, topics }
}

export type TopicShape = Omit<TopicState, 'config'>

/**
 * Those of `names` that exist. Asks for all topics, because asking for one by its name could make a broker create it;
 * only where some foreign topic has no leader, which fails the whole list, are ours asked for by name.
 */
export async function readTopics(
  admin: Pick<TopicAdmin, 'fetchTopicMetadata'>,
  names: readonly string[],
): Promise<Map<string, TopicShape>> {
  const { topics } = await askingKafka('listing topics', () =>
    admin.fetchTopicMetadata().catch((error: unknown) => {
      if (!isLeaderless(error)) throw error
      return admin.fetchTopicMetadata({ topics: [...names] })
    }),
  )
  const wanted = new Set(names)
  const found = topics.filter(({ name }) => wanted.has(name))
  return new Map(
    found.map(({ name, partitions }) => [
      name,
      { name, partitions: partitions.length, replicas: Math.min(...partitions.map((p) => p.replicas.length)) },
    ]),
  )
}

/**
 * A topic that no ACL lets us see is left out of the list, as if it weren't there; a broker that is asked for it by its
 * name says so. Throws SyncError `kafka-unavailable`, which names all such topics.
 */
export async function assertVisible(
  admin: Pick<TopicAdmin, 'fetchTopicMetadata'>,
  missing: readonly string[],
): Promise<void> {
  const hidden: string[] = []
  let cause: unknown
  for (const name of missing) {
    // One by one, because an answer for several tells one error.
    const refused = await admin.fetchTopicMetadata({ topics: [name] }).then(
      () => null,
      (error: unknown) => (denialOf(error) === 'authorization' ? error : null),
    )
    if (refused === null) continue
    hidden.push(name)
    cause = refused
  }
  if (hidden.length === 0) return
  const message = `looking for topics: ${refusalText('DESCRIBE', 'topic', hidden)}`
  throw new SyncError('kafka-unavailable', message, { cause })
}

/** kafkajs wraps the broker's error once its retries are used up. */
const isLeaderless = (error: unknown): boolean => {
  const { type, cause } = error as { type?: unknown; cause?: unknown }
  return type === 'LEADER_NOT_AVAILABLE' || (cause instanceof Error && isLeaderless(cause))
}

async function readConfigs(
  admin: TopicAdmin,
  names: readonly string[],
): Promise<Map<string, Readonly<Record<string, string>>>> {
  if (names.length === 0) return new Map()
  const resources = names.map((name) => ({ type: kafkajs.ConfigResourceTypes.TOPIC, name }))
  const answer = await askingKafka('reading topic configurations', () =>
    admin.describeConfigs({ resources, includeSynonyms: false }),
  )
  return new Map(
    answer.resources.map(({ resourceName, configEntries }) => [
      resourceName,
      Object.fromEntries(configEntries.map(({ configName, configValue }) => [configName, configValue])),
    ]),
  )
}

/** Gives whatever the admin client throws its code and says what was being done. */
export async function askingKafka<T>(what: string, ask: () => Promise<T>): Promise<T> {
  try {
    return await ask()
  } catch (cause) {
    throw new SyncError('kafka-unavailable', `${what}: ${reasonOf(cause)}`, { cause })
  }
}
