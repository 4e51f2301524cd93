import { endInTime } from '../end-in-time.ts'
import { createEventLoopTurns } from '../event-loop-turns.ts'
import { createBounds } from './bounds.ts'
import { createKeyQueues } from './key-queues.ts'
import { createKeyRuns } from './key-runs.ts'
import { createOwnership } from './ownership.ts'
import type { PartitionState } from './partition-gate.ts'
import { createPartitions, type Partitions } from './partitions.ts'
import { endsWithLog, type Pending, pendingOf } from './pending.ts'
import type { SourceBatch } from './ports.ts'
import { createPump } from './pump.ts'
import { isOutageDeferral } from './retry-lane.ts'
import { createRetryPasses } from './retry-passes.ts'
import { createKeyRunner } from './run-key.ts'
import type { RuntimeOptions } from './runtime-options.ts'
import { createSettler } from './settle.ts'
import { createSpill } from './spill.ts'
import { retryTopicOf } from './topics.ts'
import { isStuck } from './watchdog.ts'

/** What /metrics reads. Times in ms. */
export interface RuntimeStatus {
  readonly inFlight: number
  readonly pending: number
  readonly oldestPendingMs: number
  /** Partition numbers that are ours. */
  readonly partitions: number
}

export interface Runtime extends Pick<Partitions, 'lag' | 'shorterLogs' | 'unclaimed'> {
  start(): Promise<void>
  /** Lets what runs end within `drainMs`, aborts the rest; commits and leaves the group within 6 s more. Idempotent. */
  stop(drainMs: number): Promise<void>
  status(): RuntimeStatus
  /** Partitions are assigned, and the group has heard of us lately. */
  isConsuming(): boolean
  /** Records in memory, by the tenant that their key names. */
  pendingByTenant(): Iterable<readonly [tenant: string, records: number]>
}

const OFFSETS_INTERVAL_MS = 15_000
const KEYS_WOKEN_FOR_A_TRIAL = 20

