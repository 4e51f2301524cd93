import type { Kafka } from 'kafkajs'
import { endInTime } from '../end-in-time.ts'
import type { SyncError } from '../errors.ts'
import type { Fence } from '../http/call.ts'
import { afterDelay, type Schedule } from '../http/schedule.ts'
import { createProduceCluster } from './kafkajs-produce.ts'
import { createLeaderQueue, inTime, type LeaderQueue, type WriteResult, type WriteState } from './leader-queue.ts'
import { createPartitionLeaders } from './partition-leaders.ts'
import { partitionOf } from './partition-of.ts'
import type { RawMessage } from './ports.ts'
import { bytesIn, type Call, createBound, failCall, type Part, type PlacedRecord } from './produce-calls.ts'
import type { ProduceCluster } from './produce-cluster.ts'
import { closedError, isRetriable, problemOf, refusedRecord, unavailable, verdictOf } from './produce-errors.ts'
import { createSequences } from './sequences.ts'

/** Writes raw records in batches with acks=all and a fence. A call resolves when the brokers have acknowledged its records. */
export interface BatchedProducer {
  /** Also looks up the leaders of `topics`, so that the first records of these topics do not wait for the lookup. */
  connect(topics?: readonly string[]): Promise<void>
  /**
   * Throws SyncError `kafka-unavailable` or `fenced`. `fence` is asked right before the records leave. The records of one key
   * keep their order if the caller waits for each call before the next. The records of a call that failed are in the log
   * before the records of the next call, or never.
   */
  send(messages: readonly RawMessage[], fence?: Fence): Promise<void>
  /** False while the last write to every leader has failed. */
  isHealthy(): boolean
  /** Why the last write to a leader failed, in one line. null once a write is acknowledged. */
  problem(): string | null
  disconnect(): Promise<void>
}

interface Limits {
  /**
   * The deadline of one request, from the turn of its records to the broker's answer. Records wait for their turn while another
   * request to their leader is under way. If their turn comes after 40 % of the deadline, it is too late, and their call fails.
   */
  readonly deadlineMs: number
  /** The most records that may wait for one leader, or for their leader to be found. A call without room fails at once. */
  readonly maxQueued?: number
  readonly maxQueuedBytes?: number
  /** Called at the end of each produce request. */
  readonly observe?: (result: WriteResult, seconds: number) => void
}

export interface ProducerOptions extends Limits {
  /** Its client must not retry requests by itself, because a retry would bypass the fence. */
  readonly kafka: Kafka
}

export interface ClusterProducerOptions extends Limits {
  readonly cluster: ProduceCluster
  /** Monotonic, ms. */
  readonly now?: () => number
  readonly wallClock?: () => number
  readonly schedule?: Schedule
}

/** Whoever waited for what is still on its way has given up by now. */
const DISCONNECT_WITHIN_MS = 1_000
/** A part of the deadline. Records that waited longer do not leave, because their caller would wait for a second request. */
const PATIENCE_TO_LEAVE = 0.4
/** After a failed request, before the next one goes to the same broker. */
const ASK_LEADERS_WITHIN_MS = 1_000
/** A broker that was just started loads its state before it gives a producer id. */
const ASK_FOR_ID_AGAIN_MS = 200
const MAX_QUEUED = 20_000
/** For each leader, so that several leaders that hang do not fill the memory of a process. */
const MAX_QUEUED_BYTES = 24 * 1024 * 1024

export const createProducer = ({ kafka, ...rest }: ProducerOptions): BatchedProducer =>
  createClusterProducer({ cluster: createProduceCluster(kafka), ...rest })

