import { createSharedGuards } from './absences/shared-guards.ts'
import type { SharedConfig } from './config.ts'
import { createContracts } from './contracts/registry.ts'
import type { ErrorCode } from './errors.ts'
import { createAdminApp } from './http/admin.ts'
import { createTargets } from './http/targets.ts'
import { createKafka } from './kafka/connect.ts'
import { createConsumer } from './kafka/consumer.ts'
import { innermost } from './kafka/denials.ts'
import { exportStatus } from './kafka/export-status.ts'
import { createOutcomeSink } from './kafka/outcome-sink.ts'
import { partitionOf } from './kafka/partition-of.ts'
import { assertAccess } from './kafka/permissions.ts'
import { createProducer } from './kafka/producer.ts'
import { createPublisher } from './kafka/publisher.ts'
import { createRuntime, type Runtime } from './kafka/runtime.ts'
import { runtimeLimits } from './kafka/runtime-limits.ts'
import { deadLetterTopicOf, isContractTopic, retryTopicOf, type ServiceName, type TopicName } from './kafka/topics.ts'
import { compose, listening, type Part, together } from './lifecycle.ts'
import type { Logger } from './logger.ts'
import { createMetrics } from './metrics.ts'
import { waitsOf } from './readiness.ts'
import { createRecordMetrics } from './record-metrics.ts'
import type { ServiceContext, ServiceParts } from './service-context.ts'
import { steadyNow } from './steady-now.ts'
import type { StreamHandler } from './stream.ts'
import { createTargetStates } from './target-states.ts'
import type { TenantsFile } from './tenants-file.ts'
import { newEventId, newTraceparent, type Tracer } from './tracing.ts'
import { untilReachable } from './until-reachable.ts'

/** With the wait before it, within the patience of a webhook's sender (Flow: 10 s). */
const PRODUCE_DEADLINE_MS = 5_000

export interface AssembleOptions<C extends SharedConfig> {
  readonly service: ServiceName
  readonly config: C
  readonly tenantsFile: TenantsFile
  readonly logger: Logger
  /** How many lines the logger's output has dropped. */
  readonly droppedLogLines: () => number
  readonly tracer: Tracer
  readonly build: (context: ServiceContext<C>) => ServiceParts
  /** Told when the service can't go on. */
  readonly fail: (error: Error) => void
}

