import type { Schedule } from '../http/schedule.ts'
import type { RawMessage } from './ports.ts'
import { acknowledge, type Call, createBound, failCall, type Part } from './produce-calls.ts'
import type { PartitionAnswer, ProduceCluster } from './produce-cluster.ts'
import {
  closedError,
  fencedBy,
  mayBeAppended,
  problemOf,
  refusedRecord,
  unavailable,
  type Verdict,
  verdictOf,
} from './produce-errors.ts'
import type { PartitionBatch, ProduceRequest } from './produce-request.ts'
import type { Sequences } from './sequences.ts'

export type WriteResult = 'acknowledged' | 'refused' | 'failed'

export interface LeaderQueueOptions {
  readonly nodeId: number
  readonly cluster: Pick<ProduceCluster, 'produce' | 'drop'>
  readonly sequences: Sequences
  /** Resolves when `sequences` has a producer. */
  readonly untilProducer: () => Promise<void>
  readonly deadlineMs: number
  readonly maxRecords: number
  readonly maxBytes: number
  /** Monotonic, ms. */
  readonly now: () => number
  readonly wallClock: () => number
  readonly schedule: Schedule
  /** Whether the broker still leads all partitions of the part. */
  readonly isLeaderOf: (part: Part) => boolean
  readonly sendElsewhere: (part: Part) => void
  /** Resolves when the leaders were asked for, or this takes too long. */
  readonly untilLeadersAsked: () => Promise<void>
  /** Called at the end of each request. */
  readonly onEnd: (result: WriteResult, seconds: number) => void
}

export interface LeaderQueue {
  hasRoomFor(part: Part): boolean
  add(part: Part): void
  /** Fails the calls that wait. From now on nothing leaves. */
  close(): void
  /** The state after the last request. null before the first request. */
  state(): WriteState | null
}

export interface WriteState {
  /** False if the broker did not do its work. */
  readonly isHealthy: boolean
  readonly problem: string | null
}

const MAX_BATCH_RECORDS = 500
const MAX_BATCH_BYTES = 512 * 1024
/** A part of the deadline. A leader that waits in vain for a follower must answer before the leader seems to hang. */
const PATIENCE_WITH_FOLLOWERS = 0.8

/**
 * The records that wait for one leader. One Produce request at most is under way. What arrives meanwhile leaves with the next one:
 * no waiting when idle, large batches under load.
 */
