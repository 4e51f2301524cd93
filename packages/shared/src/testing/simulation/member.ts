import { SyncError } from '../../errors.ts'
import type { CommitRequest, Source, SourceListener, SourceRecord } from '../../kafka/ports.ts'
import type { Brokers } from './brokers.ts'
import type { Coordinator } from './coordinator.ts'
import { createFetcher } from './fetcher.ts'
import type { SimulatedTime } from './time.ts'

/** A process's membership of the group, as kafkajs and kafka/consumer.ts make it. */
export interface Member extends Source {
  /** What is ours as far as we know, and since which assignment. */
  readonly tenures: ReadonlyMap<number, number>
  /** How often it has begun to read a log at another place, by topic and partition. */
  readonly readings: ReadonlyMap<string, number>
  readonly isDead: boolean
  /** No assignment has come since the last join. */
  readonly isJoining: boolean
  /** The coordinator and the logs are out of reach for a while; producing and the targets are not. */
  cut(): void
  heal(): void
  /** The process is gone: nothing comes of it any more. */
  crash(): void
}

export interface MemberOptions {
  readonly brokers: Brokers
  readonly coordinator: Coordinator<Member>
  readonly time: SimulatedTime
  readonly sessionTimeoutMs: number
  readonly batchSize: number
  /** The record as this member gets it. */
  readonly onDeliver: (member: Member, record: SourceRecord) => SourceRecord
  readonly onBatch: (member: Member) => void
  /** A commit is about to take effect. */
  readonly onCommit: (member: Member, request: CommitRequest) => void
}

/** Each caller gets a promise of its own. One promise for all callers would keep every world that ever waited for the promise. */
const never = () => new Promise<never>(() => {})
const HEARTBEAT_MS = 100
const COMMIT_DEADLINE_MS = 500

