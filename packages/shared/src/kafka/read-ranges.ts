import { AssignerProtocol, type Kafka, type PartitionAssigner } from 'kafkajs'
import { endInTime } from '../end-in-time.ts'
import { denialOf } from './denials.ts'
import type { RawHeaders, SourceRecord } from './ports.ts'

/** Records of one partition, from `from` up to but without `to`; `to` Infinity: until the signal. */
export interface TopicRange {
  /** The physical name. */
  readonly topic: string
  readonly partition: number
  readonly from: number
  readonly to: number
}

export interface ReadRangesOptions {
  readonly kafka: Kafka
  readonly ranges: readonly TopicRange[]
  /** A reader's group of its own, in which nothing is committed. Whoever names it deletes it afterwards. */
  readonly groupId: string
  readonly signal: AbortSignal
  /** Told of each record, those of a partition in order. The next ones wait for a promise that it returns. */
  readonly take: (record: SourceRecord) => void | Promise<void>
  /** Called when reading begins, and again after a rejoin. */
  readonly onReading?: () => void
}

/**
 * Reads ranges of partitions, and no other partition. Resolves once all are read to their ends; rejects with what `take`
 * throws, the signal's reason, or what kafkajs can't get over.
 */
export async function readRanges(options: ReadRangesOptions): Promise<void> {
  const { kafka, groupId, take, signal, onReading } = options
  const open = new Map(
    options.ranges
      .filter(({ from, to }) => from < to)
      .map((range) => [placeOf(range.topic, range.partition), { ...range, position: range.from }]),
  )
  if (open.size === 0) return
  signal.throwIfAborted()
  const consumer = kafka.consumer({
    groupId,
    partitionAssigners: [assigning([...open.values()])],
    allowAutoTopicCreation: false,
    maxWaitTimeInMs: 100,
    // Who waits for the end of it is to hear of a refusal.
    retry: { retries: 5, restartOnFailure: async (error) => denialOf(error) === null },
  })
  const read = Promise.withResolvers<void>()
  const onAbort = () => read.reject(signal.reason)
  signal.addEventListener('abort', onAbort, { once: true })
  consumer.on(consumer.events.CRASH, ({ payload }) => {
    if (!payload.restart) read.reject(payload.error)
  })
  // Nothing is committed, so after a join the client would begin where the topic ends. It is told before it fetches.
  consumer.on(consumer.events.GROUP_JOIN, () => {
    for (const { topic, partition, position } of open.values()) {
      consumer.seek({ topic, partition, offset: String(position) })
    }
    onReading?.()
  })
  // Whoever waits for it is told; a failure before that has its own.
  read.promise.catch(() => {})
  try {
    await consumer.connect()
    await consumer.subscribe({
      topics: [...new Set([...open.values()].map(({ topic }) => topic))],
      fromBeginning: false,
    })
    await consumer.run({
      autoCommit: false,
      eachBatch: async ({ batch, isStale }) => {
        const range = open.get(placeOf(batch.topic, batch.partition))
        if (range === undefined || isStale()) return
        try {
          for (const message of batch.messages) {
            const offset = Number(message.offset)
            if (offset < range.position || offset >= range.to) continue
            const taken = take({
              topic: batch.topic,
              partition: batch.partition,
              offset,
              key: message.key,
              value: message.value,
              headers: (message.headers ?? {}) as RawHeaders,
              timestamp: Number(message.timestamp),
            })
            if (taken !== undefined) await taken
            if (signal.aborted) return
          }
        } catch (error) {
          read.reject(error)
          return
        }
        range.position = Math.max(range.position, Number(batch.lastOffset()) + 1)
        if (range.position < range.to) return
        open.delete(placeOf(batch.topic, batch.partition))
        if (open.size === 0) read.resolve()
      },
    })
    await read.promise
  } finally {
    signal.removeEventListener('abort', onAbort)
    await endInTime(consumer.disconnect())
  }
}

const placeOf = (topic: string, partition: number) => `${topic}/${partition}`

/** kafkajs assigns all partitions of a topic; this reader wants its own and no others. */
function assigning(ranges: readonly TopicRange[]): PartitionAssigner {
  const name = 'SyncRanges'
  const assignment: Record<string, number[]> = {}
  for (const { topic, partition } of ranges) {
    assignment[topic] ??= []
    assignment[topic].push(partition)
  }
  return () => ({
    name,
    version: 1,
    assign: async ({ members }) =>
      members.map(({ memberId }) => ({
        memberId,
        memberAssignment: AssignerProtocol.MemberAssignment.encode({
          version: 1,
          assignment,
          userData: Buffer.alloc(0),
        }),
      })),
    protocol: ({ topics }) => ({
      name,
      metadata: AssignerProtocol.MemberMetadata.encode({ version: 1, topics, userData: Buffer.alloc(0) }),
    }),
  })
}