/** Wires a service around its handler: admin server, Kafka, registry, targets, runtime, and what the service adds. */
export function assemble<C extends SharedConfig>({
  service,
  config,
  tenantsFile,
  logger,
  droppedLogLines,
  tracer,
  build,
  fail,
}: AssembleOptions<C>): Part {
  const metrics = createMetrics(service)
  const recordMetrics = createRecordMetrics(metrics, tenantsFile.current)
  const prefix = config.topicPrefix
  const waitingFor = new Set<string>(['kafka', 'schema registry', 'consumer group', 'start'])
  /** Why it waits for something, as far as that is known. */
  const problems = new Map<string, string>()
  const stopping = new AbortController()
  const kafkaLogger = logger.child(
    { component: 'kafkajs' },
    { level: config.logLevel === 'info' ? 'warn' : config.logLevel },
  )
  const connectKafka = (suffix: string, retries = 5) =>
    createKafka(config, { clientId: `${config.serviceInstanceId}-${suffix}`, logger: kafkaLogger, retries })
  const { codec } = createContracts({
    registryUrl: config.schemaRegistryUrl,
    ...(config.schemaRegistryUsername !== undefined && { username: config.schemaRegistryUsername }),
    ...(config.schemaRegistryPassword !== undefined && { password: config.schemaRegistryPassword }),
    prefix,
  })
  const producer = createProducer({
    kafka: createKafka(config, {
      clientId: `${config.serviceInstanceId}-producer`,
      logger: kafkaLogger,
      retries: 0,
      requestTimeoutMs: PRODUCE_DEADLINE_MS,
    }),
    deadlineMs: Math.min(PRODUCE_DEADLINE_MS, config.requestDeadlineMs),
    observe(result, seconds) {
      metrics.kafkaWritesTotal.inc({ result })
      metrics.kafkaWriteSeconds.observe(seconds)
    },
  })
  const publisher = createPublisher({
    producer,
    encode: codec.encode,
    prefix,
    source: service,
    newEventId,
    newTraceparent,
    tracer,
    now: Date.now,
  })
  const shared = createSharedGuards({
    kafka: connectKafka('guards'),
    groupId: `${prefix}${service}.cursors.guards.${config.serviceInstanceId}.${process.pid}`,
    ...{ codec, publisher, prefix, metrics, logger, now: Date.now },
  })
  const targets = createTargets({
    service,
    requestDeadlineMs: config.requestDeadlineMs,
    shares: { flow: config.flowRateShare, omnium: config.omniumRateShare },
    metrics,
    logger,
    now: steadyNow,
    wallNow: Date.now,
    random: Math.random,
    tracer,
    // The relation-manager holds back a company whose write has an unknown end for twice the deadline, so it waits instead.
    givesUpWrites: service === 'customer-mapper',
    guards: shared.guards,
  })
  const targetStates = createTargetStates({
    service,
    instance: config.serviceInstanceId,
    circuits: targets.circuits.list,
    usage: targets.usage.lastHour,
    publisher,
    now: Date.now,
  })
  let partitions = 0
  let assigned: ReadonlySet<number> = new Set()
  let runtime: Runtime | null = null
  const {
    handler,
    writes,
    inbox = [],
    parts = [],
    onAssigned,
    onTenants,
  } = build({
    config,
    targets,
    publisher,
    tenants: tenantsFile.current,
    metrics,
    logger,
    connectKafka,
    codec,
    owns: (key) => partitions > 0 && assigned.has(partitionOf(key, partitions)),
    isAccepting: () => !stopping.signal.aborted,
    tracer,
  })
  tenantsFile.onChange((tenants) => {
    targets.tenantsChanged(tenants)
    recordMetrics.tenantsChanged(tenants)
    onTenants?.()
  })
  tenantsFile.onReload((result) => metrics.tenantsReloadsTotal.inc({ result }))
  let droppedBefore = 0
  metrics.onScrape(() => {
    const dropped = droppedLogLines()
    metrics.logLinesDroppedTotal.inc(dropped - droppedBefore)
    droppedBefore = dropped
    metrics.tenants.set(tenantsFile.current().all().length)
    metrics.tenantsFileValid.set(tenantsFile.problem() === null ? 1 : 0)
  })
  const ownTopics = [...handler.topics, retryTopicOf(service)]
  const otherTopics = [
    ...new Set<TopicName>([deadLetterTopicOf(service), 'sync.outcomes.v1', 'sync.cursors.v1', ...writes]),
  ]

  const reach = <V>(what: string, attempt: () => Promise<V>, final: readonly ErrorCode[] = []): Promise<V> =>
    untilReachable({
      ...{ what, attempt, final, logger, signal: stopping.signal },
      onProblem(problem) {
        if (problem === null) problems.delete(what)
        else problems.set(what, problem)
      },
    })

  const kafkaPart: Part = {
    name: 'kafka',
    async start() {
      const ask = async () => {
        const written = [retryTopicOf(service), ...otherTopics]
        const count = await assertAccess(connectKafka('admin', 1), { read: ownTopics, written, prefix })
        await producer.connect(written.map((topic) => prefix + topic))
        return count
      }
      partitions = await reach('kafka', ask, ['topic-missing', 'config-invalid'])
      waitingFor.delete('kafka')
      const used = [
        ...handler.topics,
        'sync.outcomes.v1' as const,
        'sync.cursors.v1' as const,
        ...writes.filter(isContractTopic),
      ]
      await reach('schema registry', () => codec.ready(used), ['contract-violation'])
      waitingFor.delete('schema registry')
    },
    stop: () => producer.disconnect(),
  }

  const outcomes = createOutcomeSink({ publisher, logger })
  const runtimePart: Part = {
    name: 'runtime',
    async start() {
      runtime = createRuntime({
        service,
        handler: handler as StreamHandler,
        prefix,
        instanceId: config.serviceInstanceId,
        source: createConsumer({
          kafka: connectKafka('consumer'),
          groupId: prefix + service,
          topics: ownTopics.map((topic) => prefix + topic),
          instanceId: config.serviceInstanceId,
          sessionTimeoutMs: config.kafkaSessionTimeoutMs,
          logger,
          onCrash: (error) => problems.set('consumer group', innermost(error).message),
        }),
        decode: codec.decode,
        send: producer.send,
        tenants: tenantsFile.current,
        circuits: targets.circuits,
        outcomes,
        maxAttempts: config.retryMaxAttempts,
        metrics: recordMetrics.metrics,
        observeHandling: recordMetrics.observeHandling,
        tracer,
        limits: runtimeLimits(config),
        logger,
        now: steadyNow,
        wallNow: Date.now,
        random: Math.random,
        onAssigned(own, lost) {
          const before = new Set([...assigned].filter((partition) => !lost.includes(partition)))
          assigned = new Set(own)
          waitingFor.delete('consumer group')
          problems.delete('consumer group')
          metrics.rebalancesTotal.inc()
          if (partitions > 0) targets.setPartitions(own, partitions)
          onAssigned?.({
            kept: (key) => before.has(partitionOf(key, partitions)) && assigned.has(partitionOf(key, partitions)),
            hasGained: own.some((partition) => !before.has(partition)),
          })
        },
        onFatal: fail,
      })
      exportStatus(runtime, metrics, tenantsFile.current, config.maxInFlight)
      // The broker may have gone again meanwhile, while the registry was waited for.
      await reach('consumer group', runtime.start)
    },
    stop: async () => runtime?.stop(config.requestDeadlineMs),
  }

  const waits = () =>
    waitsOf({ waitingFor, isProducerHealthy: producer.isHealthy(), runtime, isStopping: stopping.signal.aborted })
  metrics.onScrape(() => metrics.ready.set(waits().length === 0 ? 1 : 0))
  const admin = createAdminApp({
    readiness: () => ({
      waitingFor: waits(),
      details: {
        ...{ service, instance: config.serviceInstanceId, circuits: targets.circuits.list() },
        missingRoles: targets.roles.list(),
        shorterLogs: runtime?.shorterLogs() ?? [],
        unclaimedPartitions: runtime?.unclaimed() ?? [],
        absenceGuards: targets.guards.list().map(({ isTripped: _isTripped, ...guard }) => guard),
        tenants: { inUse: tenantsFile.current().all().length, problem: tenantsFile.problem() },
        problems: { ...Object.fromEntries(problems), producer: producer.problem() ?? undefined },
      },
    }),
    metrics: metrics.render,
  })
  const part = compose([
    { name: 'targets', start: async () => {}, stop: () => targets.close() },
    tenantsFile,
    listening('admin', admin, config.adminHost, config.adminPort, logger),
    kafkaPart,
    shared.part,
    ...inbox,
    runtimePart,
    together('beside', [...parts, targetStates]),
    {
      name: 'ready',
      start: async () => void waitingFor.delete('start'),
      stop: async () => {},
    },
  ])
  return {
    ...part,
    stop() {
      stopping.abort()
      return part.stop()
    },
  }
}
