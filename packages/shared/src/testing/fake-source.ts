import type { CommitRequest, RawHeaders, Source, SourceListener } from '../kafka/ports.ts'

export interface FakeRecord {
  readonly key: string | null
  readonly value: string | null
  readonly headers?: RawHeaders
  /** Default: 0. */
  readonly timestamp?: number
}

/** A group member without a broker: hands over what a test appends and keeps what was committed. Not for Kafka's own behaviour. */
export interface FakeSource extends Source {
  readonly commits: CommitRequest[]
  readonly pausedPartitions: Set<string>
  heartbeatAge: number
  assign(partitions: readonly number[], unbroken?: boolean): void
  join(): void
  /** The broker's word that comes before most joins. */
  rebalance(): void
  /** Appends behind what is there, or hands over again from an offset. */
  append(topic: string, partition: number, records: readonly FakeRecord[], from?: number): void
  /** The log ends there, although not all of it is handed over yet. */
  extend(topic: string, partition: number, end: number): void
  /** The log begins anew and is empty, and its topic has another id. */
  recreate(topic: string, partition: number): void
  /** Whether the broker gives the ids of topics. */
  givesTopicIds: boolean
  /** The broker has no record where the partition was to be read on. */
  outOfRange(topic: string, partition: number, offset: number): void
  readonly seeks: { readonly topic: string; readonly partition: number; readonly offset: number }[]
  /** The offset committed for a partition, or undefined. */
  committedOffset(topic: string, partition: number): number | undefined
}

export function createFakeSource(topics: readonly string[]): FakeSource {
  let listener: SourceListener | null = null
  const ends = new Map<string, number>()
  /** Where a log ends that is not handed over as a whole. */
  const extended = new Map<string, number>()
  const creations = new Map<string, number>()
  const commits: CommitRequest[] = []
  const seeks: { topic: string; partition: number; offset: number }[] = []
  const pausedPartitions = new Set<string>()
  const latest = (topic: string, partition: number) =>
    commits.findLast((commit) => commit.topic === topic && commit.partition === partition)
  return {
    commits,
    seeks,
    pausedPartitions,
    heartbeatAge: 0,
    givesTopicIds: true,
    async start(to) {
      listener = to
    },
    assign(partitions, unbroken = true) {
      listener?.assigned(new Map(topics.map((topic) => [topic, partitions])), unbroken)
    },
    join: () => listener?.joining(),
    rebalance: () => listener?.rebalancing(),
    append(topic, partition, records, from = ends.get(`${topic}/${partition}`) ?? 0) {
      const end = from + records.length
      ends.set(`${topic}/${partition}`, end)
      listener?.batch({
        topic,
        partition,
        records: records.map(({ key, value, headers = {}, timestamp = 0 }, index) => ({
          topic,
          partition,
          offset: from + index,
          key: key === null ? null : Buffer.from(key),
          value: value === null ? null : Buffer.from(value),
          headers,
          timestamp,
        })),
        lastOffset: end - 1,
        endOffset: Math.max(end, extended.get(`${topic}/${partition}`) ?? 0),
      })
    },
    extend: (topic, partition, end) => void extended.set(`${topic}/${partition}`, end),
    recreate(topic, partition) {
      ends.set(`${topic}/${partition}`, 0)
      creations.set(topic, (creations.get(topic) ?? 0) + 1)
    },
    outOfRange: (topic, partition, offset) => listener?.outOfRange(topic, partition, offset),
    seek: (topic, partition, offset) => void seeks.push({ topic, partition, offset }),
    pause: (topic, partitions) => {
      for (const partition of partitions) pausedPartitions.add(`${topic}/${partition}`)
    },
    resume: (topic, partitions) => {
      for (const partition of partitions) pausedPartitions.delete(`${topic}/${partition}`)
    },
    async commit(offsets) {
      commits.push(...offsets)
    },
    async committed(names) {
      return new Map(
        names.map((topic) => [
          topic,
          new Map(
            [...new Set(commits.map(({ partition }) => partition))].flatMap((partition) => {
              const commit = latest(topic, partition)
              return commit ? [[partition, { offset: commit.offset, metadata: commit.metadata }] as const] : []
            }),
          ),
        ]),
      )
    },
    offsets: async (names) =>
      new Map(
        names.map((topic) => [
          topic,
          new Map(
            [...ends, ...extended]
              .filter(([name]) => name.startsWith(`${topic}/`))
              .map(([name, end]) => [Number(name.slice(topic.length + 1)), { low: 0, end }]),
          ),
        ]),
      ),
    async topicIds(names) {
      if (!this.givesTopicIds) return new Map()
      return new Map(names.map((topic) => [topic, `id-${creations.get(topic) ?? 0}`]))
    },
    heartbeatAgeMs() {
      return this.heartbeatAge
    },
    committedOffset: (topic, partition) => latest(topic, partition)?.offset,
    async stop() {
      listener = null
    },
  }
}
