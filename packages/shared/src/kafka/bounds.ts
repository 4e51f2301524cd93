import type { OutcomeSink } from './outcome-sink.ts'
import type { PartitionState } from './partition-gate.ts'
import type { Partitions } from './partitions.ts'
import type { Pending } from './pending.ts'
import type { Source } from './ports.ts'
import type { KeyQueues } from './queued.ts'
import type { Volume } from './volume.ts'

export interface BoundsOptions {
  readonly source: Pick<Source, 'pause' | 'resume'>
  readonly queues: Pick<KeyQueues<Pending>, 'all' | 'lane'>
  readonly partitions: Pick<Partitions, 'readable' | 'states' | 'held' | 'heldBytes'>
  readonly outcomes: Pick<OutcomeSink, 'size'>
  /** The memory that the decoded values of records take. */
  readonly memory: { readonly decodedBytes: number }
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

/** Records on their way to the retry topic. They are either spilled, or passed on from the retry topic to its end. */
export interface Leaving {
  readonly spilled: Volume
  readonly passedOn: Volume
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
  /** Whether the memory is full, others may need it, and the tenant has more than its share of it. */
  shouldLeave(tenant: string): boolean
  /**
   * The tenant with most live records in a memory that ran full, until half of the memory is free, because these records keep
   * records of others from being read. null when there can be one tenant only, and when each tenant has few. Tenants in `except`
   * have nothing that can be spilled now.
   */
  tenantToSpill(leaving: Leaving, except: ReadonlySet<string>): string | null
  /** As `tenantToSpill`, of the records of the retry topic beyond half of their part of the memory. */
  tenantToPassOn(leaving: Leaving, except: ReadonlySet<string>): string | null
  /**
   * Partitions that are paused for their distance, each with the offset that the low-water mark must reach before reading goes on.
   * None when there can be one tenant only.
   */
  farBehind(): ReadonlyMap<PartitionState, number>
}

/** The part of memory that a tenant's waiting records may take, and what it may when half of the memory is taken. */
const TENANT_SHARE = 1 / 4
const TENANT_SHARE_WHEN_HALF_FULL = 1 / 20
/** A tenant with less than this part of an equal share of the memory keeps its records, so that they are handled soon. */
const LEAST_SPILLED = 1 / 8
/** The part that the retry lane may take: past it the lane alone is paused, since what waits there can be read again. */
const LANE_SHARE = 1 / 4

/** Whether a bound counts as passed. Once it was reached, half of it must be free before it counts as not passed. */
const isPast = (wasPast: boolean, taken: number) => taken >= 1 || (wasPast && taken > 1 / 2)

export function createBounds(options: BoundsOptions): Bounds {
  const { source, queues, partitions, outcomes, memory, isShared, laneTopic } = options
  const { maxPendingRecords, maxPendingBytes, maxDistance } = options
  /** Each bound has its own state, because a bound that was passed long ago must not keep reading paused for another bound. */
  const full = { memory: false, outcomes: false, lane: false }
  /** Partitions that were read too far past their low-water mark. */
  const far = new Set<string>()
  const paused = new Map<string, { topic: string; partition: number }>()

  /** How much of its bound something takes, 1 being all of it. */
  const part = (records: number, bytes: number) => Math.max(records / maxPendingRecords, bytes / maxPendingBytes)
  const { all, lane } = queues
  const taken = () => part(all.records + partitions.held, all.bytes + partitions.heldBytes + memory.decodedBytes)
  const takenBy = (tenant: string) => part(all.recordsOf(tenant), all.bytesOf(tenant))

  /** The tenant with most of a volume, other volumes taken off, unless this is little of an equal share. */
  const largest = (of: Volume, without: readonly Volume[], except: ReadonlySet<string>, share = 1) => {
    let most: string | null = null
    let mostTaken = 0
    let tenants = 0
    for (const tenant of of.tenants()) {
      tenants++
      if (except.has(tenant)) continue
      const records = without.reduce((left, volume) => left - volume.recordsOf(tenant), of.recordsOf(tenant))
      const bytes = without.reduce((left, volume) => left - volume.bytesOf(tenant), of.bytesOf(tenant))
      const taken = part(records, bytes) / share
      if (taken <= mostTaken) continue
      most = tenant
      mostTaken = taken
    }
    return mostTaken * tenants > LEAST_SPILLED ? most : null
  }

  const apply = () => {
    full.memory = isPast(full.memory, taken())
    // Outcomes that Kafka doesn't take are held too, and so is the reading that would make more of them.
    full.outcomes = isPast(full.outcomes, outcomes.size / maxPendingRecords)
    full.lane = isPast(full.lane, part(lane.records, lane.bytes) / LANE_SHARE)
    for (const { topic, partition, distance } of partitions.readable()) {
      const name = `${topic}/${partition}`
      if (isPast(far.has(name), distance / maxDistance)) far.add(name)
      else far.delete(name)
      const mayRead = !full.memory && !full.outcomes && !far.has(name) && !(full.lane && topic === laneTopic)
      if (!mayRead && !paused.has(name)) {
        paused.set(name, { topic, partition })
        source.pause(topic, [partition])
      } else if (mayRead && paused.delete(name)) {
        source.resume(topic, [partition])
      }
    }
  }

  const isOverShare: Bounds['isOverShare'] = (tenant) => {
    const own = takenBy(tenant)
    return own > TENANT_SHARE || (taken() > 1 / 2 && own > TENANT_SHARE_WHEN_HALF_FULL)
  }

  return {
    afterReading: apply,
    afterEnding() {
      if (paused.size > 0) apply()
    },
    resumeAll() {
      for (const { topic, partition } of paused.values()) source.resume(topic, [partition])
      paused.clear()
      far.clear()
    },
    isOverShare,
    shouldLeave: (tenant) => full.memory && isShared() && isOverShare(tenant),
    tenantToSpill({ spilled, passedOn }, except) {
      const staying = part(
        all.records + partitions.held - spilled.records - passedOn.records,
        all.bytes + partitions.heldBytes - spilled.bytes - passedOn.bytes,
      )
      if (!full.memory || staying <= 1 / 2 || !isShared()) return null
      return largest(all, [lane, spilled], except)
    },
    tenantToPassOn({ passedOn }, except) {
      const staying = part(lane.records - passedOn.records, lane.bytes - passedOn.bytes) / LANE_SHARE
      return staying <= 1 / 2 || !isShared() ? null : largest(lane, [passedOn], except, LANE_SHARE)
    },
    farBehind() {
      const found = new Map<PartitionState, number>()
      if (far.size === 0 || !isShared()) return found
      for (const state of partitions.states()) {
        const offset = state.tracker.lastRead(Math.max(1, Math.floor(maxDistance / 2)))
        if (offset !== null && far.has(`${state.topic}/${state.partition}`)) found.set(state, offset)
      }
      return found
    },
  }
}
