import type { Outcome } from '../outcome.ts'
import { isSampled, type Span, type Tracer } from '../tracing.ts'
import type { Pending } from './pending.ts'
import type { Lead } from './plan.ts'

/** The trace of one handling. */
export interface Handling {
  /** What the requests of this handling belong to. */
  readonly traceparent: string | undefined
  /** What a record's consequences belong to. */
  traceparentOf(record: Pending): string | undefined
  /** Without outcomes: it was given up. */
  end(outcomes: readonly Outcome[] | null): void
}

/**
 * A span for the handling of a key's records: it continues the trace of the first that is sampled, and links those of the
 * others, superseded ones too, whose changes it brings across as well.
 */
export function startHandling(
  tracer: Tracer | undefined,
  group: string,
  tenantUid: string,
  leads: readonly Lead<Pending>[],
): Handling {
  const records = leads.map(({ record }) => record)
  const first = records.find(({ traceparent }) => traceparent !== undefined && isSampled(traceparent)) ?? records[0]!
  const span = tracer?.start(`process ${first.topic}`, {
    kind: 'consumer',
    parent: first.traceparent,
    links: leads
      .flatMap(({ record, older }) => [record, ...older])
      .flatMap((record) => (record === first || record.traceparent === undefined ? [] : [record.traceparent])),
    attributes: {
      'messaging.system': 'kafka',
      'messaging.operation.type': 'process',
      'messaging.destination.name': first.origin.topic,
      'messaging.destination.partition.id': String(first.origin.partition),
      'messaging.kafka.offset': first.origin.offset,
      'messaging.consumer.group.name': group,
      'messaging.batch.message_count': leads.reduce((count, { older }) => count + 1 + older.length, 0),
      'sync.tenant': tenantUid,
      'sync.lane': first.mark?.why ?? 'live',
      'sync.attempt': first.attempts + 1,
    },
  })
  const traceparent = span?.traceparent ?? first.traceparent
  return {
    traceparent,
    traceparentOf: (record) => (record === first ? traceparent : record.traceparent),
    end(outcomes) {
      if (span !== undefined) endSpan(span, outcomes?.[records.indexOf(first)])
    },
  }
}

function endSpan(span: Span, outcome: Outcome | undefined): void {
  if (outcome === undefined) {
    span.end('abandoned')
    return
  }
  span.set({ 'sync.outcome': outcome.kind, ...('reason' in outcome && { 'sync.reason': outcome.reason }) })
  span.end(outcome.kind === 'retry' || outcome.kind === 'park' ? outcome.reason : undefined)
}
