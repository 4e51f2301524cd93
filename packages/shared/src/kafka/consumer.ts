import { type Assigner, AssignerProtocol, type Kafka, type PartitionAssigner } from 'kafkajs'
import { endInTime } from '../end-in-time.ts'
import { SyncError } from '../errors.ts'
import { createEventLoopTurns } from '../event-loop-turns.ts'
import type { Logger } from '../logger.ts'
import { assignPartitions } from './assigner.ts'
import { handOver } from './hand-over.ts'
import type { CommitNow, TellingAssigner } from './kafkajs-fixes.ts'
import { createTopicIdLookup } from './kafkajs-topic-ids.ts'
import type { CommitRequest, Source, SourceBatch, SourceListener } from './ports.ts'

export interface ConsumerOptions {
  readonly kafka: Kafka
  readonly groupId: string
  /** Physical names; all have the same number of partitions. */
  readonly topics: readonly string[]
  readonly instanceId: string
  readonly sessionTimeoutMs: number
  readonly logger: Logger
  /** Told why the consumer has left the group by itself, whether or not it starts again. */
  readonly onCrash?: (error: Error) => void
}

/** Of one response from one broker: what is read past the bound of the memory is at most this. */
const MAX_FETCH_BYTES = 1_048_576
/** Low, because a consumer whose partitions are all paused sleeps this long before it heartbeats again. */
const MAX_WAIT_MS = 250

/**
 * A group member on kafkajs. What stands here is what that client needs to be trusted with a runtime on top of it:
 * - `eachBatch` only hands records over, so a rejoin never waits for handlers;
 * - our assigner's `protocol()` runs synchronously at every join, also at those that come without a REBALANCING event, and
 *   its `onLeave()` right before the client leaves the group, as it also does on its own after a crash;
 * - the group hears of us when a request reaches it, which may be long before its answer is read (by a process that was
 *   frozen in between): heartbeat age counts from when the request was made;
 * - commits go through the function of the joined group, because this function commits once, in the generation of that moment.
 *   The consumer's own function repeats a failed commit, perhaps in a later generation, for a partition that is no longer ours;
 * - `fromBeginning`, else a fresh group that stops before its first commit skips what it had read;
 * - a crash that kafkajs would not restart is reported, since the process would live on with a dead consumer; one that it
 *   restarts leaves the group, so until the next join the group has not heard of us.
 */
export function createConsumer(options: ConsumerOptions): Source {
  const { kafka, groupId, topics, instanceId, sessionTimeoutMs, logger } = options
  let listener: SourceListener | null = null
  let askedAt = NEVER
  let heardAt = NEVER
  let commitNow: CommitNow | null = null
  let memberId: string | null = null
  let joinsSinceAssigned = 0
  const turns = createEventLoopTurns()
  let stopped: Promise<void> | null = null

  const consumer = kafka.consumer({
    groupId,
    partitionAssigners: [
      coPartitioned(instanceId, {
        onJoin() {
          joinsSinceAssigned++
          listener?.joining()
        },
        onGroup(commit) {
          commitNow = commit
        },
        onLeave: () => listener?.joining(),
        onOutOfRange: (topic, partition, offset) => listener?.outOfRange(topic, partition, offset),
      }),
    ],
    sessionTimeout: sessionTimeoutMs,
    // At least the session: a member that hangs is removed by its session, after which it can't be sending any more.
    rebalanceTimeout: Math.max(60_000, sessionTimeoutMs),
    heartbeatInterval: Math.min(3_000, Math.floor(sessionTimeoutMs / 10)),
    maxWaitTimeInMs: MAX_WAIT_MS,
    maxBytes: MAX_FETCH_BYTES,
    metadataMaxAge: 60_000,
    allowAutoTopicCreation: false,
    retry: { retries: 5, initialRetryTime: 200, maxRetryTime: 2_000, restartOnFailure: async () => true },
  })
  const admin = kafka.admin()
  const topicIds = createTopicIdLookup(kafka)
  const asked = new Set<Promise<unknown>>()
  const asking = <V>(question: Promise<V>): Promise<V> => {
    asked.add(question)
    const forget = () => void asked.delete(question)
    question.then(forget, forget)
    return question
  }

  // Emitted before what the answer leads to: HEARTBEAT or GROUP_JOIN.
  consumer.on(consumer.events.REQUEST, ({ payload }) => {
    if (payload.apiName === 'Heartbeat' || payload.apiName === 'SyncGroup') askedAt = clockAt(payload.createdAt)
  })
  consumer.on(consumer.events.HEARTBEAT, () => {
    heardAt = askedAt
  })
  consumer.on(consumer.events.GROUP_JOIN, ({ payload }) => {
    heardAt = askedAt
    // A join whose assignment never came to us may have given what we had to another, for a while.
    const unbroken = payload.memberId === memberId && joinsSinceAssigned === 1
    joinsSinceAssigned = 0
    memberId = payload.memberId
    listener?.assigned(new Map(Object.entries(payload.memberAssignment)), unbroken)
  })
  // `eachBatch` is not called for a batch that holds only control records and records of aborted transactions.
  consumer.on(consumer.events.START_BATCH_PROCESS, ({ payload }) => {
    const { topic, partition, batchSize, lastOffset, highWatermark } = payload
    if (batchSize > 0) return
    listener?.batch({
      ...{ topic, partition, records: [] },
      ...{ lastOffset: Number(lastOffset), endOffset: Number(highWatermark) },
    })
  })
  consumer.on(consumer.events.REBALANCING, () => listener?.rebalancing())
  consumer.on(consumer.events.CRASH, ({ payload }) => {
    heardAt = NEVER
    listener?.joining()
    options.onCrash?.(payload.error)
    if (!payload.restart) listener?.crashed(payload.error)
    else logger.warn({ err: payload.error }, 'the consumer crashed and starts again')
  })

  return {
    async start(to) {
      listener = to
      await consumer.connect()
      await admin.connect()
      await consumer.subscribe({ topics: [...topics], fromBeginning: true })
      await consumer.run({
        autoCommit: false,
        eachBatchAutoResolve: false,
        eachBatch: async ({ batch, resolveOffset, isStale, isRunning }) => {
          const isCurrent = () => !isStale() && isRunning()
          const take = (part: SourceBatch) => listener?.batch(part)
          if (await handOver(batch, turns, take, isCurrent)) resolveOffset(batch.lastOffset())
        },
      })
    },
    pause: (topic, partitions) => whileRunning(() => consumer.pause([{ topic, partitions: [...partitions] }])),
    resume: (topic, partitions) => whileRunning(() => consumer.resume([{ topic, partitions: [...partitions] }])),
    seek: (topic, partition, offset) => whileRunning(() => consumer.seek({ topic, partition, offset: String(offset) })),
    async commit(offsets) {
      if (commitNow === null) throw new SyncError('kafka-unavailable', 'committing before the first join')
      await commitNow({ topics: byTopic(offsets) })
    },
    async committed(names) {
      const fetched = await asking(admin.fetchOffsets({ groupId, topics: [...names] }))
      return new Map(
        fetched.map(({ topic, partitions }) => [
          topic,
          new Map(
            partitions
              .filter(({ offset }) => Number(offset) >= 0)
              .map(({ partition, offset, metadata }) => [
                partition,
                { offset: Number(offset), metadata: metadata ?? '' },
              ]),
          ),
        ]),
      )
    },
    async offsets(names) {
      const fetched = await Promise.all(
        names.map(async (topic) => [topic, await asking(admin.fetchTopicOffsets(topic))] as const),
      )
      return new Map(
        fetched.map(([topic, partitions]) => [
          topic,
          new Map(partitions.map(({ partition, low, high }) => [partition, { low: Number(low), end: Number(high) }])),
        ]),
      )
    },
    topicIds: (names) => asking(topicIds.idsOf(names)),
    heartbeatAgeMs: () => Math.max(performance.now() - heardAt.steadyMs, Date.now() - heardAt.wallMs),
    stop() {
      stopped ??= (async () => {
        listener = null
        // A request that its connection ends under is answered by nobody, and holds up the exit for its whole timeout.
        const forgetting = Promise.allSettled(asked).then(() =>
          Promise.all([admin.disconnect(), topicIds.disconnect()]),
        )
        await endInTime(Promise.allSettled([consumer.disconnect(), forgetting]))
      })()
      return stopped
    },
  }

  /** Between a crash and its restart there is no group to pause in; the next assignment starts with nothing paused. */
  function whileRunning(action: () => void): void {
    try {
      action()
    } catch (error) {
      logger.debug({ err: error }, 'pausing or resuming while the consumer is not running')
    }
  }
}

