import { randomUUID } from 'node:crypto'

/**
 * What a span may say. Closed, so that nothing of a customer can get in: no key, no id, no path, no value, no message.
 * Names of OpenTelemetry's semantic conventions where there is one.
 */
export type SpanAttributes = {
  readonly [K in
    | 'messaging.system'
    | 'messaging.operation.type'
    | 'messaging.destination.name'
    | 'messaging.destination.partition.id'
    | 'messaging.consumer.group.name'
    | 'messaging.batch.message_count'
    | 'messaging.kafka.offset'
    | 'http.request.method'
    | 'http.route'
    | 'http.response.status_code'
    | 'server.address'
    | 'server.port'
    | 'sync.tenant'
    | 'sync.target'
    | 'sync.operation'
    | 'sync.lane'
    | 'sync.attempt'
    | 'sync.outcome'
    | 'sync.reason']?: string | number
}

/** Started spans have to be ended. */
export interface Span {
  /** The span's own W3C traceparent: what goes on to whoever works on its behalf. */
  readonly traceparent: string
  set(attributes: SpanAttributes): void
  /** `failure` is a code of a closed set: the span is an error. */
  end(failure?: string): void
}

export interface SpanOptions {
  readonly kind: 'server' | 'client' | 'producer' | 'consumer'
  /** The traceparent that it continues; without one a trace begins. */
  readonly parent?: string | undefined
  /** Traceparents of what else it works on. */
  readonly links?: readonly string[]
  /** ms since the epoch; now, unless told. */
  readonly startedAt?: number
  readonly attributes: SpanAttributes
}

export interface Tracer {
  start(name: string, options: SpanOptions): Span
}

/** Passes on the trace that there is, so that all records of one change can be found by its id, and records no span. */
export const noTracer: Tracer = {
  start: (_name, { parent }) => ({ traceparent: parent ?? newTraceparent(), set() {}, end() {} }),
}

/** A new W3C traceparent, not sampled: it links the records of one change, until a tracer takes it up. */
export const newTraceparent = (): string => `00-${hex(randomUUID())}-${hex(randomUUID()).slice(16)}-00`

/** UUIDs are drawn from a pool; asking for random bytes each time costs thirty times as much. */
const hex = (uuid: string) => uuid.replaceAll('-', '')

export const newEventId = (): string => randomUUID()

/** The flag that a trace's first span was given: whoever works on it records its spans too. */
export const isSampled = (traceparent: string): boolean => (Number.parseInt(traceparent.slice(-2), 16) & 1) === 1

export const traceIdOf = (traceparent: string): string => traceparent.split('-')[1] ?? ''
