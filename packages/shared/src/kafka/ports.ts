/** Raw Kafka headers; a repeated header is an array, and Kafka knows null as a header's value. */
export type RawHeaders = Readonly<Record<string, HeaderValue | HeaderValue[] | undefined>>
export type HeaderValue = Buffer | string | null

/** A record as Kafka holds it. `topic` is the physical name, TOPIC_PREFIX included. */
export interface SourceRecord {
  readonly topic: string
  readonly partition: number
  readonly offset: number
  readonly key: Buffer | null
  readonly value: Buffer | null
  readonly headers: RawHeaders
  /** ms since the epoch, as stamped by its producer or the broker. */
  readonly timestamp: number
}

/** A run of records of one partition in offset order; `lastOffset` may lie past the last record (compaction, control records). */
export interface SourceBatch {
  readonly topic: string
  readonly partition: number
  readonly records: readonly SourceRecord[]
  readonly lastOffset: number
  /** The partition's end offset as the broker said it with this batch. */
  readonly endOffset: number
}

export interface CommitRequest {
  readonly topic: string
  readonly partition: number
  readonly offset: number
  readonly metadata: string
}

/** What the runtime is told; every call is synchronous, and must not throw. */
export interface SourceListener {
  /** A rebalance has begun and the join is about to be sent: a commit made in this call still goes ahead of it. */
  rebalancing(): void
  /** The group is joining: no partition is ours for sure until `assigned`. */
  joining(): void
  /** `unbroken`: we were a member all the time since the last assignment, so what we keep is ours without a gap. */
  assigned(assignment: ReadonlyMap<string, readonly number[]>, unbroken: boolean): void
  batch(batch: SourceBatch): void
  /**
   * The broker has no record at `offset`, the next offset to read. Either the log got shorter, or records were deleted before they
   * were read. The next batch begins at the first record of the log.
   */
  outOfRange(topic: string, partition: number, offset: number): void
  /** The consumer is dead and will not restart: the process has to end. */
  crashed(error: Error): void
}

/** A consumer group member: a source of assigned records, and its committer. */
export interface Source {
  start(listener: SourceListener): Promise<void>
  pause(topic: string, partitions: readonly number[]): void
  resume(topic: string, partitions: readonly number[]): void
  /** The next batch of the partition begins at `offset`. */
  seek(topic: string, partition: number, offset: number): void
  /** Commits in the current generation, once: never repeated behind the caller's back in a later one. */
  commit(offsets: readonly CommitRequest[]): Promise<void>
  /** What the group has committed, by topic and partition; partitions without a commit are left out. */
  committed(topics: readonly string[]): Promise<Map<string, Map<number, { offset: number; metadata: string }>>>
  /** The first and the next offset of every partition of the topics. */
  offsets(topics: readonly string[]): Promise<Map<string, Map<number, { low: number; end: number }>>>
  /** The id of each topic, which no other topic has, nor the same topic after it was deleted and created again. Without unknown ids. */
  topicIds(topics: readonly string[]): Promise<ReadonlyMap<string, string>>
  /** Time since the broker last heard of this member, ms; infinite before it joined. Goes on while the process is frozen. */
  heartbeatAgeMs(): number
  /** Leaves the group. */
  stop(): Promise<void>
}

/** A record to write as it is; `partition` overrides the partitioner. */
export interface RawMessage {
  readonly topic: string
  readonly partition?: number
  readonly key: Buffer | string | null
  readonly value: Buffer | null
  readonly headers: RawHeaders
}
