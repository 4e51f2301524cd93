import type { Logger } from '../logger.ts'
import { createKeyQueues } from './key-queues.ts'
import { createOwnership } from './ownership.ts'
import { createPartitions, type PartitionState } from './partitions.ts'
import { type Pending, pendingOf, type SplitKey } from './pending.ts'
import type { Source, SourceBatch } from './ports.ts'
import { type CircuitGate, createKeyRunner, type RunKeyOptions } from './run-key.ts'
import { createSettler, type OutcomeSink, type RecordMetrics, type SettleOptions } from './settle.ts'
import type { ServiceName } from './topics.ts'
import { retryTopicOf } from './topics.ts'

export interface RuntimeLimits {
  /** Keys handled at once. */
  readonly maxInFlight: number
  /** Past this many records, or bytes, in memory the partitions are paused; they go on at half of it. */
  readonly maxPendingRecords: number
  readonly maxPendingBytes: number
  /** Records read past a partition's low-water mark before it is paused. */
  readonly maxDistance: number
  readonly deferAfterMs: number
  readonly commitIntervalMs: number
  readonly sessionTimeoutMs: number
  readonly requestDeadlineMs: number
  readonly watchdogMs: number
}

export interface RuntimeOptions
  extends Pick<RunKeyOptions, 'handler' | 'decode' | 'tenants' | 'observeHandling'>,
    Pick<SettleOptions, 'send' | 'maxAttempts'> {
  readonly service: ServiceName
  readonly prefix: string
  readonly instanceId: string
  /** False only where there is no topic for it, as in a benchmark of the bare runtime. */
  readonly hasRetryLane?: boolean
  readonly splitKey?: SplitKey
  readonly source: Source
  readonly circuits: CircuitGate
  readonly outcomes: OutcomeSink
  readonly metrics: RecordMetrics
  readonly limits: RuntimeLimits
  readonly logger: Logger
  readonly now: () => number
  readonly random: () => number
  /** Called with the partition numbers that are ours after every join. */
  readonly onAssigned?: (partitions: readonly number[], lost: readonly number[]) => void
  /** The process can't go on and has to end. */
  readonly onFatal: (error: Error) => void
}

/** What /metrics and /ready read. Times in ms. */
export interface RuntimeStatus {
  readonly consuming: boolean
  readonly inFlight: number
  readonly pending: number
  readonly oldestPendingMs: number
  readonly lag: readonly { topic: string; partition: number; records: number }[]
}

export interface Runtime {
  start(): Promise<void>
  /** Stops starting, lets what runs end within `drainMs`, aborts the rest, commits, and leaves the group. Idempotent. */
  stop(drainMs: number): Promise<void>
  /** Whether the record key would be handled by this member. */
  ownsPartition(partition: number): boolean
  status(): RuntimeStatus
}

/** The part of memory that a tenant's waiting records may take, and what it may when half of the memory is taken. */
const TENANT_SHARE = 1 / 4
const TENANT_SHARE_WHEN_HALF_FULL = 1 / 20
/** The part that the retry lane may take: past it the lane alone is paused, since what waits there can be read again. */
const LANE_SHARE = 1 / 4
const OFFSETS_INTERVAL_MS = 15_000

