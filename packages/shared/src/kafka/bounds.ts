import type { KeyQueues } from './key-queues.ts'
import type { Partitions } from './partitions.ts'
import type { Pending } from './pending.ts'
import type { Source } from './ports.ts'
import type { OutcomeSink } from './settle.ts'

export interface BoundsOptions {
  readonly source: Pick<Source, 'pause' | 'resume'>
  readonly queues: Pick<
    KeyQueues<Pending>,
    'size' | 'bytes' | 'laneSize' | 'laneBytes' | 'sizeOf' | 'bytesOf' | 'tenants'
  >
  readonly partitions: Pick<Partitions, 'readable' | 'held' | 'heldBytes'>
  readonly outcomes: Pick<OutcomeSink, 'size'>
  /** Whether there may be records of several tenants. */
  readonly isShared: () => boolean
  /** The retry lane's physical name; null when there is none. */
  readonly laneTopic: string | null
  /** Past this many records, or bytes, in memory the partitions are paused; they go on at half of it. */
  readonly maxPendingRecords: number
  readonly maxPendingBytes: number
  /** Records read past a partition's low-water mark before it is paused. */
  readonly maxDistance: number
}

/** Keeps what is in memory bounded, by pausing partitions with hysteresis and by telling whose waiting is too much. */
export interface Bounds {
  /** After records came in. */
  afterReading(): void
  /** After records ended. */
  afterEnding(): void
  /** A pause survives a rebalance in kafkajs, also on a partition that comes back: every assignment starts with none. */
  resumeAll(): void
  /** The tenant's records are more than what may wait of them in memory. */
  isOverShare(tenant: string): boolean
  /**
   * The tenant that has most of a memory that ran full, until half of it is free, if that is more than its share: what it
   * has there keeps others' records from being read. Of a single tenant nothing is surplus. `leaving`:
   * what is on its way out already.
   */
  surplusTenant(leaving: { readonly records: number; readonly bytes: number }): string | null
}

/** The part of memory that a tenant's waiting records may take, and what it may when half of the memory is taken. */
const TENANT_SHARE = 1 / 4
const TENANT_SHARE_WHEN_HALF_FULL = 1 / 20
/** The part that the retry lane may take: past it the lane alone is paused, since what waits there can be read again. */
const LANE_SHARE = 1 / 4

export function createBounds(options: BoundsOptions): Bounds {
  const { source, queues, partitions, outcomes, isShared, laneTopic } = options
  const { maxPendingRecords, maxPendingBytes, maxDistance } = options
  let hasRunFull = false
  const paused = new Map<string, { topic: string; partition: number }>()

  /** How much of its bound something takes, 1 being all of it. */
  const part = (records: number, bytes: number) => Math.max(records / maxPendingRecords, bytes / maxPendingBytes)
  const taken = () => part(queues.size + partitions.held, queues.bytes + partitions.heldBytes)
  const takenBy = (tenant: string) => part(queues.sizeOf(tenant), queues.bytesOf(tenant))

  const apply = () => {
    // Outcomes that Kafka doesn't take are held too, and so is the reading that would make more of them.
    const all = Math.max(taken(), outcomes.size / maxPendingRecords)
    const lane = part(queues.laneSize, queues.laneBytes) / LANE_SHARE
    for (const { topic, partition, distance } of partitions.readable()) {
      const name = `${topic}/${partition}`
      const most = Math.max(all, distance / maxDistance, topic === laneTopic ? lane : 0)
      if (most >= 1 && !paused.has(name)) {
        paused.set(name, { topic, partition })
        source.pause(topic, [partition])
      } else if (most <= 1 / 2 && paused.delete(name)) {
        source.resume(topic, [partition])
      }
    }
  }

  return {
    afterReading: apply,
    afterEnding() {
      if (paused.size > 0) apply()
    },
    resumeAll() {
      for (const { topic, partition } of paused.values()) source.resume(topic, [partition])
      paused.clear()
    },
    isOverShare(tenant) {
      const own = takenBy(tenant)
      return own > TENANT_SHARE || (taken() > 1 / 2 && own > TENANT_SHARE_WHEN_HALF_FULL)
    },
    surplusTenant(leaving) {
      const all = part(
        queues.size + partitions.held - leaving.records,
        queues.bytes + partitions.heldBytes - leaving.bytes,
      )
      if (all >= 1) hasRunFull = true
      else if (all <= 1 / 2) hasRunFull = false
      if (!hasRunFull || !isShared()) return null
      let most: string | null = null
      for (const tenant of queues.tenants()) if (most === null || takenBy(tenant) > takenBy(most)) most = tenant
      return most !== null && takenBy(most) > TENANT_SHARE ? most : null
    },
  }
}
