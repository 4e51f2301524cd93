import { connect } from 'node:net'
import { SERVICES } from '@sync/shared/kafka/topics'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { eventually } from './eventually.ts'
import { hostileRequest } from './hostile-requests.ts'
import { sendHostile } from './hostile-sender.ts'
import { json, type RecordingPeer, startRecordingPeer } from './recording-peer.ts'
import { newSeed, seeded } from './seeded.ts'
import type { ServiceProcess } from './service-process.ts'
import { flowEvent, omniumEvent, postWebhook } from './webhook-client.ts'
import { startWorld, TENANT, type World } from './world.ts'

const HOSTILE = 1_000
/** Ids that would be more than an id, were they written as they are. */
const HOSTILE_IDS = [
  'a\r\nx-injected: 1',
  'a\nHost: evil.example',
  'a HTTP/1.1\r\n\r\nGET /evil',
  '\u0000',
  '//evil.example/x',
  '/../../../etc',
  '\\..\\..',
]
const AT_ONCE = 25

let world: World
/** Flow of both tenants, and Omnium of one. */
let peer: RecordingPeer
let shop: RecordingPeer
const SHOP_TENANT = 'shop-no'
/** The answers of Flow to by-id reads, by id. */
const bodies = new Map<string, string>()
/** Lists that hold nothing serve as the control reads of "not found" answers. */
const isList = (url: string) => /\/customers\?|\/Search$/.test(url)
beforeAll(async () => {
  peer = await startRecordingPeer(({ url }, response) => {
    if (isList(url)) return json(response, 200, { items: [], paging: { pageNumber: 1, pageSize: 1, totalCount: 0 } })
    const body = bodies.get(decodeURIComponent(url.split('/').at(-1) ?? ''))
    if (body === undefined) return json(response, 404, {})
    response.writeHead(200, { 'content-type': 'application/json' }).end(body)
  })
  shop = await startRecordingPeer(({ url }, response) => {
    if (url.startsWith('/api/token')) return json(response, 200, { accessToken: 'x', expiresIn: 3_600 })
    return isList(url) ? json(response, 200, { result: [], totalHits: 0 }) : json(response, 404, {})
  })
  world = await startWorld({
    file: 'security',
    tenants: [TENANT, SHOP_TENANT],
    flowFields: () => ({ baseUrl: peer.url }),
    omniumFields: (uid) => (uid === SHOP_TENANT ? { baseUrl: shop.url } : {}),
    env: { KAFKA_SESSION_TIMEOUT_MS: '6000', RETRY_MAX_ATTEMPTS: '1' },
  })
})
afterAll(async () => {
  await world?.stop()
  await peer?.close()
  await shop?.close()
})

const portOf = ({ adminUrl }: ServiceProcess) => Number(new URL(adminUrl).port)
const accepts = (host: string, port: number) =>
  new Promise<boolean>((resolve) => {
    const socket = connect(port, host)
    const answer = (accepted: boolean) => {
      socket.destroy()
      resolve(accepted)
    }
    socket.once('connect', () => answer(true))
    socket.once('error', () => answer(false))
  })

describe('the admin port', () => {
  it.each(SERVICES)('of %s takes hostile requests without harm', { timeout: 180_000 }, async (name) => {
    const seed = newSeed()
    const random = seeded(seed)
    const service = world.services.get(name)!
    const paths = ['/live', '/ready', '/metrics', '/', '/webhooks/flow/acme-no']
    const unexpected: string[] = []

    for (let from = 0; from < HOSTILE; from += AT_ONCE) {
      const batch = Array.from({ length: AT_ONCE }, (_, n) =>
        hostileRequest(random, paths[(from + n) % paths.length]!, () => `id-${from + n}`),
      )
      const answers = await Promise.all(batch.map((hostile) => sendHostile(portOf(service), hostile)))
      for (const [index, statuses] of answers.entries()) {
        if (statuses.some((status) => status >= 500)) unexpected.push(`${batch[index]!.what}: ${statuses}`)
      }
    }

    expect({ seed, unexpected }).toEqual({ seed, unexpected: [] })
    expect((await fetch(`${service.adminUrl}/ready`)).status).toBe(200)
  })

  it('is bound to loopback unless told otherwise', async () => {
    const told = await world.start('relation-manager', { ADMIN_HOST: '0.0.0.0' })
    await told.untilReady()

    // All of 127.0.0.0/8 is this machine's: who listens on 127.0.0.1 alone is not found at 127.0.0.2.
    for (const name of SERVICES.filter((name) => name !== 'relation-manager')) {
      expect(await accepts('127.0.0.1', portOf(world.services.get(name)!))).toBe(true)
      expect(await accepts('127.0.0.2', portOf(world.services.get(name)!))).toBe(false)
    }
    expect(await accepts('127.0.0.2', portOf(told))).toBe(true)
  })
})

