import { SERVICES } from '@sync/shared/kafka/topics'
import { METRICS } from '@sync/shared/metrics-table'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { eventually } from './eventually.ts'
import { startService } from './service-process.ts'
import { startWorld, TENANT, type World } from './world.ts'

let world: World
beforeAll(async () => {
  world = await startWorld({ file: 'shell' })
})
afterAll(() => world?.stop())

describe('a service with a wrong configuration', () => {
  it.each(SERVICES)('%s exits 78 and names every problem at once, without a value', async (name) => {
    const service = await startService(name, {
      KAFKA_BROKERS: 'not a broker',
      MAX_IN_FLIGHT: '-3',
      LOG_LEVEL: 'loud',
      TENANTS_FILE: '/nowhere/tenants.json',
    })

    expect(await service.exited).toBe(78)
    for (const word of [
      'KAFKA_BROKERS',
      'SCHEMA_REGISTRY_URL',
      'MAX_IN_FLIGHT',
      'LOG_LEVEL',
      '/nowhere/tenants.json',
    ]) {
      expect(service.output()).toContain(word)
    }
    expect(service.output()).not.toContain('not a broker')
  })
})

describe('a service without its topics', () => {
  it('refuses to start and names the command', async () => {
    const service = await startService('customer-mapper', { ...world.env, TOPIC_PREFIX: 'nobody-made-these.' })

    expect(await service.exited).toBe(1)
    expect(service.output()).toContain('npx syncctl topics apply')
  })
})

describe('a running service', () => {
  it.each(SERVICES)('%s answers /live, /ready and /metrics with every metric of the table', async (name) => {
    const { adminUrl } = world.services.get(name)!

    expect((await fetch(`${adminUrl}/live`)).status).toBe(200)
    expect((await fetch(`${adminUrl}/ready`)).status).toBe(200)
    const text = await (await fetch(`${adminUrl}/metrics`)).text()
    for (const { name: metric } of Object.values(METRICS)) expect(text).toContain(`# TYPE ${metric} `)
    expect(text).toContain('process_cpu_seconds_total')
  })

  it('reports its lag for every partition that it has', async () => {
    await eventually('the lag', async () => {
      const text = await world.services.get('relation-manager')!.metrics()
      return [0, 1, 2].every((partition) =>
        text.includes(
          `sync_consumer_lag_records{topic="${world.prefix}company.parent-changes.v1",partition="${partition}"} 0`,
        ),
      )
    })
  })
})

describe('a webhook', () => {
  const post = (source: 'flow' | 'omnium', body: string, headers: Record<string, string> = {}, tenant = TENANT) =>
    fetch(`${world.services.get(`${source}-ingest`)!.webhookUrl}/webhooks/${source}/${tenant}`, {
      method: 'POST',
      body,
      headers: { authorization: 'Bearer a-webhook-secret', ...headers },
    })
  const flowEvent = JSON.stringify({ action: 'CUSTOMER_UPDATE', customer: { Id: 1, Uid: 'nobody' } })
  const omniumEvent = JSON.stringify({ className: 'Order', objectId: 'nothing', category: 'Updated' })

  it('that is malformed gets 400 as problem+json', async () => {
    for (const source of ['flow', 'omnium'] as const) {
      for (const body of ['{', '[]', '{}', '']) {
        const answer = await post(source, body)
        expect(answer.status).toBe(400)
        expect(answer.headers.get('content-type')).toContain('application/problem+json')
      }
    }
  })

  it('is stored, refused by secret, tenant and size, and ignored, as designed', async () => {
    expect((await post('flow', flowEvent)).status).toBe(202)
    expect((await post('omnium', omniumEvent)).status).toBe(202)
    expect((await post('flow', flowEvent, { authorization: 'Bearer wrong' })).status).toBe(401)
    expect((await post('flow', flowEvent, {}, 'nobody')).status).toBe(404)
    expect((await post('flow', JSON.stringify({ action: 'X', x: 'y'.repeat(70_000) }))).status).toBe(413)
    expect((await post('flow', JSON.stringify({ action: 'COFFEE_READY' }))).status).toBe(202)
  })

  it('of something that is not at its source ends as not found', async () => {
    await post('flow', flowEvent)
    await post('omnium', omniumEvent)

    await eventually('both ends', async () => {
      const outcomes = await world.topics.records('sync.outcomes.v1')
      return ['flow-ingest', 'omnium-ingest'].every((service) =>
        outcomes.some(({ value }) => value?.service === service && value.reason === 'not-found'),
      )
    })
  })
})

describe('a stop', () => {
  it.each(SERVICES)('of %s by SIGTERM is graceful and ends with 0', async (name) => {
    expect(await world.services.get(name)!.stop()).toBe(0)
  })
})
