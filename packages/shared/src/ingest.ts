import type { ServiceContext, ServiceParts } from './assemble.ts'
import type { ConfigOf, ingestEnv, SharedConfig } from './config.ts'
import type { ParseEvent } from './http/event-fields.ts'
import { createWebhookApp } from './http/server.ts'
import { createCursorStore } from './kafka/cursor-store.ts'
import { createKnownVersions, type KnownVersions } from './kafka/known-versions.ts'
import { listening, type Part } from './lifecycle.ts'
import type { StreamHandler } from './stream.ts'
import type { Sweep, SweepPorts } from './sweep.ts'
import { createSweeper } from './sweeper.ts'

/** What both ingest services read besides the shared environment. */
export type IngestConfig = SharedConfig & ConfigOf<ReturnType<typeof ingestEnv>>

export interface IngestOptions {
  readonly source: 'flow' | 'omnium'
  readonly parse: ParseEvent
  readonly hydrator: (known: KnownVersions) => StreamHandler
  readonly sweep: (ports: SweepPorts) => Sweep
}

/** Webhooks at once: more wait at the broker than a sender's patience allows. */
const MAX_WEBHOOKS_IN_FLIGHT = 1_000

/** An ingest service: the webhook server in front of its inbox topic, hydration behind it, and the sweep beside it. */
export function ingestParts(context: ServiceContext<IngestConfig>, options: IngestOptions): ServiceParts {
  const { config, tenants, publisher, metrics, logger, isAccepting } = context
  const { source } = options
  const known = createKnownVersions()
  const app = createWebhookApp({
    source,
    tenants,
    publisher,
    parse: options.parse,
    metrics: (answer) => metrics.webhooksTotal.inc({ source, answer }),
    logger,
    maxInFlightRequests: MAX_WEBHOOKS_IN_FLIGHT,
    isAccepting,
    now: Date.now,
  })
  const handler = options.hydrator(known)
  const sweeping = config.sweepIntervalMs > 0 ? createSweeping(context, known, options) : null
  return {
    handler,
    writes: [...handler.topics, `${source}.customers.v1`, `${source}.orders.v1`, 'sync.cursors.v1'],
    inbox: [listening('webhooks', app, config.httpHost, config.httpPort, logger)],
    parts: sweeping === null ? [] : [sweeping],
    onAssigned(lost) {
      if (lost.length > 0) known.clear()
      sweeping?.round()
    },
    onTenants: () => sweeping?.round(),
  }
}

/** Sweeps begin once the marks are read; the service does not wait for that to take webhooks. */
function createSweeping(
  context: ServiceContext<IngestConfig>,
  known: KnownVersions,
  { source, sweep }: IngestOptions,
): Part & { round(): void } {
  const { config, publisher, metrics, logger, tenants, owns } = context
  const cursors = createCursorStore({
    kafka: context.connectKafka('cursors'),
    codec: context.codec,
    publisher,
    prefix: config.topicPrefix,
    groupId: `${config.topicPrefix}${source}-ingest.cursors.${config.serviceInstanceId}.${process.pid}`,
    logger,
  })
  const sweeper = createSweeper({
    sweep: sweep({ publisher, cursors, known, overlapMs: config.sweepOverlapMs, now: Date.now }),
    tenants,
    owns,
    intervalMs: config.sweepIntervalMs,
    cursors,
    markAge(tenant, entity, ageMs) {
      const labels = { tenant, source, entity }
      if (ageMs === null) metrics.sweepMarkAgeSeconds.remove(labels)
      else metrics.sweepMarkAgeSeconds.set(ageMs / 1000, labels)
    },
    logger,
    now: Date.now,
  })
  let stopped = false
  let started = false
  return {
    name: 'sweep',
    /** What became ours is swept at once. */
    round() {
      if (started && !stopped) void sweeper.round()
    },
    async start() {
      cursors
        .start()
        .then(() => {
          started = true
          return stopped ? undefined : sweeper.start()
        })
        .catch((error: unknown) => logger.error({ err: error }, 'reading the sweep cursors failed: nothing is swept'))
    },
    async stop() {
      stopped = true
      await sweeper.stop()
      await cursors.stop()
    },
  }
}
