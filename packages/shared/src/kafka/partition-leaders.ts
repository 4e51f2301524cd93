import type { ProduceCluster, TopicLeaders } from './produce-cluster.ts'

/** Which broker leads which partition, as far as that is known. */
export interface PartitionLeaders {
  /** What was last heard; undefined for a topic that was never asked about. */
  of(topic: string): TopicLeaders | undefined
  /** True if the broker leads any partition of the topics that were asked about. */
  isLeader(nodeId: number): boolean
  /** Asks now. */
  refresh(topics: readonly string[]): Promise<void>
  /**
   * Asks if the leaders may have changed: at most ten times a second, and with `isOld` only every five minutes. Resolves at the end
   * also if the answer is an error; then the leaders that are known stay as they are.
   */
  refreshIfDue(options?: { readonly isOld: boolean }): Promise<void>
  stop(): void
}

/** As long as Kafka's own client waits (retry.backoff.ms). */
const MIN_AGE_MS = 100
/** As long as Kafka's own client waits (metadata.max.age.ms). This is how a topic's new partitions are found. */
const MAX_AGE_MS = 300_000

export function createPartitionLeaders(
  cluster: Pick<ProduceCluster, 'leadersOf'>,
  now: () => number,
): PartitionLeaders {
  const asked = new Set<string>()
  let leaders: ReadonlyMap<string, TopicLeaders> = new Map()
  let nodes: ReadonlySet<number | null> = new Set()
  let running: Promise<void> | null = null
  let askedAt = Number.NEGATIVE_INFINITY
  let isStopped = false

  const ask = async () => {
    askedAt = now()
    leaders = await cluster.leadersOf([...asked])
    nodes = new Set([...leaders.values()].flatMap((each) => (each instanceof Error ? [] : each)))
  }
  const start = (): Promise<void> => {
    running ??= ask().finally(() => {
      running = null
    })
    return running
  }

  return {
    of: (topic) => leaders.get(topic),
    isLeader: (nodeId) => nodes.has(nodeId),
    async refresh(topics) {
      const isNew = topics.some((topic) => !asked.has(topic))
      for (const topic of topics) asked.add(topic)
      // What is asked now was asked without the new topic.
      if (isNew && running !== null) await running.catch(() => {})
      await start()
    },
    async refreshIfDue({ isOld } = { isOld: false }) {
      if (isStopped || asked.size === 0 || now() - askedAt < (isOld ? MAX_AGE_MS : MIN_AGE_MS)) return
      await start().catch(() => {})
    },
    stop() {
      isStopped = true
    },
  }
}
