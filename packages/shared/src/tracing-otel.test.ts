import type { ReadableSpan, SpanExporter } from '@opentelemetry/sdk-trace'
import { describe, expect, it } from 'vitest'
import { newTraceparent, type SpanAttributes, traceIdOf } from './tracing.ts'
import type { TracingConfig } from './tracing-config.ts'
import { createOtel } from './tracing-otel.ts'

const CONFIG: TracingConfig = {
  endpoint: 'http://127.0.0.1:1/v1/traces',
  protocol: 'http/json',
  headers: {},
  resource: { 'deployment.environment.name': 'test' },
  sampler: 'parentbased_always_on',
  ratio: 1,
  exportIntervalMs: 100,
}
const ATTRIBUTES: SpanAttributes = { 'sync.tenant': 'acme' }
const SAMPLED = '00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01'

function aTracer(config: Partial<TracingConfig> = {}, exporting?: SpanExporter['export']) {
  const spans: ReadableSpan[] = []
  const warnings: string[] = []
  const exporter: SpanExporter = {
    export:
      exporting ??
      ((batch, done) => {
        spans.push(...batch)
        done({ code: 0 })
      }),
    shutdown: async () => {},
  }
  const { tracer, stop } = createOtel({
    config: { ...CONFIG, ...config },
    ...{ service: 'flow-ingest', instanceId: 'flow-ingest-0', version: '1.2.3', exporter },
    logger: { warn: ((message: string) => void warnings.push(message)) as never },
  })
  return { tracer, stop, spans, warnings }
}

describe('a span', () => {
  it('continues the trace that it is given, and goes on as its parent', async () => {
    const { tracer, stop, spans } = aTracer()

    const outer = tracer.start('POST', { kind: 'server', parent: SAMPLED, attributes: ATTRIBUTES })
    const inner = tracer.start('send', { kind: 'producer', parent: outer.traceparent, attributes: {} })
    inner.end()
    outer.end()
    await stop()

    expect(traceIdOf(inner.traceparent)).toBe(traceIdOf(SAMPLED))
    expect(inner.traceparent.slice(-2)).toBe('01')
    expect(spans.map(({ name, parentSpanContext }) => [name, parentSpanContext?.spanId])).toEqual([
      ['send', outer.traceparent.split('-')[2]],
      ['POST', 'b7ad6b7169203331'],
    ])
  })

  it('says whose it is, when it began, and what it failed on', async () => {
    const { tracer, stop, spans } = aTracer()

    const span = tracer.start('process', {
      ...{ kind: 'consumer', attributes: ATTRIBUTES, startedAt: 1_700_000_000_000 },
      links: [SAMPLED, 'nonsense'],
    })
    span.set({ 'sync.outcome': 'retry' })
    span.end('target-failed')
    await stop()

    expect(spans[0]).toMatchObject({
      startTime: [1_700_000_000, 0],
      attributes: { 'sync.tenant': 'acme', 'sync.outcome': 'retry', 'error.type': 'target-failed' },
      status: { code: 2, message: 'target-failed' },
      links: [{ context: { traceId: traceIdOf(SAMPLED) } }],
      resource: {
        attributes: {
          'service.name': 'flow-ingest',
          'service.namespace': 'flow-omnium-sync',
          'service.instance.id': 'flow-ingest-0',
          'service.version': '1.2.3',
          'deployment.environment.name': 'test',
        },
      },
    })
    expect(spans[0]?.links).toHaveLength(1)
  })
})

describe('sampling', () => {
  it('follows the trace that there is: one that was not sampled goes on unsampled', async () => {
    const { tracer, stop, spans } = aTracer()
    const parent = newTraceparent()

    const span = tracer.start('process', { kind: 'consumer', parent, attributes: {} })
    span.end()
    await stop()

    expect(spans).toEqual([])
    expect(traceIdOf(span.traceparent)).toBe(traceIdOf(parent))
    expect(span.traceparent.slice(-2)).toBe('00')
  })

  it.each([
    ['parentbased_always_on', 1, 200],
    ['always_on', 1, 200],
    ['parentbased_always_off', 1, 0],
    ['always_off', 1, 0],
    ['parentbased_traceidratio', 0, 0],
    ['traceidratio', 1, 200],
  ] as const)('by %s with %d records %d of 200 new traces', async (sampler, ratio, expected) => {
    const { tracer, stop, spans } = aTracer({ sampler, ratio })

    for (let count = 0; count < 200; count++) tracer.start('POST', { kind: 'server', attributes: {} }).end()
    await stop()

    expect(spans).toHaveLength(expected)
  })

  it('by a ratio records about that part', async () => {
    const { tracer, stop, spans } = aTracer({ sampler: 'parentbased_traceidratio', ratio: 0.1 })

    for (let count = 0; count < 2_000; count++) tracer.start('POST', { kind: 'server', attributes: {} }).end()
    await stop()

    // 200 ± 7 standard deviations.
    expect(spans.length).toBeGreaterThan(106)
    expect(spans.length).toBeLessThan(294)
  })
})

describe('a collector', () => {
  it('that refuses is mentioned once, without its words', async () => {
    const { tracer, stop, warnings } = aTracer({}, (_batch, done) =>
      done({ code: 1, error: new Error('ada@shop.test') }),
    )

    for (let count = 0; count < 2_000; count++) tracer.start('POST', { kind: 'server', attributes: {} }).end()
    await stop()

    expect(warnings).toEqual(['traces could not be sent: spans are lost, and nothing else'])
  })

  it('that never answers holds no exit up', async () => {
    const { tracer, stop } = aTracer({}, () => {})
    tracer.start('POST', { kind: 'server', attributes: {} }).end()

    const ended = await Promise.race([
      stop().then(() => 'stopped'),
      new Promise((resolve) => setTimeout(resolve, 10_000, 'hung')),
    ])

    expect(ended).toBe('stopped')
  })
})
