import { createRequire } from 'node:module'
import { setTimeout as delay } from 'node:timers/promises'
import { decodeHeadersInLinearTime, readBatchesOfAnySize } from './kafkajs-decoding.ts'
import { encodeRecordsAtOnce } from './kafkajs-encoding.ts'
import { makeRequestsWhenTheyLeave } from './kafkajs-leaving.ts'
import { dropOutdatedBatches } from './kafkajs-outdated.ts'
import { surviveRefusals } from './kafkajs-refusals.ts'
import { outliveSessions } from './kafkajs-sessions.ts'

interface RequestQueue {
  readonly pending: readonly unknown[]
  readonly throttledUntil: number
  throttleCheckTimeoutId: NodeJS.Timeout | null
  checkPendingRequests(): void
}

export type CommitNow = (offsets: {
  topics: { topic: string; partitions: { partition: number; offset: string; metadata?: string | null }[] }[]
}) => Promise<void>

/** An assigner that is called, in the same turn, when its member does something by itself. */
export interface TellingAssigner {
  /** The member is about to join. After that `commit` commits once, in the generation of the moment in which it is called. */
  onGroup(commit: CommitNow): void
  /** Right before the member leaves the group. */
  onLeave(): void
  /** The broker has no record at `offset`, the next offset to read. The member reads the partition from its first record on. */
  onOutOfRange(topic: string, partition: number, offset: number): void
}

interface TopicPartitions {
  readonly topic: string
  readonly partitions: readonly number[]
}

interface ConsumerGroup {
  readonly assigners: readonly Partial<TellingAssigner>[]
  /** Of a whole response; the first batch of the first partition that has any comes even if it is larger. */
  readonly maxBytes: number
  maxBytesPerPartition: number
  readonly subscriptionState: { isPaused(topic: string, partition: number): boolean }
  fetches?: number
  /** Where it reads on; another object after every join. */
  readonly offsetManager: { nextOffset(topic: string, partition: number): { toString(): string } } | null
  readonly cluster: { refreshMetadata(): Promise<void> }
  /** When the last heartbeat was answered, by the wall clock. */
  lastRequest: number
  heartbeat(options: { readonly interval: number }): Promise<void>
  leave(): Promise<void>
  joinAndSync(): Promise<void>
  commitOffsets: CommitNow
  recoverFromFetch(error: { readonly type?: string; readonly name?: string }): Promise<void>
  recoverFromOffsetOutOfRange(error: { readonly topic: string; readonly partition: number }): Promise<void>
  fetch(nodeId: number): Promise<readonly object[]>
  /** What a fetch from a node asks for, in this order. */
  filterPartitionsByNode(nodeId: number, assigned: readonly TopicPartitions[]): TopicPartitions[]
}

type Lookup = (...asked: readonly unknown[]) => unknown

const CHECK_PENDING_MS = 10
/** As long as Kafka's own client waits (retry.backoff.ms). */
const LEADER_WAIT_MS = 100
/** What a fetch ends with whose partitions have another leader than we know of, or none that knows it yet. */
const WITHOUT_LEADER: readonly unknown[] = [
  'LEADER_NOT_AVAILABLE',
  'NOT_LEADER_FOR_PARTITION',
  'FENCED_LEADER_EPOCH',
  'UNKNOWN_LEADER_EPOCH',
  'UNKNOWN_TOPIC_OR_PARTITION',
  'KafkaJSTopicMetadataNotLoaded',
]
const NOT_CONNECTED = 'Broker not connected'
let isMended = false

const internal = createRequire(import.meta.url)
const { createErrorFromCode } = internal('kafkajs/src/protocol/error.js') as {
  createErrorFromCode(code: number): Error
}
const REBALANCE_IN_PROGRESS = 27
const prototypeOf = (path: string) => (internal(`kafkajs/src/${path}`) as { prototype: object }).prototype

