import { setTimeout as delay } from 'node:timers/promises'
import kafkajs, { type Admin } from 'kafkajs'
import { type ContractProblem, type Contracts, type RegisteredContract, TOPICS_COMMAND } from '../contracts/registry.ts'
import { SyncError } from '../errors.ts'
import {
  type Cluster,
  count,
  mostCommonPartitions,
  planTopics,
  type TopicProblem,
  type TopicState,
  type TopicWish,
  topicConfig,
} from './topic-plan.ts'
import { TOPICS, type TopicName } from './topics.ts'

const CHECK_COMMAND = 'npx syncctl topics check'

/** The part of kafkajs' admin client that is used here; it is connected. */
export type TopicAdmin = Pick<Admin, 'fetchTopicMetadata' | 'describeCluster' | 'describeConfigs' | 'createTopics'>

export interface AppliedTopics {
  /** Physical names; empty when refused. */
  readonly created: readonly string[]
  readonly existing: readonly string[]
  readonly partitions: number
  readonly replicas: number
  readonly contracts: readonly RegisteredContract[]
  /** What differs and was left as it is. */
  readonly problems: readonly TopicProblem[]
  /** A topic has another number of partitions: nothing was created or registered. */
  readonly refused: boolean
}

/**
 * Creates the topics that are missing and registers the contracts. Idempotent; two at once do no harm. What exists is
 * never altered. Throws SyncError `kafka-unavailable`, `registry-unavailable` or `contract-violation`.
 */
export async function applyTopics(
  admin: TopicAdmin,
  contracts: Pick<Contracts, 'register'>,
  wish: TopicWish,
): Promise<AppliedTopics> {
  const cluster = await readCluster(admin, wish.prefix)
  const { partitions, replicas, missing, problems } = planTopics(cluster, wish)
  const result = { existing: [...cluster.topics.keys()], partitions, replicas, problems }
  if (problems.some(({ kind }) => kind === 'partitions')) {
    return { ...result, created: [], contracts: [], refused: true }
  }
  const created = missing.map((spec) => ({
    topic: wish.prefix + spec.name,
    numPartitions: partitions,
    replicationFactor: replicas,
    configEntries: Object.entries(topicConfig(spec, replicas)).map(([name, value]) => ({ name, value })),
  }))
  if (created.length > 0) {
    await asking('creating topics', () =>
      admin.createTopics({ topics: created, timeout: 30_000, waitForLeaders: false }),
    )
    await untilThere(
      admin,
      created.map(({ topic }) => topic),
    )
  }
  const registered = await contracts.register()
  return { ...result, created: created.map(({ topic }) => topic), contracts: registered, refused: false }
}

export interface CheckedTopics {
  readonly partitions: number
  readonly topics: readonly TopicProblem[]
  readonly contracts: readonly ContractProblem[]
}

/** What differs from the topic table and the contracts; nothing is changed. */
export async function checkTopics(
  admin: TopicAdmin,
  contracts: Pick<Contracts, 'verify'>,
  wish: TopicWish,
): Promise<CheckedTopics> {
  const [cluster, unregistered] = await Promise.all([readCluster(admin, wish.prefix), contracts.verify()])
  const { missing, problems, partitions } = planTopics(cluster, wish)
  const absent = missing.map(
    ({ name }): TopicProblem => ({ topic: wish.prefix + name, kind: 'missing', message: "doesn't exist" }),
  )
  return { partitions, topics: [...absent, ...problems], contracts: unregistered }
}

/**
 * Makes sure that the topics exist and have the same number of partitions, and returns that number. Throws SyncError
 * `topic-missing`, `config-invalid` for another number of partitions (both name the command), or `kafka-unavailable`.
 */
export async function assertTopics(
  admin: Pick<TopicAdmin, 'fetchTopicMetadata'>,
  names: readonly TopicName[],
  prefix: string,
): Promise<number> {
  const found = await readTopics(
    admin,
    names.map((name) => prefix + name),
  )
  const missing = names.map((name) => prefix + name).filter((name) => !found.has(name))
  if (missing.length > 0) {
    throw new SyncError('topic-missing', `checking topics: ${missing.join(', ')} missing; run: ${TOPICS_COMMAND}`)
  }
  const partitions = mostCommonPartitions(found.values()) ?? 0
  const odd = [...found.values()].filter((topic) => topic.partitions !== partitions)
  if (odd.length > 0) {
    const listed = odd.map((topic) => `${topic.name} has ${count(topic.partitions, 'partition')}`).join(', ')
    const message = `checking topics: ${listed}, the others have ${partitions}; run: ${CHECK_COMMAND}`
    throw new SyncError('config-invalid', message)
  }
  return partitions
}

async function readCluster(admin: TopicAdmin, prefix: string): Promise<Cluster> {
  const names = TOPICS.map(({ name }) => prefix + name)
  const found = await readTopics(admin, names)
  const { brokers } = await asking('asking for the brokers', () => admin.describeCluster())
  const configs = await readConfigs(admin, [...found.keys()])
  const topics = new Map<string, TopicState>()
  for (const name of names) {
    const topic = found.get(name)
    if (topic) topics.set(name, { ...topic, config: configs.get(name) ?? {} })
  }
  return { brokers: brokers.length, topics }
}

type TopicShape = Omit<TopicState, 'config'>

/**
 * Those of `names` that exist. Asks for all topics, because asking for one by its name could make a broker create it;
 * only where some foreign topic has no leader, which fails the whole list, are ours asked for by name.
 */
async function readTopics(
  admin: Pick<TopicAdmin, 'fetchTopicMetadata'>,
  names: readonly string[],
): Promise<Map<string, TopicShape>> {
  const { topics } = await asking('listing topics', () =>
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
  const answer = await asking('reading topic configurations', () =>
    admin.describeConfigs({ resources, includeSynonyms: false }),
  )
  return new Map(
    answer.resources.map(({ resourceName, configEntries }) => [
      resourceName,
      Object.fromEntries(configEntries.map(({ configName, configValue }) => [configName, configValue])),
    ]),
  )
}

const VISIBLE_AFTER_MS = 100
const VISIBLE_ATTEMPTS = 100

/** Another one may have created them an instant ago, and a broker learns of it from the controller with a delay. */
async function untilThere(admin: TopicAdmin, names: readonly string[]): Promise<void> {
  for (let attempt = 1; attempt <= VISIBLE_ATTEMPTS; attempt++) {
    // kafkajs's own wait for leaders gives up at the first answer of a broker that has not heard of the topic yet.
    const found = await readTopics(admin, names).catch(() => new Map())
    if (found.size === names.length) return
    await delay(VISIBLE_AFTER_MS)
  }
  throw new SyncError('kafka-unavailable', 'creating topics: created, but not to be seen on the broker')
}

async function asking<T>(what: string, ask: () => Promise<T>): Promise<T> {
  try {
    return await ask()
  } catch (cause) {
    throw new SyncError('kafka-unavailable', `${what}: ${(cause as Error).message}`, { cause })
  }
}
