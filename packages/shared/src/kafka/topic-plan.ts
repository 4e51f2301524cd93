import { DEFAULT_PARTITIONS, TOPICS, type TopicSpec } from './topics.ts'

/** A topic as the cluster holds it, by its physical name (TOPIC_PREFIX included). */
export interface TopicState {
  readonly name: string
  readonly partitions: number
  readonly replicas: number
  /** The configuration in force, defaults included. */
  readonly config: Readonly<Record<string, string>>
}

export interface Cluster {
  readonly brokers: number
  /** Those of our topics that exist. */
  readonly topics: ReadonlyMap<string, TopicState>
}

export interface TopicProblem {
  /** The physical name. */
  readonly topic: string
  readonly kind: 'missing' | 'partitions' | 'replicas' | 'config'
  readonly message: string
  /** What to do about it, which `apply` doesn't. */
  readonly advice?: string
}

export interface TopicPlan {
  /** The one partition count of all topics. */
  readonly partitions: number
  readonly replicas: number
  readonly missing: readonly TopicSpec[]
  /** What `apply` doesn't touch: it would move keys, or undo what somebody set on purpose. */
  readonly problems: readonly TopicProblem[]
}

export interface TopicWish {
  readonly prefix: string
  /** undefined: as the existing topics have it, else DEFAULT_PARTITIONS. */
  readonly partitions?: number | undefined
}

/** Compares the topic table with a cluster. */
export function planTopics(cluster: Cluster, wish: TopicWish): TopicPlan {
  const existing = TOPICS.flatMap(({ name }) => cluster.topics.get(wish.prefix + name) ?? [])
  const partitions = wish.partitions ?? mostCommonPartitions(existing) ?? DEFAULT_PARTITIONS
  const replicas = Math.min(3, cluster.brokers)
  const missing = TOPICS.filter(({ name }) => !cluster.topics.has(wish.prefix + name))
  const problems = TOPICS.flatMap((spec) => {
    const state = cluster.topics.get(wish.prefix + spec.name)
    return state ? problemsOf(state, spec, partitions, replicas) : []
  })
  return { partitions, replicas, missing, problems }
}

/** A topic's configuration: the table's, and what keeps an acknowledged record when one broker is lost. */
export const topicConfig = (spec: TopicSpec, replicas: number): Readonly<Record<string, string>> => ({
  ...spec.config,
  'min.insync.replicas': String(Math.max(1, replicas - 1)),
})

function problemsOf(state: TopicState, spec: TopicSpec, partitions: number, replicas: number): TopicProblem[] {
  const problems: TopicProblem[] = []
  const add = (kind: TopicProblem['kind'], message: string, advice: string) =>
    problems.push({ topic: state.name, kind, message, advice })
  if (state.partitions !== partitions) {
    add('partitions', `has ${count(state.partitions, 'partition')}, wanted: ${partitions}`, KEYS_WOULD_MOVE)
  }
  if (state.replicas < replicas) {
    add('replicas', `has ${count(state.replicas, 'replica')}, wanted: ${replicas}`, 'Run: kafka-reassign-partitions.sh')
  }
  for (const [name, wanted] of Object.entries(topicConfig(spec, Math.min(replicas, state.replicas)))) {
    const actual = state.config[name]
    const enough = name === 'min.insync.replicas' && Number(actual) >= Number(wanted)
    if (actual === wanted || enough) continue
    const command = `Run: kafka-configs.sh --alter --topic ${state.name} --add-config ${name}=${wanted}`
    add('config', `has ${name}=${actual ?? 'unset'}, wanted: ${wanted}`, command)
  }
  return problems
}

/** `1 replica`, `3 replicas`. */
export const count = (n: number, noun: string): string => `${n} ${noun}${n === 1 ? '' : 's'}`

/** Why a partition count is never altered. */
export const KEYS_WOULD_MOVE =
  'Another number of partitions would move keys to other partitions and break their order: ' +
  'stop the services, delete the topic once it is drained, or start over with another TOPIC_PREFIX.'

/** The count that most topics have; of two as common, the larger. undefined: there are none. */
export function mostCommonPartitions(topics: Iterable<{ readonly partitions: number }>): number | undefined {
  const counts = new Map<number, number>()
  for (const { partitions } of topics) counts.set(partitions, (counts.get(partitions) ?? 0) + 1)
  return [...counts].sort(([a, timesA], [b, timesB]) => timesB - timesA || b - a)[0]?.[0]
}