/** Each leader has a queue of its own, so that a broker that hangs delays only the partitions that it leads. */
export function createClusterProducer(options: ClusterProducerOptions): BatchedProducer {
  const { cluster, deadlineMs, maxQueued = MAX_QUEUED, maxQueuedBytes = MAX_QUEUED_BYTES, observe } = options
  const { now = () => performance.now(), wallClock = Date.now, schedule = afterDelay } = options
  const leaders = createPartitionLeaders(cluster, now)
  const sequences = createSequences()
  const queues = new Map<number, LeaderQueue>()
  let begins: Promise<void> | null = null
  /** The state of the records whose leader was not found. */
  let unplaced: WriteState | null = null
  /** Calls with records whose leader is looked for. */
  const searching = new Set<{ readonly call: Call }>()
  const searchingBound = createBound(maxQueued, maxQueuedBytes)
  let turn = 0
  let closing = false

  const untilProducer = async () => {
    if (sequences.producer() !== null) return
    begins ??= begin().finally(() => {
      begins = null
    })
    await begins
  }

  const begin = async () => {
    for (const giveUpAt = now() + deadlineMs; ; ) {
      try {
        return sequences.begin(await cluster.newProducerId())
      } catch (error) {
        if (closing || now() >= giveUpAt || !isRetriable(error)) throw error
      }
      await new Promise<void>((resolve) => schedule(resolve, ASK_FOR_ID_AGAIN_MS))
    }
  }

  const queueOf = (nodeId: number): LeaderQueue => {
    const known = queues.get(nodeId)
    if (known !== undefined) return known
    const queue = createLeaderQueue({
      ...{ nodeId, cluster, sequences, untilProducer, deadlineMs, now, wallClock, schedule },
      ...{ maxRecords: maxQueued, maxBytes: maxQueuedBytes },
      isLeaderOf: ({ records }) =>
        records.every(({ message, partition }) => leaderOf(message.topic, partition) === nodeId),
      untilLeadersAsked: () => inTime(leaders.refreshIfDue(), ASK_LEADERS_WITHIN_MS, schedule).catch(() => {}),
      sendElsewhere({ call, records }) {
        const messages = records.map(({ message }) => message)
        place(call, messages, 1)
      },
      onEnd(result, seconds) {
        if (result === 'acknowledged') unplaced = null
        observe?.(result, seconds)
      },
    })
    queues.set(nodeId, queue)
    return queue
  }

  /** A node id, or why none is known. */
  const leaderOf = (topic: string, partition: number): number | SyncError => {
    const of = leaders.of(topic)
    if (of === undefined) return unavailable(`the leaders of ${topic} are not known`)
    if (of instanceof Error) return unavailable(problemOf(of, topic), of)
    if (partition >= of.length) return refusedRecord(new Error(`partition ${partition} of ${topic} does not exist`))
    return of[partition] ?? unavailable(`partition ${partition} of ${topic} has no leader`)
  }

  const partitionFor = ({ topic, partition, key }: RawMessage): number => {
    if (partition !== undefined) return partition
    const of = leaders.of(topic)
    const count = Array.isArray(of) ? of.length : 0
    if (count === 0) return 0
    return key === null ? turn++ % count : partitionOf(key, count)
  }

  /**
   * Puts the records into the queues of their leaders. Returns an error if the leader of a record is not known. Until the records
   * are in the queues, the call counts the `replaces` former parts of them, so that no answer about other records ends the call.
   */
  const tryToPlace = (call: Call, messages: readonly RawMessage[], replaces: number): SyncError | null => {
    const parts = new Map<number, Part & { records: PlacedRecord[]; bytes: number }>()
    for (const message of messages) {
      const partition = partitionFor(message)
      const leader = leaderOf(message.topic, partition)
      if (typeof leader !== 'number') return leader
      const part = parts.get(leader) ?? { call, records: [], bytes: 0 }
      part.records.push({ message, partition })
      part.bytes += bytesIn([message])
      parts.set(leader, part)
    }
    for (const [leader, part] of parts) {
      if (!queueOf(leader).hasRoomFor(part)) {
        failCall(call, unavailable('too many records wait'))
        return null
      }
    }
    call.parts += parts.size - replaces
    for (const [leader, part] of parts) queueOf(leader).add(part)
    return null
  }

  const place = (call: Call, messages: readonly RawMessage[], replaces: number): void => {
    if (tryToPlace(call, messages, replaces) !== null) void placeLater(call, messages, replaces)
  }

  const placeLater = async (call: Call, messages: readonly RawMessage[], replaces: number): Promise<void> => {
    const search = { call, records: messages, bytes: bytesIn(messages) }
    if (!searchingBound.hasRoomFor(search)) return failCall(call, unavailable('too many records wait'))
    searchingBound.add(search)
    searching.add(search)
    let problem: SyncError | null
    try {
      const topics = [...new Set(messages.map(({ topic }) => topic))]
      await inTime(leaders.refresh(topics), Math.max(0, call.expiresAt - now()), schedule)
      problem = closing ? closedError() : tryToPlace(call, messages, replaces)
    } catch (error) {
      problem = unavailable(problemOf(error, ''), error)
    }
    searchingBound.remove(search)
    searching.delete(search)
    if (problem === null) return
    if (problem.code === 'kafka-unavailable') {
      const { cause } = problem
      const isHealthy = cause instanceof Error && verdictOf(cause) === 'forbidden'
      unplaced = { isHealthy, problem: problem.message.replace('producing to kafka: ', '') }
    }
    failCall(call, problem)
  }

  /** The states of the brokers that lead a partition now. */
  const states = (): WriteState[] =>
    [...queues].flatMap(([nodeId, queue]) => (leaders.isLeader(nodeId) ? (queue.state() ?? []) : []))

  return {
    async connect(topics = []) {
      await cluster.connect()
      await untilProducer()
      if (topics.length > 0) await leaders.refresh(topics)
    },
    send(messages, fence) {
      if (messages.length === 0) return Promise.resolve()
      if (closing) return Promise.reject(closedError())
      leaders.refreshIfOld()
      return new Promise((resolve, reject) => {
        const expiresAt = now() + deadlineMs * PATIENCE_TO_LEAVE
        place({ fence, expiresAt, parts: 0, hasEnded: false, resolve, reject }, messages, 0)
      })
    },
    isHealthy() {
      const all = states()
      return all.length === 0 ? unplaced?.isHealthy !== false : all.some(({ isHealthy }) => isHealthy)
    },
    problem: () => unplaced?.problem ?? states().find(({ problem }) => problem !== null)?.problem ?? null,
    async disconnect() {
      closing = true
      leaders.stop()
      for (const { call } of searching) failCall(call, closedError())
      for (const queue of queues.values()) queue.close()
      await endInTime(cluster.disconnect(), DISCONNECT_WITHIN_MS)
    },
  }
}
