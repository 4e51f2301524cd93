import { newTraceparent, type SpanAttributes, type SpanOptions, type Tracer, traceIdOf } from '../tracing.ts'

export interface FakeSpan extends SpanOptions {
  readonly name: string
  readonly traceparent: string
  attributes: SpanAttributes
  ended: boolean
  failure: string | undefined
}

/** A tracer that samples everything and keeps every span, in the order of their starts. */
export function createFakeTracer(): { readonly tracer: Tracer; readonly spans: FakeSpan[] } {
  const spans: FakeSpan[] = []
  const tracer: Tracer = {
    start(name, options) {
      const own = newTraceparent().split('-')
      const traceId = options.parent === undefined ? own[1] : traceIdOf(options.parent)
      const span: FakeSpan = {
        ...options,
        ...{ name, traceparent: `00-${traceId}-${own[2]}-01`, ended: false, failure: undefined },
      }
      spans.push(span)
      return {
        traceparent: span.traceparent,
        set(attributes) {
          span.attributes = { ...span.attributes, ...attributes }
        },
        end(failure) {
          span.ended = true
          span.failure = failure
        },
      }
    },
  }
  return { tracer, spans }
}
