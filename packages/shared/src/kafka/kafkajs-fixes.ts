import { createRequire } from 'node:module'
import { decodeHeadersInLinearTime, readBatchesOfAnySize } from './kafkajs-decoding.ts'
import { encodeRecordsAtOnce } from './kafkajs-encoding.ts'
import { surviveRefusals } from './kafkajs-refusals.ts'

interface RequestQueue {
  readonly pending: readonly unknown[]
  readonly throttledUntil: number
  throttleCheckTimeoutId: NodeJS.Timeout | null
  checkPendingRequests(): void
}

/** An assigner that wants to be told, in the same turn, right before its member leaves the group. */
export interface LeavingAssigner {
  onLeave(): void
}

interface TopicPartitions {
  readonly topic: string
  readonly partitions: readonly number[]
}

interface ConsumerGroup {
  readonly assigners: readonly Partial<LeavingAssigner>[]
  /** Of a whole response; the first batch of the first partition that has any comes even if it is larger. */
  readonly maxBytes: number
  maxBytesPerPartition: number
  readonly subscriptionState: { isPaused(topic: string, partition: number): boolean }
  fetches?: number
  leave(): Promise<void>
  /** What a fetch from a node asks for, in this order. */
  filterPartitionsByNode(nodeId: number, assigned: readonly TopicPartitions[]): TopicPartitions[]
}

const CHECK_PENDING_MS = 10
let isMended = false

const internal = createRequire(import.meta.url)
const prototypeOf = (path: string) => (internal(`kafkajs/src/${path}`) as { prototype: object }).prototype

/** Mends kafkajs 2.2.4 in this process; the second call does nothing. */
export function mendKafkaJs(): void {
  if (isMended) return
  isMended = true
  armTimersOnlyWhileSomethingWaits()
  tellBeforeLeaving()
  fetchInTurns()
  readBatchesOfAnySize()
  decodeHeadersInLinearTime()
  encodeRecordsAtOnce()
  surviveAnAbsentCoordinator()
  surviveRefusals()
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

/**
 * While no broker answers there is no group coordinator, which it takes for an error that no retry cures: the consumer would
 * not start again, and its process have to end for an outage that is over in a minute.
 */
function surviveAnAbsentCoordinator() {
  const { KafkaJSGroupCoordinatorNotFound } = internal('kafkajs/src/errors.js') as Record<string, { prototype: object }>
  Object.defineProperty(KafkaJSGroupCoordinatorNotFound!.prototype, 'retriable', { get: () => true, set() {} })
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

function rotated<T>(list: readonly T[], by: number): T[] {
  const from = list.length === 0 ? 0 : by % list.length
  return [...list.slice(from), ...list.slice(0, from)]
}
