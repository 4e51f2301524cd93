import type { ConfigOf, ingestEnv, SharedConfig } from './config.ts'
import type { Notification } from './contracts/notification.ts'
import type { ParseEvent } from './http/event-fields.ts'
import { createWebhookApp } from './http/server.ts'
import { createKnownVersions, type KnownVersions } from './kafka/known-versions.ts'
import { readTopicTails } from './kafka/topic-tail.ts'
import { createKnownGate, type KnownGate } from './known-gate.ts'
import { createKnownLoader } from './known-loader.ts'
import { listening } from './lifecycle.ts'
import type { ServiceContext, ServiceParts } from './service-context.ts'
import type { StreamHandler } from './stream.ts'
import { type Sweep, type SweepPorts, sweptEntityOf } from './sweep.ts'
import { createSweeping } from './sweeping.ts'

/** What both ingest services read besides the shared environment. */
export type IngestConfig = SharedConfig & ConfigOf<ReturnType<typeof ingestEnv>>

/** What hydration knows of what was written before. */
export interface HydratorPorts {
  /** Kept to what this member owns. */
  readonly known: KnownVersions
  readonly learning: Pick<KnownGate, 'mustWait' | 'stillWaits'>
  /** Told of each change that only a sweep has told us of. */
  readonly missed: (notification: Notification) => void
}

export interface IngestOptions {
  readonly source: 'flow' | 'omnium'
  readonly parse: ParseEvent
  readonly hydrator: (ports: HydratorPorts) => StreamHandler
  readonly sweep: (ports: SweepPorts) => Sweep
}

/** Webhooks at once: more wait at the broker than a sender's patience allows. */
const MAX_WEBHOOKS_IN_FLIGHT = 1_000
/** What a gained partition's snapshots are looked through for; older versions are met by no sweep that keeps up. */
const MAX_KNOWN_RECORDS = 10_000

/** An ingest service: the webhook server in front of its inbox topic, hydration behind it, and the sweep beside it. */
export function ingestParts(context: ServiceContext<IngestConfig>, options: IngestOptions): ServiceParts {
  const { config, tenants, publisher, metrics, logger, isAccepting, owns } = context
  const { source } = options
  const known = createKnownVersions()
  const gate = createKnownGate({ now: Date.now })
  const app = createWebhookApp({
    source,
    tenants,
    publisher,
    parse: options.parse,
    metrics(answer, seconds, traceparent) {
      metrics.webhooksTotal.inc({ source, answer })
      metrics.webhookSeconds.observe(seconds, { source }, traceparent)
    },
    tracer: context.tracer,
    logger,
    maxInFlightRequests: MAX_WEBHOOKS_IN_FLIGHT,
    isAccepting,
    now: Date.now,
  })
  const handler = options.hydrator({
    known,
    learning: gate,
    missed: (notification) =>
      metrics.sweepMissedTotal.inc({ tenant: notification.tenant, source, entity: sweptEntityOf(notification) }),
  })
  const sweeping = createSweeping(context, { source, known, sweep: options.sweep })
  const reader = `${config.topicPrefix}${source}-ingest.known.${config.serviceInstanceId}.${process.pid}`
  let reads = 0
  const loader = createKnownLoader({
    source,
    known,
    readTails: (tails) =>
      readTopicTails({
        ...tails,
        kafka: context.connectKafka('known'),
        // One that was given up may still be leaving its group.
        groupId: `${reader}.${++reads}`,
        maxRecords: MAX_KNOWN_RECORDS,
      }),
    codec: context.codec,
    prefix: config.topicPrefix,
    sinceMs: sweeping.sinceMs,
    logger,
  })
  const stopping = new AbortController()
  let loading: Promise<void> = Promise.resolve()
  return {
    handler,
    writes: [...handler.topics, `${source}.customers.v1`, `${source}.orders.v1`, 'sync.cursors.v1'],
    inbox: [listening('webhooks', app, config.httpHost, config.httpPort, logger)],
    parts: [
      sweeping,
      {
        name: 'known versions',
        start: async () => {},
        async stop() {
          stopping.abort(new Error('stopping'))
          await loading
        },
      },
    ],
    onAssigned({ kept, hasGained }) {
      known.keep(kept)
      if (hasGained) {
        loading = loading.then(() => loader.load(owns, stopping.signal))
        gate.closeFor(kept, loading)
      }
      // What became ours is swept at once.
      loading = loading.then(sweeping.round)
    },
    onTenants: sweeping.round,
  }
}
