import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { eventually } from './eventually.ts'
import { type CollectedSpan, startTraceCollector } from './trace-collector.ts'
import { flowEvent, postWebhook } from './webhook-client.ts'
import { startWorld, TENANT, type World } from './world.ts'

const BEARER = { authorization: 'Bearer a-webhook-secret' }
const COMPANY = { customerType: 'COMPANY', companyName: 'Fjordheim Tekstil AS', email: 'post@fjordheim.example' }

let collector: Awaited<ReturnType<typeof startTraceCollector>>
let world: World
beforeAll(async () => {
  collector = await startTraceCollector()
  world = await startWorld({
    file: 'tracing',
    env: {
      OTEL_EXPORTER_OTLP_ENDPOINT: collector.url,
      OTEL_EXPORTER_OTLP_PROTOCOL: 'http/json',
      OTEL_EXPORTER_OTLP_HEADERS: 'x-scope=retail',
      OTEL_BSP_SCHEDULE_DELAY: '100',
    },
  })
})
afterAll(async () => {
  await world?.stop()
  await collector?.close()
})

const untilSpan = async (what: string, isIt: (span: CollectedSpan) => boolean): Promise<CollectedSpan> => {
  await eventually(what, () => collector.spans().some(isIt))
  return collector.spans().find(isIt)!
}
const of = (service: string, name: string) => (span: CollectedSpan) => span.service === service && span.name === name

describe('a change at the till', () => {
  it('is one trace, from its webhook through Kafka to the request at Omnium', async () => {
    world.flow.createCustomer(TENANT, {
      customerUid: 't1',
      customerType: 'PERSON',
      firstname: 'Tora',
      lastname: 'Prøve',
    })

    const request = await untilSpan('the request to Omnium', of('customer-mapper', 'POST omnium create-customer'))
    await untilSpan('the webhook', (span) => span.traceId === request.traceId && span.parentSpanId === '')

    expect(collector.pathTo(request)).toEqual([
      'flow-ingest: POST /webhooks/flow/:tenantUid',
      'flow-ingest: send flow.notifications.v1',
      'flow-ingest: process flow.notifications.v1',
      'flow-ingest: send flow.customers.v1',
      'customer-mapper: process flow.customers.v1',
      'customer-mapper: POST omnium create-customer',
    ])
    expect(request.attributes).toMatchObject({ 'sync.tenant': TENANT, 'http.response.status_code': 201 })
    expect(collector.requests[0]).toMatchObject({ url: '/v1/traces', headers: { 'x-scope': 'retail' } })
  })

  it('of a company goes on to both ends of its relation', async () => {
    world.flow.createCustomer(TENANT, { ...COMPANY, customerUid: 'tb' })
    world.flow.createCustomer(TENANT, { ...COMPANY, customerUid: 'tc', parentCustomer: { customerUid: 'tb' } })

    const relations = (id: string) =>
      world.omnium.customer(TENANT, 'B2B', id)?.customerRelations as unknown[] | undefined
    await eventually('both ends', () => relations('tb')?.length === 1 && relations('tc')?.length === 1)
    const isWrite = of('relation-manager', 'PATCH omnium patch-customer')
    await eventually('both writes', () => collector.spans().filter(isWrite).length >= 2)

    const paths = () => collector.spans().filter(isWrite).map(collector.pathTo)
    await eventually('their whole paths', () => paths().every((path) => path[0]?.includes('/webhooks/')))
    const process = 'relation-manager: process company.parent-changes.v1'
    const counts = paths().map((path) => path.filter((step) => step === process).length)
    expect(counts.sort()).toEqual([1, 2])
  })

  it('continues the trace of its sender, and follows it in not being sampled', async () => {
    const url = `${world.services.get('flow-ingest')!.webhookUrl}/webhooks/flow/${TENANT}`
    const [sampled, unsampled] = ['5', '6'].map((digit) => digit.repeat(32))
    const traceparent = (traceId: string | undefined, flags: string) => `00-${traceId}-${'7'.repeat(16)}-${flags}`

    await postWebhook(url, flowEvent('t2'), { ...BEARER, traceparent: traceparent(unsampled, '00') })
    await postWebhook(url, flowEvent('t3'), { ...BEARER, traceparent: traceparent(sampled, '01') })

    const span = await untilSpan('its handling', (span) => span.traceId === sampled && span.name.startsWith('process '))
    expect(collector.pathTo(span)[0]).toBe('flow-ingest: POST /webhooks/flow/:tenantUid')
    await eventually('the end of the other', async () =>
      (await world.topics.records('sync.outcomes.v1')).some(({ value }) => value?.id === 't2'),
    )
    await eventually('later spans', () => collector.spans().some(({ traceId }) => traceId === sampled))
    expect(collector.spans().filter(({ traceId }) => traceId === unsampled)).toEqual([])
  })

  it('is the exemplar of the time that it took', async () => {
    const answer = await fetch(`${world.services.get('customer-mapper')!.adminUrl}/metrics`, {
      headers: { accept: 'application/openmetrics-text' },
    })

    const [, traceId] =
      /sync_end_to_end_seconds_bucket\{.*# \{trace_id="([0-9a-f]{32})"\}/.exec(await answer.text()) ?? []
    expect(collector.spans().map((span) => span.traceId)).toContain(traceId)
  })
})

describe('a collector', () => {
  it('is sent protobuf unless told otherwise, the last spans at the exit', async () => {
    const service = await world.start('flow-ingest', {
      ...{ OTEL_EXPORTER_OTLP_PROTOCOL: '', OTEL_BSP_SCHEDULE_DELAY: '60000' },
    })
    await service.untilReady()
    const seen = collector.requests.length
    await postWebhook(`${service.webhookUrl}/webhooks/flow/${TENANT}`, flowEvent('t4'), BEARER)

    expect(await service.stop()).toBe(0)

    const own = collector.requests
      .slice(seen)
      .filter(({ headers }) => headers['content-type'] === 'application/x-protobuf')
    expect(own.map(({ url }) => url)).toEqual(['/v1/traces'])
    expect(own[0]?.body).toContain('POST /webhooks/flow/:tenantUid')
  })

  it('that is away costs spans, and nothing else', async () => {
    const service = await world.start('flow-ingest', { OTEL_EXPORTER_OTLP_ENDPOINT: 'http://127.0.0.1:1' })
    await service.untilReady()

    world.flow.createCustomer(TENANT, {
      customerUid: 't5',
      customerType: 'PERSON',
      firstname: 'Siv',
      lastname: 'Prøve',
    })

    await eventually('the customer in Omnium', () => world.omnium.customer(TENANT, 'B2C', 't5') !== undefined)
    await eventually('the word of it', () => service.output().includes('traces could not be sent'))
    const stoppedAt = performance.now()
    expect(await service.stop()).toBe(0)
    expect(performance.now() - stoppedAt).toBeLessThan(20_000)
  })

  it('was told nothing of any customer', () => {
    const told = collector.requests.map(({ body }) => body).join('\n')

    for (const value of ['Tora', 'Prøve', 'Fjordheim', 'fjordheim.example', 'Siv', 'a-webhook-secret', 'flow-token']) {
      expect(told).not.toContain(value)
    }
    for (const id of ['"t1"', '"tb"', '"tc"', 'acme-no:t1', '/customers/']) expect(told).not.toContain(id)
  })
})
