import {
  type Attributes,
  type Context,
  type DiagLogger,
  DiagLogLevel,
  diag,
  isSpanContextValid,
  ROOT_CONTEXT,
  type SpanContext,
  SpanKind,
  SpanStatusCode,
  trace,
} from '@opentelemetry/api'
import { OTLPTraceExporter as JsonExporter } from '@opentelemetry/exporter-trace-otlp-http'
import { OTLPTraceExporter as ProtobufExporter } from '@opentelemetry/exporter-trace-otlp-proto'
import { resourceFromAttributes } from '@opentelemetry/resources'
import {
  AlwaysOffSampler,
  AlwaysOnSampler,
  BatchSpanProcessor,
  ParentBasedSampler,
  type Sampler,
  type SpanExporter,
  TraceIdRatioBasedSampler,
  TracerProvider,
} from '@opentelemetry/sdk-trace'
import { endInTime } from './end-in-time.ts'
import type { Logger } from './logger.ts'
import type { SpanOptions, Tracer } from './tracing.ts'
import type { TracingConfig } from './tracing-config.ts'

export interface OtelOptions {
  readonly config: TracingConfig
  readonly service: string
  readonly instanceId: string
  readonly version: string
  readonly logger: Pick<Logger, 'warn'>
  /** In place of the OTLP exporter. */
  readonly exporter?: SpanExporter
  /** ms since the epoch. */
  readonly now?: () => number
}

const KINDS = {
  server: SpanKind.SERVER,
  client: SpanKind.CLIENT,
  producer: SpanKind.PRODUCER,
  consumer: SpanKind.CONSUMER,
} as const
const MAX_LINKS = 32
const EXPORT_TIMEOUT_MS = 5_000
/** An exit doesn't wait longer than this for a collector. */
const STOP_DEADLINE_MS = 2_000
const QUIET_MS = 60_000

/**
 * Spans to an OTLP endpoint, in batches. A collector that is slow or away costs spans and nothing else: past 2,048 that
 * wait they are dropped. `stop` sends what is left, within two seconds.
 */
export function createOtel(options: OtelOptions): { readonly tracer: Tracer; stop(): Promise<void> } {
  const { config, service, instanceId, version, logger, now = Date.now } = options
  diag.setLogger(quietly(logger, now), { logLevel: DiagLogLevel.WARN, suppressOverrideMessage: true })
  const provider = new TracerProvider({
    resource: resourceFromAttributes({
      ...config.resource,
      'service.name': service,
      'service.namespace': 'flow-omnium-sync',
      'service.instance.id': instanceId,
      'service.version': version,
    }),
    sampler: samplerOf(config),
    spanProcessors: [
      new BatchSpanProcessor({
        exporter: options.exporter ?? exporterOf(config),
        scheduledDelayMillis: config.exportIntervalMs,
        exportTimeoutMillis: EXPORT_TIMEOUT_MS,
      }),
    ],
  })
  const otel = provider.getTracer('flow-omnium-sync', version)
  return {
    tracer: {
      start(name, { kind, parent, links = [], startedAt, attributes }: SpanOptions) {
        const span = otel.startSpan(
          name,
          {
            kind: KINDS[kind],
            attributes: attributes as Attributes,
            links: links.slice(0, MAX_LINKS).flatMap((link) => {
              const context = spanContextOf(link)
              return context === null ? [] : [{ context }]
            }),
            ...(startedAt !== undefined && { startTime: startedAt }),
          },
          contextOf(parent),
        )
        return {
          traceparent: traceparentOf(span.spanContext()),
          set: (more) => void span.setAttributes(more as Attributes),
          end(failure) {
            if (failure !== undefined) {
              span.setAttribute('error.type', failure)
              span.setStatus({ code: SpanStatusCode.ERROR, message: failure })
            }
            span.end()
          },
        }
      },
    },
    async stop() {
      await endInTime(provider.shutdown(), STOP_DEADLINE_MS)
    },
  }
}

function exporterOf({ endpoint, protocol, headers }: TracingConfig): SpanExporter {
  const options = { url: endpoint, headers: { ...headers }, timeoutMillis: EXPORT_TIMEOUT_MS }
  return protocol === 'http/json' ? new JsonExporter(options) : new ProtobufExporter(options)
}

function samplerOf({ sampler, ratio }: TracingConfig): Sampler {
  const [, parentBased, name] = /^(parentbased_)?(\w+)$/.exec(sampler) ?? []
  const root =
    name === 'always_off'
      ? new AlwaysOffSampler()
      : name === 'traceidratio'
        ? new TraceIdRatioBasedSampler(ratio)
        : new AlwaysOnSampler()
  return parentBased === undefined ? root : new ParentBasedSampler({ root })
}

function contextOf(traceparent: string | undefined): Context {
  const context = traceparent === undefined ? null : spanContextOf(traceparent)
  return context === null ? ROOT_CONTEXT : trace.setSpanContext(ROOT_CONTEXT, context)
}

function spanContextOf(traceparent: string): SpanContext | null {
  const [, traceId = '', spanId = '', flags = '00'] = traceparent.split('-')
  const context = { traceId, spanId, traceFlags: Number.parseInt(flags, 16) & 1, isRemote: true }
  return isSpanContextValid(context) ? context : null
}

const traceparentOf = ({ traceId, spanId, traceFlags }: SpanContext): string =>
  `00-${traceId}-${spanId}-0${traceFlags & 1}`

/** What OpenTelemetry has to say of itself, once a minute at most: a collector that is away would fill the log. */
function quietly(logger: Pick<Logger, 'warn'>, now: () => number): DiagLogger {
  let saidAt = Number.NEGATIVE_INFINITY
  const say = () => {
    if (now() - saidAt < QUIET_MS) return
    saidAt = now()
    // Its own text may hold the collector's answer.
    logger.warn('traces could not be sent: spans are lost, and nothing else')
  }
  const nothing = () => {}
  return { error: say, warn: say, info: nothing, debug: nothing, verbose: nothing }
}