/** The key-ordered runtime: every consumer of the system is one of these around its handler. */
export function createRuntime(options: RuntimeOptions): Runtime {
  const { handler, source, limits, logger, now, wallNow, prefix, service, splitKey } = options
  const retryTopic = options.hasRetryLane === false ? null : retryTopicOf(service)
  const laneTopic = retryTopic === null ? null : prefix + retryTopic
  const topics = [...handler.topics.map((topic) => prefix + topic), ...(laneTopic === null ? [] : [laneTopic])]
  const pendingOptions = { prefix, retryTopic, topics: handler.topics, ...(splitKey && { splitKey }) }
  const isShared = () => options.tenants().all().length > 1
  const queues = createKeyQueues<Pending>(limits.maxInFlight, isShared)
  let stopping = false
  let consuming = false
  /** Tells a join from the one before. */
  let joins = 0
  let lastEndAt = now()
  let unexplainedSince: number | null = null
  let unclaimedSince: number | null = null
  const memory = { decodedBytes: 0 }
  const turns = createEventLoopTurns(now)
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
    isIdle: (partition) => runs.isIdle(partition),
    isAllTold: () => options.outcomes.size === 0,
    onShorterLog: ({ topic }) => options.metrics.logShortened(topic.slice(prefix.length)),
    onEnds(ends) {
      for (const [partition, { end }] of ends.get(laneTopic ?? '') ?? []) passes.lookedUp(partition, end, wallNow())
    },
    onFormerLog(former) {
      queues.drop((record) => record.state === former && endsWithLog(record))
      // The length of the former log says nothing about the records of other processes in the new log.
      if (former.topic === laneTopic) passes.assigned(former.partition, wallNow())
    },
    handOut(records) {
      const at = now()
      for (const record of records) queues.add(record, at)
      pump.run()
    },
  })
  const bounds = createBounds({
    ...limits,
    source,
    queues,
    partitions,
    outcomes: options.outcomes,
    memory,
    isShared,
    laneTopic,
  })
  const passes = createRetryPasses(laneTopic ?? '')
  const settler = createSettler({
    ...options,
    send: passes.counting(options.send),
    requestDeadlineMs: limits.requestDeadlineMs,
    deferAfterMs: limits.deferAfterMs,
    queues,
    isOverShare: bounds.isOverShare,
    onUnknownEnd: (partition, until) => runs.mayBeLate(partition, until),
    turns,
    onDeferred: passes.written,
    metrics: {
      ...options.metrics,
      ended(...args) {
        lastEndAt = now()
        options.metrics.ended(...args)
      },
    },
  })
  const runs = createKeyRuns({
    queues,
    ownership,
    runKey: createKeyRunner({
      ...options,
      turns,
      settler,
      memory,
      waitingOf: queues.all.recordsOf,
      rest: queues.rest,
      shouldLeave: (tenant) => retryTopic !== null && bounds.shouldLeave(tenant),
    }),
    onReleased: () => pump.soon(),
    logger,
    now,
  })

  const spill = retryTopic === null ? null : createSpill({ bounds, queues, runs, passes, now: wallNow })
  const pump = createPump({ queues, runs, ownership, bounds, spill, now })

  const commit = (release = false): Promise<void> => {
    const join = joins
    const mayCommit = async () => {
      await options.outcomes.flush()
      return ownership.settled && join === joins
    }
    committing ??= partitions.commit(mayCommit, { release }).finally(() => {
      committing = null
      bounds.afterEnding()
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
      pump.run()
    })
  }

  const listener = {
    /** Without waiting for the outcomes of the last second: what has those is not committed now. */
    rebalancing() {
      if (!ownership.settled) return
      listener.joining()
      partitions.handOver()
    },
    joining() {
      ownership.joining()
      joins++
    },
    assigned(assignment: ReadonlyMap<string, readonly number[]>, unbroken: boolean) {
      const numbers = new Set([...assignment.values()].flat())
      const { gained, lost } = ownership.assigned(numbers, unbroken)
      const gone = new Set(lost)
      runs.abort((partition) => gone.has(partition))
      queues.drop((record) => gone.has(record.state.partition))
      bounds.resumeAll()
      for (const partition of gained) passes.assigned(partition, wallNow())
      const claimedAgain = partitions.assigned(gained, lost)
      bounds.afterReading()
      if (claimedAgain !== null) resumeAfter(claimedAgain)
      consuming = true
      logger.info({ partitions: [...numbers].sort((a, b) => a - b), gained, lost }, 'partitions assigned')
      options.onAssigned?.(ownership.partitions(), lost)
      pump.run()
    },
    batch(batch: SourceBatch) {
      const at = { nowMs: now(), wallMs: wallNow() }
      partitions.receive(batch, (record, state: PartitionState) => pendingOf(record, state, at, pendingOptions))
      bounds.afterReading()
      pump.spill()
    },
    outOfRange: partitions.outOfRange,
    crashed(error: Error) {
      consuming = false
      options.onFatal(error)
    },
  }

  options.circuits.onChange((tenant, target, state) => {
    if (state === 'open') return
    const name = `${tenant}/${target}`
    queues.wake(
      tenant,
      ({ waitsFor, mark }) => waitsFor === name || isOutageDeferral(mark),
      now(),
      // A half-open circuit takes a few keys at a time, and tells when there is room for more.
      state === 'half-open' ? KEYS_WOKEN_FOR_A_TRIAL : undefined,
    )
    pump.run()
  })

  const isConsuming = () => consuming && source.heartbeatAgeMs() < limits.sessionTimeoutMs / 2

  const watch = () => {
    const at = now()
    const hasLag = partitions.lag().some(({ readable }) => readable > 0)
    const isUnexplained = hasLag && queues.size === 0 && partitions.held === 0
    unexplainedSince = isUnexplained ? (unexplainedSince ?? at) : null
    // A member that the broker does not answer waits for the broker.
    const unclaimed = hasLag && isConsuming() ? partitions.unclaimed() : []
    unclaimedSince = unclaimed.length > 0 ? (unclaimedSince ?? at) : null
    const progress = { lastEndAt, silentSince: runs.silentSince(), unexplainedSince, unclaimedSince }
    if (!isStuck(progress, limits.watchdogMs, at)) return
    const silentMs = at - lastEndAt
    const silence = `no record has ended for ${Math.round(silentMs / 1000)} s although there is lag`
    const why = unclaimed.map(({ partition, problem }) => `partition ${partition} cannot be claimed: ${problem}`)
    options.onFatal(new Error([...(silentMs < limits.watchdogMs ? [] : [silence]), ...why].join('; ')))
  }

  const drain = async (drainMs: number) => {
    stopping = true
    pump.stop()
    for (const timer of [watchdogTimer, offsetsTimer]) clearInterval(timer)
    await endInTime(runs.settled(), drainMs)
    runs.abort()
    clearInterval(commitTimer)
    if (!(await endInTime(letGo()))) {
      logger.warn('the last commit took too long: some work is done again')
      // Nor later: from here on we don't hear who owns the partitions.
      listener.joining()
    }
    consuming = false
    await source.stop()
  }

  /** What is written last of all. Without it the next owner waits, as for one that was killed. */
  const letGo = async () => {
    await runs.settled()
    await committing?.catch(() => {})
    await commit(true).catch((err: unknown) => logger.warn({ err }, 'the last commit failed: some work is done again'))
  }

  return {
    async start() {
      await source.start(listener)
      if (stopping) return
      commitTimer = setInterval(() => {
        if (committing !== null) return
        commit().catch((error: unknown) => logger.warn({ err: error }, 'committing failed, trying again'))
      }, limits.commitIntervalMs)
      void partitions.lookUpOffsets()
      offsetsTimer = setInterval(partitions.lookUpOffsets, OFFSETS_INTERVAL_MS)
      if (limits.watchdogMs > 0) watchdogTimer = setInterval(watch, Math.max(100, limits.watchdogMs / 10))
    },
    stop(drainMs) {
      stopped ??= drain(drainMs)
      return stopped
    },
    lag: partitions.lag,
    shorterLogs: partitions.shorterLogs,
    unclaimed: partitions.unclaimed,
    isConsuming,
    pendingByTenant: () => [...queues.all.tenants()].map((tenant) => [tenant, queues.all.recordsOf(tenant)] as const),
    status() {
      const at = now()
      let oldestPendingMs = 0
      queues.forEachFirst(({ enteredAt }) => {
        if (at - enteredAt > oldestPendingMs) oldestPendingMs = at - enteredAt
      })
      return {
        inFlight: queues.inFlight,
        pending: queues.size + partitions.held,
        oldestPendingMs,
        partitions: ownership.partitions().length,
      }
    },
  }
}
