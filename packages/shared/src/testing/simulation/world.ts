import type { Runtime } from '../../kafka/runtime.ts'
import type { RuntimeLimits } from '../../kafka/runtime-options.ts'
import { createTenants } from '../../tenants.ts'
import { aTenant } from '../builders.ts'
import { type Brokers, createBrokers } from './brokers.ts'
import { createSimulatedCircuits, type SimulatedCircuits } from './circuits.ts'
import { createCoordinator } from './coordinator.ts'
import { createLedger } from './ledger.ts'
import { createMember, type Member } from './member.ts'
import { createReferee, type Referee } from './referee.ts'
import { createService } from './service.ts'
import { type SimulatedTime, simulateTime } from './time.ts'

export const TOPICS = ['flow.customers.v1', 'omnium.orders.v1'] as const
export const LANE = 'customer-mapper.retry.v1'
export const PARTITIONS = 3
export const PLACES = 3
const BATCH_SIZE = 5

const LIMITS: RuntimeLimits = {
  maxInFlight: 4,
  maxPendingRecords: 24,
  maxPendingBytes: 1e6,
  maxDistance: 40,
  deferAfterMs: 8_000,
  commitIntervalMs: 500,
  sessionTimeoutMs: 6_000,
  requestDeadlineMs: 2_000,
  watchdogMs: 0,
}

/** Some processes of one service, two at first, the brokers between them, and a target that is down from time to time. */
export interface World {
  readonly time: SimulatedTime
  readonly brokers: Brokers
  readonly circuits: SimulatedCircuits
  readonly referee: Referee
  /** Makes all join, and gives partition p to the member of the number `owners[p]`. */
  rebalance(owners: readonly number[], isAnnounced: boolean): void
  start(place: number): Promise<void>
  /** Gracefully, in its own time. */
  stop(place: number): void
  crash(place: number): void
  cut(place: number): void
  heal(place: number): void
  readonly running: readonly number[]
  /** Nothing of it goes on. */
  end(): Promise<void>
}

export interface WorldOptions {
  readonly seed: number
  readonly limits?: Partial<RuntimeLimits>
  readonly maxMetadataLength?: number
  readonly slowPart?: number
  /** The group has read the retry topic, so that a claim outlives the deletion of another topic. Default: false. */
  readonly hasReadLane?: boolean
}

export async function createWorld(options: WorldOptions): Promise<World> {
  const { seed, limits = {}, maxMetadataLength = 4_096, slowPart = 0.1, hasReadLane = false } = options
  const all = { ...LIMITS, ...limits }
  const time = simulateTime(seed)
  const brokers = createBrokers([...TOPICS, LANE], PARTITIONS, time)
  brokers.maxMetadataLength = maxMetadataLength
  if (hasReadLane) {
    for (const log of brokers.logs) if (log.topic === LANE) log.committed = { offset: 0, metadata: '' }
  }
  const coordinator = createCoordinator<Member>(PARTITIONS)
  const circuits = createSimulatedCircuits(time)
  const { requestDeadlineMs, sessionTimeoutMs } = all
  const ledger = createLedger(time)
  const referee = createReferee(
    { ledger, brokers, time, laneTopic: LANE, requestDeadlineMs, sessionTimeoutMs },
    coordinator.ownerOf,
  )
  const tenants = createTenants(['acme', 'bolt'].map((uid) => aTenant({ uid })))
  const tries = new Map<string, number>()
  const places = new Map<number, { member: Member; runtime: Runtime }>()

  const world: World = {
    time,
    brokers,
    circuits,
    referee,
    rebalance: (owners, isAnnounced) => coordinator.rebalance((partition) => owners[partition]!, isAnnounced),
    async start(place) {
      if (places.has(place)) return
      const member = createMember({
        brokers,
        coordinator,
        time,
        sessionTimeoutMs,
        batchSize: BATCH_SIZE,
        onDeliver: ledger.deliver,
        onCommit: referee.committing,
        onBatch() {
          const { pending, inFlight } = runtime.status()
          if (pending >= all.maxPendingRecords + BATCH_SIZE) ledger.accuse(`${pending} records in memory`)
          if (inFlight > all.maxInFlight) ledger.accuse(`${inFlight} keys in flight`)
        },
      })
      const instanceId = `place-${place}`
      const runtime = createService({
        ...{
          member,
          instanceId,
          topics: TOPICS,
          brokers,
          circuits,
          referee,
          time,
          tenants,
          limits: all,
          tries,
          slowPart,
        },
      })
      places.set(place, { member, runtime })
      await runtime.start()
    },
    stop(place) {
      const at = places.get(place)
      if (at === undefined) return
      places.delete(place)
      referee.stopping(at.member)
      void at.runtime.stop(all.requestDeadlineMs).then(() => referee.stopped(at.member))
    },
    crash(place) {
      const at = places.get(place)
      if (at === undefined) return
      places.delete(place)
      at.member.crash()
      // Only so that its timers end: nothing of it has an effect any more.
      void at.runtime.stop(0)
    },
    cut: (place) => places.get(place)?.member.cut(),
    heal: (place) => places.get(place)?.member.heal(),
    get running() {
      return [...places.keys()]
    },
    async end() {
      for (const place of world.running) world.crash(place)
      await time.pass(10)
      time.end()
    },
  }
  await world.start(0)
  await world.start(1)
  await time.pass(500)
  return world
}