export function createMember(options: MemberOptions): Member {
  const { brokers, coordinator, time, sessionTimeoutMs, batchSize } = options
  let listener: SourceListener | null = null
  let id = ''
  let isConnected = true
  let cuts = 0
  let isDead = false
  let hasRead = false
  let heardAt = Number.NEGATIVE_INFINITY
  let generation = 0
  let assignedAs = ''
  let joins = 0
  let tenureCount = 0
  const tenures = new Map<number, number>()
  const clear = { out: 0, in: 0 }

  /** In order, as on one connection; lost when that is cut meanwhile. */
  const later = (way: 'out' | 'in', run: () => void, lost: () => void = () => {}) => {
    clear[way] = Math.max(clear[way], time.now() + 1 + time.random() * 60)
    const connection = isConnected ? cuts : Number.NaN
    setTimeout(() => (connection === cuts && !isDead ? run() : lost()), clear[way] - time.now())
  }
  const tell = (run: (to: SourceListener) => void) => {
    if (listener === null || isDead) return
    run(listener)
  }

  const join = () => {
    joins++
    tell((to) => to.joining())
    const as = id
    later('out', () => coordinator.joined(as))
  }
  const enter = () => {
    const seat = {
      member,
      mustJoin: (isAnnounced: boolean) =>
        later('in', () => {
          if (joins > 0 || listener === null || !coordinator.waitsFor(id)) return
          if (isAnnounced) tell((to) => to.rebalancing())
          join()
        }),
      assigned: (partitions: readonly number[], of: number) => later('in', () => become(partitions, of)),
    }
    id = coordinator.enter(seat)
    join()
  }
  const become = (partitions: readonly number[], of: number) => {
    if (!coordinator.knows(id, of)) return
    const unbroken = assignedAs === id && joins === 1
    assignedAs = id
    joins = 0
    generation = of
    heardAt = time.now() - HEARTBEAT_MS
    for (const partition of [...tenures.keys()]) {
      if (!unbroken || !partitions.includes(partition)) tenures.delete(partition)
    }
    for (const partition of partitions) if (!tenures.has(partition)) tenures.set(partition, ++tenureCount)
    fetcher.assigned(partitions)
    const topics = new Set(brokers.logs.map(({ topic }) => topic))
    tell((to) => to.assigned(new Map([...topics].map((topic) => [topic, partitions])), unbroken))
    // Another rebalance may have begun before this came.
    if (coordinator.waitsFor(id)) join()
    fetcher.poll()
  }

  const fetcher = createFetcher({
    brokers,
    time,
    batchSize,
    mayRead: () => isConnected && !isDead && joins === 0,
    onBatch(batch) {
      hasRead = true
      const records = batch.records.map((record) => options.onDeliver(member, record))
      tell((to) => to.batch({ ...batch, records }))
      options.onBatch(member)
    },
    onOutOfRange: (topic, partition, offset) => tell((to) => to.outOfRange(topic, partition, offset)),
  })

  const commit = (offsets: readonly CommitRequest[]): Promise<void> => {
    if (isDead) return never()
    if (!hasRead) return Promise.reject(new SyncError('kafka-unavailable', 'committing before anything was read'))
    const of = generation
    const fault = brokers.faults.commit.shift()
    return new Promise((resolve, reject) => {
      const fail = () => (isDead ? undefined : reject(new SyncError('kafka-unavailable', 'committing failed')))
      const lost = () => void setTimeout(fail, COMMIT_DEADLINE_MS)
      const arrive = () => {
        if (fault === 'refused' || !coordinator.knows(id, of)) return later('in', fail, lost)
        const tooLong = offsets.filter(({ metadata }) => metadata.length > brokers.maxMetadataLength)
        for (const request of offsets) {
          if (tooLong.includes(request)) continue
          options.onCommit(member, request)
          const { offset, metadata } = request
          brokers.log(request.topic, request.partition).committed = { offset, metadata }
        }
        const refuse = () => reject(Object.assign(new Error('too long'), { type: 'OFFSET_METADATA_TOO_LARGE' }))
        if (tooLong.length > 0) later('in', refuse, lost)
        else later('in', fault === 'answer lost' ? fail : resolve, lost)
      }
      later('out', arrive, lost)
    })
  }

  const disconnect = () => {
    if (!isConnected) return
    isConnected = false
    const cut = ++cuts
    heardAt = time.now() - HEARTBEAT_MS
    const as = id
    setTimeout(() => {
      if (!isConnected && cuts === cut) coordinator.leave(as)
    }, sessionTimeoutMs - HEARTBEAT_MS)
  }

  const member: Member = {
    tenures,
    readings: fetcher.readings,
    get isDead() {
      return isDead
    },
    get isJoining() {
      return joins > 0
    },
    cut: disconnect,
    heal() {
      if (isConnected || isDead) return
      isConnected = true
      heardAt = time.now() - HEARTBEAT_MS
      if (listener === null) return
      if (!coordinator.knows(id)) enter()
      else if (joins > 0 || coordinator.waitsFor(id)) join()
      fetcher.poll()
    },
    crash() {
      disconnect()
      isDead = true
    },
    async start(to) {
      listener = to
      enter()
    },
    pause: fetcher.pause,
    resume: fetcher.resume,
    seek: fetcher.seek,
    commit,
    committed: (names) =>
      isDead
        ? never()
        : brokers.request('look-up', () => brokers.byTopic(names, ({ committed }) => committed && { ...committed })),
    topicIds: (names) =>
      isDead
        ? never()
        : brokers.request('topic-ids', () => new Map(names.map((topic) => [topic, brokers.log(topic, 0).topicId]))),
    offsets: async (names) => brokers.byTopic(names, ({ end }) => ({ low: 0, end })),
    heartbeatAgeMs: () => (isConnected && joins === 0 && coordinator.knows(id) ? HEARTBEAT_MS : time.now() - heardAt),
    async stop() {
      listener = null
      const as = id
      later('out', () => coordinator.leave(as))
    },
  }
  return member
}