/** Mends kafkajs 2.2.4 in this process; the second call does nothing. */
export function mendKafkaJs(): void {
  if (isMended) return
  isMended = true
  armTimersOnlyWhileSomethingWaits()
  tellBeforeLeaving()
  tellOfOffsetsOutOfRange()
  fetchInTurns()
  waitForLeaders()
  heartbeatWhenTheClockStepsBack()
  finishJoins()
  dropOutdatedBatches()
  readBatchesOfAnySize()
  decodeHeadersInLinearTime()
  encodeRecordsAtOnce()
  surviveAnAbsentCoordinator()
  surviveAnUnfinishedConnection()
  // Must precede the other fixes that change how a connection sends, so that a request is made only after their waits.
  makeRequestsWhenTheyLeave()
  surviveRefusals()
  outliveSessions()
}

/**
 * It re-arms a timer with a negative delay after every check of an empty request queue: about a thousand wake-ups a
 * second on each idle connection, and a TimeoutNegativeWarning.
 */
function armTimersOnlyWhileSomethingWaits() {
  Object.assign(prototypeOf('network/requestQueue/index.js'), {
    scheduleCheckPendingRequests(this: RequestQueue) {
      if (this.throttleCheckTimeoutId || this.pending.length === 0) return
      const throttledMs = this.throttledUntil - Date.now()
      this.throttleCheckTimeoutId = setTimeout(
        () => {
          this.throttleCheckTimeoutId = null
          this.checkPendingRequests()
        },
        throttledMs > 0 ? throttledMs : CHECK_PENDING_MS,
      )
    },
  })
}

/** After a crash it leaves the group first and says so (CRASH) only then: another member may own the partitions by that time. */
function tellBeforeLeaving() {
  const consumerGroup = prototypeOf('consumer/consumerGroup.js') as ConsumerGroup
  const { leave } = consumerGroup
  consumerGroup.leave = function () {
    for (const assigner of this.assigners) assigner.onLeave?.()
    return leave.call(this)
  }
}

/** kafkajs goes back to the first record by itself. The runtime would take the records for records that a join repeats. */
function tellOfOffsetsOutOfRange() {
  const consumerGroup = prototypeOf('consumer/consumerGroup.js') as ConsumerGroup
  const { recoverFromOffsetOutOfRange } = consumerGroup
  consumerGroup.recoverFromOffsetOutOfRange = function (error) {
    const { topic, partition } = error
    const offset = Number(this.offsetManager?.nextOffset(topic, partition).toString() ?? 0)
    for (const assigner of this.assigners) assigner.onOutOfRange?.(topic, partition, offset)
    return recoverFromOffsetOutOfRange.call(this, error)
  }
}

/**
 * While no broker answers there is no group coordinator, which it takes for an error that no retry cures: the consumer would
 * not start again, and its process have to end for an outage that is over in a minute.
 */
function surviveAnAbsentCoordinator() {
  const { KafkaJSGroupCoordinatorNotFound } = internal('kafkajs/src/errors.js') as Record<string, { prototype: object }>
  Object.defineProperty(KafkaJSGroupCoordinatorNotFound!.prototype, 'retriable', { get: () => true, set() {} })
}

/**
 * A broker that restarts may be gone again between its connection and the first request, which then meets a plain error
 * ("Broker not connected"): one that it neither tries again nor starts a consumer again after.
 */
function surviveAnUnfinishedConnection() {
  const { KafkaJSConnectionError } = internal('kafkajs/src/errors.js') as {
    KafkaJSConnectionError: new (message: string) => Error
  }
  const lookups = new WeakMap<object, Lookup>()
  Object.defineProperty(prototypeOf('broker/index.js'), 'lookupRequest', {
    get(this: object) {
      return lookups.get(this)
    },
    set(this: object, lookup: Lookup) {
      lookups.set(this, (...asked) => {
        try {
          return lookup(...asked)
        } catch (error) {
          if (!(error instanceof Error) || error.message !== NOT_CONNECTED) throw error
          throw new KafkaJSConnectionError(error.message)
        }
      })
    },
  })
}

