import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { eventually } from './eventually.ts'
import { flowEvent, omniumEvent, postWebhook, signed } from './webhook-client.ts'
import { startWorld, TENANT, type World } from './world.ts'

const PLAIN = 'an older secret: æøå'
const WHSEC_KEY = Buffer.from('the key of a newer secret')
const WHSEC = `whsec_${WHSEC_KEY.toString('base64')}`
const LIMIT = 65_536

let world: World
beforeAll(async () => {
  world = await startWorld({
    file: 'webhooks',
    services: ['flow-ingest', 'omnium-ingest'],
    tenantFields: () => ({ webhookSecrets: [PLAIN, WHSEC] }),
  })
})
afterAll(() => world?.stop())

const SOURCES = [
  ['flow', flowEvent],
  ['omnium', omniumEvent],
] as const
type Source = (typeof SOURCES)[number][0]
const url = (source: Source, query = '') =>
  `${world.services.get(`${source}-ingest`)!.webhookUrl}/webhooks/${source}/${TENANT}${query}`
const count = (source: Source, answer: string): Promise<number> =>
  world.services.get(`${source}-ingest`)!.metric('sync_webhooks_total', { source, answer })
const bytes = (secret: string) => Buffer.from(secret).toString('latin1')
const basic = (secret: string) => `Basic ${Buffer.from(`anybody:${secret}`).toString('base64')}`

describe.each(SOURCES)('a webhook of %s', (source, event) => {
  it.each([
    ['Bearer', PLAIN],
    ['Bearer', WHSEC],
    ['Basic', PLAIN],
    ['Basic', WHSEC],
    ['key', PLAIN],
    ['key', WHSEC],
  ] as const)('is taken with a live secret as %s: %s', async (way, secret) => {
    const post = (shown: string) =>
      way === 'key'
        ? postWebhook(url(source, `?key=${encodeURIComponent(shown)}`), event('1'), {})
        : postWebhook(url(source), event('1'), {
            authorization: way === 'Basic' ? basic(shown) : `Bearer ${bytes(shown)}`,
          })

    expect([(await post(secret)).status, (await post(`${secret}x`)).status]).toEqual([202, 401])
    expect((await post(secret.slice(0, -1))).status).toBe(401)
  })

  it.each([
    ['the bytes of a secret', Buffer.from(PLAIN)],
    ['what a whsec_ secret stands for in base64', WHSEC_KEY],
  ])('is taken with a signature by %s, over the body as it was sent', async (_by, key) => {
    const body = `  ${event('1')}\n`

    expect((await postWebhook(url(source), body, signed(key, body))).status).toBe(202)
    expect((await postWebhook(url(source), event('1'), signed(key, body))).status).toBe(401)
    expect((await postWebhook(url(source), body, signed(Buffer.from('another key'), body))).status).toBe(401)
  })

  it('with a signature is refused outside of five minutes around our clock', async () => {
    // Each by the clock of its moment, which may be set in between.
    const at = async (seconds: number) => {
      const signedAt = Math.floor(Date.now() / 1000) + seconds
      return (await postWebhook(url(source), event('1'), signed(WHSEC_KEY, event('1'), signedAt))).status
    }

    expect([await at(-280), await at(280)]).toEqual([202, 202])
    expect([await at(-320), await at(320)]).toEqual([401, 401])
  })

  it('may have 64 KiB, and not a byte more, whether its length is told or not', async () => {
    const padded = (size: number) => event('1').padEnd(size, ' ')
    const chunked = async (body: string) => {
      const stream = new Blob([body]).stream()
      const answer = await fetch(url(source), {
        ...{ method: 'POST', body: stream, duplex: 'half' },
        headers: { authorization: `Bearer ${WHSEC}` },
      } as RequestInit)
      return answer.status
    }
    const whole = async (body: string) =>
      (await postWebhook(url(source), body, { authorization: `Bearer ${WHSEC}` })).status

    expect([await whole(padded(LIMIT)), await chunked(padded(LIMIT))]).toEqual([202, 202])
    expect([await whole(padded(LIMIT + 1)), await chunked(padded(LIMIT + 1))]).toEqual([413, 413])
  })

  it('of an action or class that is not ours to follow is accepted, counted as ignored, and not stored', async () => {
    const before = await count(source, 'ignored')
    const others = source === 'flow' ? ['PRODUCT_UPDATE', 'STORE_CLOSED'] : ['Product', 'Inventory']
    for (const other of others) {
      const body = source === 'flow' ? flowEvent('ignored', other) : omniumEvent('ignored', other)
      expect((await postWebhook(url(source), body, { authorization: `Bearer ${WHSEC}` })).status).toBe(202)
    }

    expect(await count(source, 'ignored')).toBe(before + others.length)
    await postWebhook(url(source), event('after'), { authorization: `Bearer ${WHSEC}` })
    const topic = `${source}.notifications.v1` as const
    const ids = async () => (await world.topics.records(topic)).map(({ value }) => value?.id)
    await eventually('the one after', async () => (await ids()).includes('after'))
    expect(await ids()).not.toContain('ignored')
  })
})