/**
 * A point in time on both clocks, since neither tells every age: the steady one stands still while the machine is
 * suspended, the wall clock may be set.
 */
interface ClockTime {
  readonly steadyMs: number
  readonly wallMs: number
}
const NEVER: ClockTime = { steadyMs: Number.NEGATIVE_INFINITY, wallMs: Number.NEGATIVE_INFINITY }
const clockAt = (wallMs: number): ClockTime => ({
  steadyMs: performance.now() - Math.max(0, Date.now() - wallMs),
  wallMs,
})

function byTopic(offsets: readonly CommitRequest[]) {
  const topics = new Map<string, { partition: number; offset: string; metadata: string }[]>()
  for (const { topic, partition, offset, metadata } of offsets) {
    const partitions = topics.get(topic) ?? []
    partitions.push({ partition, offset: String(offset), metadata })
    topics.set(topic, partitions)
  }
  return [...topics].map(([topic, partitions]) => ({ topic, partitions }))
}

/** The co-partitioning assigner in kafkajs's clothes; a member tells its instance id in its join's user data. */
function coPartitioned(
  instanceId: string,
  { onJoin, ...tell }: TellingAssigner & { onJoin(): void },
): PartitionAssigner {
  const name = 'SyncCoPartitioned'
  return ({ cluster }): Assigner & TellingAssigner => ({
    ...tell,
    name,
    version: 1,
    async assign({ members, topics }) {
      const partitions = new Map(topics.map((topic) => [topic, cluster.findTopicPartitionMetadata(topic).length]))
      const owners = assignPartitions(
        members.map(({ memberId, memberMetadata }) => ({
          memberId,
          instanceId: AssignerProtocol.MemberMetadata.decode(memberMetadata)?.userData.toString('utf8') || memberId,
        })),
        Math.max(0, ...partitions.values()),
      )
      return [...owners].map(([memberId, own]) => ({
        memberId,
        memberAssignment: AssignerProtocol.MemberAssignment.encode({
          version: 1,
          assignment: Object.fromEntries(
            topics.map((topic) => [topic, own.filter((partition) => partition < partitions.get(topic)!)]),
          ),
          userData: Buffer.alloc(0),
        }),
      }))
    },
    protocol({ topics }) {
      onJoin()
      return {
        name,
        metadata: AssignerProtocol.MemberMetadata.encode({
          version: 1,
          topics,
          userData: Buffer.from(instanceId, 'utf8'),
        }),
      }
    },
  })
}