export function createLeaderQueue(options: LeaderQueueOptions): LeaderQueue {
  const { nodeId, cluster, sequences, untilProducer, deadlineMs, now, wallClock, schedule, onEnd } = options
  const queue: Part[] = []
  const bound = createBound(options.maxRecords, options.maxBytes)
  let isAtWork = false
  let isClosed = false
  let state: WriteState | null = null

  const nextBatch = (): Part[] => {
    const batch: Part[] = []
    let taken = 0
    let takenBytes = 0
    for (let part = queue[0]; part !== undefined; part = queue[0]) {
      const isFull = taken + part.records.length > MAX_BATCH_RECORDS || takenBytes + part.bytes > MAX_BATCH_BYTES
      if (batch.length > 0 && isFull) break
      queue.shift()
      bound.remove(part)
      if (hasEnded(part.call)) continue
      if (!options.isLeaderOf(part)) options.sendElsewhere(part)
      else {
        batch.push(part)
        taken += part.records.length
        takenBytes += part.bytes
      }
    }
    return batch
  }

  /** Ends the call if its records may not leave any more. */
  const hasEnded = (call: Call): boolean => {
    if (isClosed) failCall(call, closedError())
    else if (now() >= call.expiresAt) failCall(call, unavailable('waiting for the broker: deadline exceeded'))
    return call.hasEnded
  }

  /** Asked last of all, in the moment in which the bytes leave. */
  const isWanted = ({ call }: Part): boolean => {
    if (isClosed) failCall(call, closedError())
    if (call.hasEnded) return false
    try {
      call.fence?.()
      return true
    } catch (error) {
      failCall(call, fencedBy(error))
      return false
    }
  }

  const requestOf = (parts: readonly Part[]): ProduceRequest | null => {
    const producer = sequences.producer()
    if (parts.length === 0 || producer === null) return null
    const batches = byPartition(parts).map(
      ({ topic, partition, records }): PartitionBatch => ({
        ...{ topic, partition, records },
        firstSequence: sequences.take(topic, partition, records.length),
      }),
    )
    const timeoutMs = Math.floor(deadlineMs * PATIENCE_WITH_FOLLOWERS)
    return { producerId: producer.id, epoch: producer.epoch, timeoutMs, timestamp: wallClock(), batches }
  }

  const deliver = async (claimed: readonly Part[]): Promise<void> => {
    const startedAt = now()
    const sent: { parts: readonly Part[]; request: ProduceRequest | null } = { parts: [], request: null }
    // After the deadline all claimed calls have ended, so that nothing leaves any more.
    const leave = () => {
      sent.parts = claimed.filter(isWanted)
      sent.request = requestOf(sent.parts)
      return sent.request
    }
    const produce = async () => {
      await untilProducer()
      return cluster.produce(nodeId, leave)
    }
    const ended = (result: WriteResult) => {
      try {
        onEnd(result, (now() - startedAt) / 1000)
      } catch {
        // A metric that cannot be counted says nothing about the write.
      }
    }
    try {
      const answers = await inTime(produce(), deadlineMs, schedule)
      await settle(sent.parts, sent.request!, answers, ended)
    } catch (error) {
      const { request, parts } = sent
      // Another queue has used up the last epoch. The broker has got nothing that it could have answered.
      const hasNoProducer = request === null && parts.length > 0
      const problem = hasNoProducer ? 'a new producer id is needed' : problemOf(error, '')
      if (request !== null) sequences.leaveEpoch(request.epoch)
      else if (claimed.every(({ call }) => call.hasEnded)) return
      if (!hasNoProducer) {
        cluster.drop(nodeId)
        state = { isHealthy: false, problem }
        ended('failed')
      }
      for (const { call } of claimed) failCall(call, unavailable(problem, error))
    }
  }

  /** Ends the calls by the answers about their own partitions. */
  const settle = async (
    parts: readonly Part[],
    { epoch, batches }: ProduceRequest,
    answers: readonly PartitionAnswer[],
    ended: (result: WriteResult) => void,
  ): Promise<void> => {
    const ends = new Map<string, { readonly verdict: Verdict; readonly error: Error; readonly topic: string }>()
    for (const { topic, partition, firstSequence: first, records } of batches) {
      const answer = answers.find((each) => each.topic === topic && each.partition === partition)
      const error = answer === undefined ? new Error('the broker left out a partition') : answer.error
      if (error === null) continue
      const verdict = verdictOf(error)
      ends.set(`${topic}/${partition}`, { verdict, error, topic })
      if (verdict === 'failed' && mayBeAppended(error)) sequences.leaveEpoch(epoch)
      else sequences.giveBack({ topic, partition, epoch, first, count: records.length })
    }
    const has = (verdict: Verdict) => [...ends.values()].find((end) => end.verdict === verdict)
    const worst = has('failed') ?? has('forbidden') ?? has('refused')
    state = {
      isHealthy: worst?.verdict !== 'failed',
      problem: worst === undefined ? null : problemOf(worst.error, worst.topic),
    }
    ended(worst === undefined ? 'acknowledged' : worst.verdict === 'refused' ? 'refused' : 'failed')

    const alone: Part[] = []
    for (const part of parts) {
      const own = part.records.flatMap(({ message, partition }) => ends.get(`${message.topic}/${partition}`) ?? [])
      const end = own.find(({ verdict }) => verdict !== 'refused') ?? own[0]
      if (end === undefined) acknowledge(part.call)
      else if (end.verdict !== 'refused') failCall(part.call, unavailable(problemOf(end.error, end.topic), end.error))
      else if (parts.length > 1) alone.push(part)
      else failCall(part.call, refusedRecord(end.error))
    }
    // One record that the broker refuses must not take the others of its batch with it.
    for (const part of alone) {
      if (!hasEnded(part.call)) await deliver([part])
    }
  }

  const work = async () => {
    try {
      for (let batch = nextBatch(); batch.length > 0; batch = nextBatch()) {
        await deliver(batch)
        if (state?.isHealthy === false) await options.untilLeadersAsked()
      }
    } finally {
      isAtWork = false
    }
  }

  return {
    hasRoomFor: bound.hasRoomFor,
    add(part) {
      queue.push(part)
      bound.add(part)
      if (isAtWork) return
      isAtWork = true
      setImmediate(() => void work())
    },
    close() {
      isClosed = true
      for (const { call } of queue) failCall(call, closedError())
    },
    state: () => state,
  }
}

function byPartition(parts: readonly Part[]) {
  const batches = new Map<string, { topic: string; partition: number; records: RawMessage[] }>()
  for (const { records } of parts) {
    for (const { message, partition } of records) {
      const { topic } = message
      const name = `${topic}/${partition}`
      const batch = batches.get(name) ?? { topic, partition, records: [] }
      batch.records.push(message)
      batches.set(name, batch)
    }
  }
  return [...batches.values()]
}

/** Rejects when the work takes longer. */
export async function inTime<V>(work: Promise<V>, withinMs: number, schedule: Schedule): Promise<V> {
  const { promise: late, reject } = Promise.withResolvers<never>()
  const cancel = schedule(() => reject(new Error('deadline exceeded')), withinMs)
  try {
    return await Promise.race([work, late])
  } finally {
    cancel()
  }
}
