import type { ProduceCluster, TopicLeaders } from './produce-cluster.ts'

/** Which broker leads which partition, as far as that is known. */
export interface PartitionLeaders {
  /** The last answer about the topic. undefined if the topic was never asked about. */
  of(topic: string): TopicLeaders | undefined
  /** True if the broker leads any partition of the topics that were asked about. */
  isLeader(nodeId: number): boolean
  /** Asks unless all of these topics were answered less than 100 ms ago. Throws if the lookup fails. */
  refresh(topics: readonly string[]): Promise<void>
  /**
   * Asks unless the topics were answered less than 100 ms ago. If the lookup fails, the promise resolves too, and the known
   * leaders stay as they are.
   */
  refreshIfDue(): Promise<void>
  /** Begins to ask if the last answer is five minutes old. */
  refreshIfOld(): void
  /** Begins no lookup any more. */
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
  /** Resolves to the error of a lookup that failed, or null. */
  let running: Promise<unknown> | null = null
  /** When the last lookup began. */
  let askedAt = Number.NEGATIVE_INFINITY
  /** When the last lookup began that was answered. */
  let knownAt = Number.NEGATIVE_INFINITY
  let isStopped = false

  const ask = async () => {
    const beganAt = now()
    askedAt = beganAt
    leaders = await cluster.leadersOf([...asked])
    knownAt = beganAt
    nodes = new Set([...leaders.values()].flatMap((each) => (each instanceof Error ? [] : each)))
  }
  const start = (): Promise<unknown> => {
    running ??= ask()
      .then(
        () => null,
        (error) => error,
      )
      .finally(() => {
        running = null
      })
    return running
  }
  /** All who wait for one lookup go on in the order in which they came, so that calls are placed in the order of their sends. */
  const lookUp = async (isDue: () => boolean) => {
    // It may have asked a broker that hangs, or before the leaders changed, or without a new topic.
    if (running !== null) await running
    if (!isDue()) return
    if (isStopped) throw new Error('the producer was closed')
    const failure = await start()
    if (failure !== null) throw failure
  }
  const isRecent = () => now() - knownAt < MIN_AGE_MS

  return {
    of: (topic) => leaders.get(topic),
    isLeader: (nodeId) => nodes.has(nodeId),
    async refresh(topics) {
      for (const topic of topics) asked.add(topic)
      await lookUp(() => !isRecent() || topics.some((topic) => !leaders.has(topic)))
    },
    async refreshIfDue() {
      if (asked.size === 0) return
      await lookUp(() => !isRecent()).catch(() => {})
    },
    refreshIfOld() {
      if (asked.size === 0 || now() - askedAt < MIN_AGE_MS || now() - knownAt < MAX_AGE_MS) return
      void start()
    },
    stop() {
      isStopped = true
    },
  }
}