describe('a peer’s answer', () => {
  const notify = async (id: string) => {
    const url = `${world.services.get('flow-ingest')!.webhookUrl}/webhooks/flow/${TENANT}`
    expect((await postWebhook(url, flowEvent(id), { authorization: 'Bearer a-webhook-secret' })).status).toBe(202)
  }
  const outcomesOf = async (id: string, service: string, tenant = TENANT) =>
    (await world.topics.records('sync.outcomes.v1')).flatMap(({ value }) =>
      value?.id === id && value.tenant === tenant && value.service === service && value.outcome !== 'deferred'
        ? [value.outcome]
        : [],
    )
  const untilEnded = (id: string, service = 'flow-ingest', tenant = TENANT) =>
    eventually(`the end of ${id} in ${service}`, async () => (await outcomesOf(id, service, tenant)).length > 0)
  const customer = (id: string, more: string) =>
    `{"customerUid":${JSON.stringify(id)},"customerType":"PERSON","firstname":"Kari",` +
    `"lastModifiedAt":"2026-01-01T00:00:00Z",${more}}`

  /** What Omnium has of a customer, without what tells one from another. */
  const likeness = (id: string) => {
    const {
      customerId: _id,
      created: _created,
      modified: _modified,
      properties,
      ...rest
    } = world.omnium.customer(TENANT, 'B2C', id)!
    return { ...rest, properties: (properties as { key: string }[]).filter(({ key }) => key !== 'flowUid') }
  }
  const writePlain = async (id: string) => {
    bodies.set(id, customer(id, '"lastname":"Eksempel"'))
    await notify(id)
    await eventually(`${id} in Omnium`, () => world.omnium.customer(TENANT, 'B2C', id) !== undefined)
    return likeness(id)
  }

  it.each([
    ['sets a prototype', '"__proto__":{"customerType":"COMPANY","companyName":"evil"}'],
    ['sets a constructor’s', '"constructor":{"prototype":{"customerType":"COMPANY"}}'],
    ['nests 5,000 lists', `"x":${'['.repeat(5_000)}${']'.repeat(5_000)}`],
    ['nests 5,000 objects', `"x":${'{"a":'.repeat(5_000)}1${'}'.repeat(5_000)}`],
    ['nests in a field that is mapped', `"lastname":${'['.repeat(5_000)}${']'.repeat(5_000)}`],
  ])('that %s ends, and changes nobody else', async (what, more) => {
    const [odd, next] = [`odd ${what}`, `next ${what}`]
    const before = await writePlain(`before ${what}`)
    expect(before).toMatchObject({ firstName: 'Kari', lastName: 'Eksempel' })
    bodies.set(odd, customer(odd, more))
    await notify(odd)
    await untilEnded(odd)
    if ((await outcomesOf(odd, 'flow-ingest')).includes('done')) await untilEnded(odd, 'customer-mapper')

    expect(await writePlain(next)).toEqual(before)
    expect(world.omnium.customers(TENANT, 'B2B')).toEqual([])
    const other = world.omnium.customer(TENANT, 'B2C', odd)
    if (other !== undefined) expect(other).not.toHaveProperty('name')
    for (const name of SERVICES) expect((await fetch(`${world.services.get(name)!.adminUrl}/live`)).status).toBe(200)
  })

  it.each(HOSTILE_IDS)('is asked for under the id %j, and nothing else is sent', async (id) => {
    const seen = peer.requests.length
    bodies.set(id, customer(id, '"lastname":"Eksempel"'))

    await notify(id)
    await untilEnded(id)

    const asked = peer.requests.slice(seen).filter(({ method, url }) => method === 'GET' && !isList(url))
    expect(asked.map(({ url }) => url)).toContain(`/tenants/${TENANT}/customers/${encodeURIComponent(id)}`)
    for (const { url, headers } of asked) {
      expect(url).toMatch(/^\/tenants\/acme-no\/customers\/[^/?#\s]+$/)
      expect(headers).not.toHaveProperty('x-injected')
      expect(headers.host).toBe(new URL(peer.url).host)
    }
  })

  it.each(HOSTILE_IDS)('is asked for at Omnium under the id %j, and nothing else is sent', async (id) => {
    const seen = shop.requests.length
    const url = `${world.services.get('omnium-ingest')!.webhookUrl}/webhooks/omnium/${SHOP_TENANT}`

    const { status } = await postWebhook(url, omniumEvent(id), { authorization: 'Bearer a-webhook-secret' })
    expect(status).toBe(202)
    await untilEnded(id, 'omnium-ingest', SHOP_TENANT)

    const asked = shop.requests.slice(seen).filter(({ url }) => !url.startsWith('/api/token') && !isList(url))
    expect(asked.map(({ url }) => url)).toContain(`/api/PrivateCustomers/${encodeURIComponent(id)}`)
    for (const { url, method, headers } of asked) {
      expect([method, url]).toEqual(['GET', expect.stringMatching(/^\/api\/(Private|Business)Customers\/[^/?#\s]+$/)])
      expect(headers).not.toHaveProperty('x-injected')
      expect(headers.host).toBe(new URL(shop.url).host)
    }
  })

  it('with a hostile id leaves the names of a record’s headers as they are', async () => {
    const records = [
      ...(await world.topics.records('flow.notifications.v1')),
      ...(await world.topics.records('omnium.notifications.v1')),
      ...(await world.topics.records('sync.outcomes.v1')),
    ]
    const names = new Set(records.flatMap(({ headers }) => Object.keys(headers)))

    expect(records.length).toBeGreaterThan(HOSTILE_IDS.length)
    for (const name of names) expect(name).toMatch(/^[a-z-]+$/)
    for (const { headers } of records) {
      for (const value of Object.values(headers)) expect(String(value)).not.toMatch(/[\r\n]|injected|evil/)
    }
  })
})
