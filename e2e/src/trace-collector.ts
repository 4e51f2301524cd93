import { json, startRecordingPeer } from './recording-peer.ts'

export interface CollectedSpan {
  readonly service: string
  readonly name: string
  readonly traceId: string
  readonly spanId: string
  readonly parentSpanId: string
  readonly attributes: Readonly<Record<string, unknown>>
}

interface OtlpAttribute {
  readonly key: string
  readonly value: { readonly stringValue?: string; readonly intValue?: number | string }
}
interface OtlpSpan {
  readonly name: string
  readonly traceId: string
  readonly spanId: string
  readonly parentSpanId?: string
  readonly attributes?: readonly OtlpAttribute[]
}
interface OtlpRequest {
  readonly resourceSpans: readonly {
    readonly resource: { readonly attributes: readonly OtlpAttribute[] }
    readonly scopeSpans: readonly { readonly spans: readonly OtlpSpan[] }[]
  }[]
}

const attributesOf = (list: readonly OtlpAttribute[] = []) =>
  Object.fromEntries(list.map(({ key, value }) => [key, value.stringValue ?? value.intValue]))

/** A stand-in for a collector that takes OTLP over HTTP, as JSON or protobuf; only JSON's spans can be read here. */
export async function startTraceCollector() {
  const peer = await startRecordingPeer((_request, response) => json(response, 200, {}))
  const spans = (): CollectedSpan[] =>
    peer.requests
      .filter(({ headers }) => headers['content-type']?.includes('json'))
      .flatMap(({ body }) => (JSON.parse(body) as OtlpRequest).resourceSpans)
      .flatMap(({ resource, scopeSpans }) =>
        scopeSpans
          .flatMap((scope) => scope.spans)
          .map(({ attributes, parentSpanId = '', ...span }) => ({
            ...span,
            parentSpanId,
            service: String(attributesOf(resource.attributes)['service.name']),
            attributes: attributesOf(attributes),
          })),
      )
  return {
    url: peer.url,
    requests: peer.requests,
    spans,
    /** The span and what led to it, from the beginning of its trace: `service name`. */
    pathTo(span: CollectedSpan): string[] {
      const own = new Map(spans().map((each) => [each.spanId, each]))
      const path: string[] = []
      for (let at: CollectedSpan | undefined = span; at !== undefined; at = own.get(at.parentSpanId)) {
        path.unshift(`${at.service}: ${at.name}`)
      }
      return path
    },
    close: peer.close,
  }
}