/** The key-ordered runtime: every consumer of the system is one of these around its handler. */
export function createRuntime(options: RuntimeOptions): Runtime {
  const { handler, source, limits, logger, now, prefix, service } = options
  const retryTopic = options.hasRetryLane === false ? null : retryTopicOf(service)
  const topics = [...handler.topics, ...(retryTopic === null ? [] : [retryTopic])].map((topic) => prefix + topic)
  const pendingOptions = {
    prefix,
    retryTopic,
    topics: handler.topics,
    ...(options.splitKey && { splitKey: options.splitKey }),
  }
  const queues = createKeyQueues<Pending>(limits.maxInFlight)
  const runs = new Map<
    string,
    { partition: number; startedAt: number; controller: AbortController; settled: Promise<void> }
  >()
  const paused = new Set<string>()
  let stopping = false
  let consuming = false
  /** Tells a join from the one before. */
  let joins = 0
  let lastProgressAt = now()
  let dueTimer: NodeJS.Timeout | undefined
  let commitTimer: NodeJS.Timeout | undefined
  let watchdogTimer: NodeJS.Timeout | undefined
  let offsetsTimer: NodeJS.Timeout | undefined
  let committing: Promise<void> | null = null
  let stopped: Promise<void> | null = null

  const ownership = createOwnership({
    heartbeatAgeMs: () => source.heartbeatAgeMs(),
    sessionTimeoutMs: limits.sessionTimeoutMs,
    requestDeadlineMs: limits.requestDeadlineMs,
  })
  const partitions = createPartitions({
    source,
    topics,
    instanceId: options.instanceId,
    // A request is over within its deadline here, and may be executed as late again over there.
    drainMs: 2 * limits.requestDeadlineMs,
    logger,
    now,
    handOut(records) {
      const at = now()
      for (const record of records) queues.add(record, at)
      pump()
    },
  })
  const settler = createSettler({
    ...options,
    requestDeadlineMs: limits.requestDeadlineMs,
    deferAfterMs: limits.deferAfterMs,
    queues,
    isOverShare: (tenant) => {
      const own = queues.sizeOf(tenant) / limits.maxPendingRecords
      const all = Math.max(queues.size / limits.maxPendingRecords, queues.bytes / limits.maxPendingBytes)
      return own > TENANT_SHARE || (all > 1 / 2 && own > TENANT_SHARE_WHEN_HALF_FULL)
    },
    metrics: {
      ...options.metrics,
      ended(...args) {
        lastProgressAt = now()
        options.metrics.ended(...args)
      },
    },
  })
  const runKey = createKeyRunner({ ...options, settler })

  const pump = () => {
    if (stopping || !ownership.settled) return
    const at = now()
    for (let taken = queues.take(at); taken !== null; taken = queues.take(at)) start(taken.key, taken.records)
    clearTimeout(dueTimer)
    const next = queues.nextDueAt()
    if (next !== null) dueTimer = setTimeout(pump, Math.min(Math.max(1, next - at), 60_000))
    applyBounds()
  }

  const start = (key: string, records: readonly Pending[]) => {
    const { partition } = records[0]!.record
    const tenure = ownership.tenureOf(partition) ?? -1
    const controller = new AbortController()
    const run = runKey(records, { signal: controller.signal, fence: ownership.fenceFor(partition, tenure) })
      .catch((error: unknown) => {
        logger.error({ err: error }, 'handling a key failed unexpectedly')
        for (const record of records) record.dueAt = Math.max(record.dueAt, now() + 1_000)
      })
      .then(() => {
        runs.delete(key)
        queues.release(key, now())
        pump()
      })
    runs.set(key, { partition, startedAt: now(), controller, settled: run })
  }

  /** Pauses what would overfill the memory or run too far ahead of its low-water mark, and resumes with hysteresis. */
  const applyBounds = () => {
    const size = queues.size + partitions.held
    const full = size >= limits.maxPendingRecords || queues.bytes >= limits.maxPendingBytes
    const roomy = size <= limits.maxPendingRecords / 2 && queues.bytes <= limits.maxPendingBytes / 2
    const laneFull = queues.laneSize >= limits.maxPendingRecords * LANE_SHARE
    const laneRoomy = queues.laneSize <= (limits.maxPendingRecords * LANE_SHARE) / 2
    for (const { topic, partition, tracker } of partitions.states()) {
      const name = `${topic}/${partition}`
      const isLane = retryTopic !== null && topic === prefix + retryTopic
      const far = tracker.distance() >= limits.maxDistance || (isLane && laneFull)
      if (!paused.has(name) && (full || far)) {
        paused.add(name)
        source.pause(topic, [partition])
      } else if (paused.has(name) && roomy && tracker.distance() <= limits.maxDistance / 2 && !(isLane && !laneRoomy)) {
        paused.delete(name)
        source.resume(topic, [partition])
      }
    }
  }

  const commit = (release = false): Promise<void> => {
    committing ??= options.outcomes
      .flush()
      .then(() => (ownership.settled ? partitions.commit({ release }) : undefined))
      .finally(() => {
        committing = null
      })
    return committing
  }

  /** What was released before the join and stayed ours is claimed again before anything is sent. */
  const resumeAfter = (claimedAgain: Promise<void>) => {
    ownership.joining()
    const join = ++joins
    void claimedAgain.then(() => {
      if (join !== joins) return
      ownership.resume()
      pump()
    })
  }

  const listener = {
    /** Without waiting for the outcomes of the last second: they follow as long as the process lives. */
    rebalancing() {
      if (!ownership.settled) return
      ownership.joining()
      joins++
      const busy = new Set([...runs.values()].map(({ partition }) => partition))
      partitions.handOver((partition) => !busy.has(partition))
    },
    joining() {
      ownership.joining()
      joins++
    },
    assigned(assignment: ReadonlyMap<string, readonly number[]>, unbroken: boolean) {
      const numbers = new Set([...assignment.values()].flat())
      const { gained, lost } = ownership.assigned(numbers, unbroken)
      const gone = new Set(lost)
      for (const { partition, controller } of runs.values()) if (gone.has(partition)) controller.abort()
      queues.drop((record) => gone.has(record.record.partition))
      for (const name of paused) {
        const cut = name.lastIndexOf('/')
        source.resume(name.slice(0, cut), [Number(name.slice(cut + 1))])
      }
      paused.clear()
      const claimedAgain = partitions.assigned(gained, lost)
      if (claimedAgain !== null) resumeAfter(claimedAgain)
      consuming = true
      logger.info({ partitions: [...numbers].sort((a, b) => a - b), gained, lost }, 'partitions assigned')
      options.onAssigned?.(ownership.partitions(), lost)
      pump()
    },
    batch(batch: SourceBatch) {
      const at = now()
      partitions.receive(batch, (record, state: PartitionState) => pendingOf(record, state, at, pendingOptions))
      applyBounds()
    },
    crashed(error: Error) {
      consuming = false
      options.onFatal(error)
    },
  }

  options.circuits.onChange((tenant, target, state) => {
    if (state === 'open') return
    const name = `${tenant}/${target}`
    queues.wake(
      ({ waitsFor, tenant: of, mark }) => waitsFor === name || (of === tenant && isOutageDeferral(mark)),
      now(),
    )
    pump()
  })

  const lookUpOffsets = () => {
    source.offsets(topics).then(partitions.noteOffsets, (error: unknown) => {
      logger.debug({ err: error }, 'looking up end offsets failed')
    })
  }

  /** Records wait to be ended, none has ended for long, and nothing that waits on purpose explains it. */
  const watch = () => {
    const at = now()
    const stuckRun = [...runs.values()].some(({ startedAt }) => at - startedAt > limits.watchdogMs)
    const unexplained =
      queues.size === 0 && partitions.held === 0 && partitions.lag().some(({ records }) => records > 0)
    if (at - lastProgressAt < limits.watchdogMs || (!stuckRun && !unexplained)) return
    options.onFatal(
      new Error(`no record has ended for ${Math.round((at - lastProgressAt) / 1000)} s although there is lag`),
    )
  }

  const drain = async (drainMs: number) => {
    stopping = true
    clearTimeout(dueTimer)
    clearInterval(watchdogTimer)
    clearInterval(offsetsTimer)
    const all = () => Promise.all([...runs.values()].map(({ settled }) => settled))
    let timer: NodeJS.Timeout | undefined
    await Promise.race([all(), new Promise((resolve) => (timer = setTimeout(resolve, drainMs)))])
    clearTimeout(timer)
    for (const { controller } of runs.values()) controller.abort()
    await all()
    clearInterval(commitTimer)
    await committing?.catch(() => {})
    await commit(true).catch((error: unknown) =>
      logger.warn({ err: error }, 'the last commit failed: some records will be handled again'),
    )
    consuming = false
    await source.stop()
  }

  return {
    async start() {
      await source.start(listener)
      commitTimer = setInterval(() => {
        commit().catch((error: unknown) => logger.warn({ err: error }, 'committing failed, trying again'))
      }, limits.commitIntervalMs)
      lookUpOffsets()
      offsetsTimer = setInterval(lookUpOffsets, OFFSETS_INTERVAL_MS)
      if (limits.watchdogMs > 0) watchdogTimer = setInterval(watch, Math.max(100, limits.watchdogMs / 10))
    },
    stop(drainMs) {
      stopped ??= drain(drainMs)
      return stopped
    },
    ownsPartition: (partition) => ownership.owns(partition),
    status() {
      const at = now()
      let oldestPendingMs = 0
      for (const { enteredAt } of queues.records()) oldestPendingMs = Math.max(oldestPendingMs, at - enteredAt)
      return {
        consuming,
        inFlight: queues.inFlight,
        pending: queues.size + partitions.held,
        oldestPendingMs,
        lag: partitions.lag(),
      }
    },
  }
}

const isOutageDeferral = (mark: Pending['mark']) =>
  mark !== null && (mark.reason === 'circuit-open' || mark.reason === 'target-unavailable')