/**
 * It asks for as much of each partition as of the whole, and always in the same order, in which a broker fills its
 * response: what comes at once is far more than the memory is bounded to, or, with a small response, nothing of the last
 * partitions while the first have any. Here each partition gets its part of a response, and each is the first in turn, so
 * that a batch that is larger than its part comes too.
 */
function fetchInTurns() {
  const consumerGroup = prototypeOf('consumer/consumerGroup.js') as ConsumerGroup
  const { filterPartitionsByNode } = consumerGroup
  consumerGroup.filterPartitionsByNode = function (nodeId, assigned) {
    const turn = (this.fetches ?? 0) + 1
    this.fetches = turn
    const wanted = filterPartitionsByNode
      .call(this, nodeId, assigned)
      .map(({ topic, partitions }) => ({
        topic,
        partitions: partitions.filter((partition) => !this.subscriptionState.isPaused(topic, partition)),
      }))
      .filter(({ partitions }) => partitions.length > 0)
    const count = wanted.reduce((sum, { partitions }) => sum + partitions.length, 0)
    this.maxBytesPerPartition = Math.ceil(this.maxBytes / Math.max(1, count))
    const round = Math.floor(turn / Math.max(1, wanted.length))
    return rotated(wanted, turn).map(({ topic, partitions }) => ({ topic, partitions: rotated(partitions, round) }))
  }
}

/**
 * It joins again when a leader has moved, or does not know yet that it leads a new partition: at once, and for as long as that
 * lasts, about fifty times a second. Who leads has nothing to do with who is in the group.
 */
function waitForLeaders() {
  const consumerGroup = prototypeOf('consumer/consumerGroup.js') as ConsumerGroup
  const { recoverFromFetch } = consumerGroup
  consumerGroup.recoverFromFetch = async function (error) {
    if (![error.type, error.name].some((each) => WITHOUT_LEADER.includes(each)))
      return recoverFromFetch.call(this, error)
    await this.cluster.refreshMetadata()
    await delay(LEADER_WAIT_MS)
  }
}

/**
 * It counts the time since its last heartbeat by the wall clock. When that is set back, it sends none until the clock shows the former
 * time again, and the group gives up the member. A last heartbeat in the future tells of such a step, so the next heartbeat is due.
 */
function heartbeatWhenTheClockStepsBack() {
  const consumerGroup = prototypeOf('consumer/consumerGroup.js') as ConsumerGroup
  const { heartbeat } = consumerGroup
  consumerGroup.heartbeat = function (options) {
    if (this.lastRequest > Date.now()) this.lastRequest = 0
    return heartbeat.call(this, options)
  }
}

/**
 * A join that fails (the coordinator is loading the group, or its connection ends) is forgotten: the client fetches on, and
 * where the group is as it was, its heartbeats are answered. Whoever stopped sending for the join would wait for its end
 * until the next one. Here the next fetch joins first.
 */
function finishJoins() {
  const failed = new WeakSet<ConsumerGroup>()
  const consumerGroup = prototypeOf('consumer/consumerGroup.js') as ConsumerGroup
  const { joinAndSync, fetch } = consumerGroup
  consumerGroup.joinAndSync = async function () {
    for (const assigner of this.assigners) assigner.onGroup?.((offsets) => this.commitOffsets(offsets))
    try {
      await joinAndSync.call(this)
      failed.delete(this)
    } catch (error) {
      failed.add(this)
      throw error
    }
  }
  consumerGroup.fetch = async function (nodeId) {
    if (failed.has(this)) throw createErrorFromCode(REBALANCE_IN_PROGRESS)
    return fetch.call(this, nodeId)
  }
}

function rotated<T>(list: readonly T[], by: number): T[] {
  const from = list.length === 0 ? 0 : by % list.length
  return [...list.slice(from), ...list.slice(0, from)]
}
