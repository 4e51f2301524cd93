import { setTimeout as delay } from 'node:timers/promises'
import { type ContractProblem, type Contracts, type RegisteredContract, TOPICS_COMMAND } from '../contracts/registry.ts'
import { SyncError } from '../errors.ts'
import { askingKafka, assertVisible, readCluster, readTopics, type TopicAdmin } from './read-topics.ts'
import {
  count,
  mostCommonPartitions,
  planTopics,
  type TopicProblem,
  type TopicWish,
  topicConfig,
} from './topic-plan.ts'
import type { TopicName } from './topics.ts'

const CHECK_COMMAND = 'npx syncctl topics check'

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
    await askingKafka('creating topics', () =>
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
  await assertVisible(admin, missing)
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
