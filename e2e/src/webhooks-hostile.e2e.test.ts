import { afterAll, beforeAll, expect, it } from 'vitest'
import { eventually } from './eventually.ts'
import { hostileRequest } from './hostile-requests.ts'
import { sendHostile } from './hostile-sender.ts'
import { newSeed, seeded } from './seeded.ts'
import { flowEvent, omniumEvent, postWebhook } from './webhook-client.ts'
import { startWorld, TENANT, type World } from './world.ts'

const COUNT = 5_000
const AT_ONCE = 40

let world: World
beforeAll(async () => {
  world = await startWorld({ file: 'hostile', services: ['flow-ingest', 'omnium-ingest'] })
})
afterAll(() => world?.stop())

it('300 senders that stall are given up after Flow’s patience, and hold up nobody meanwhile', async () => {
  const service = world.services.get('flow-ingest')!
  const port = Number(new URL(service.webhookUrl).port)
  const path = `/webhooks/flow/${TENANT}`
  const head = `POST ${path} HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer a-webhook-secret\r\n`
  const starts = [
    head,
    `${head}Content-Length: 500\r\n\r\n{"action":`,
    `${head}Transfer-Encoding: chunked\r\n\r\n5\r\n{"act`,
  ]
  const startedAt = performance.now()
  const stalled = Array.from({ length: 300 }, async (_, n) => {
    const statuses = await sendHostile(port, { what: 'stalls', pieces: [Buffer.from(starts[n % 3]!)], ending: 'wait' })
    return { statuses, tookMs: performance.now() - startedAt }
  })

  const meanwhile = await Promise.all(
    Array.from({ length: 100 }, (_, n) =>
      postWebhook(`${service.webhookUrl}${path}`, flowEvent(`meanwhile-${n}`), {
        authorization: 'Bearer a-webhook-secret',
      }),
    ),
  )
  const ends = await Promise.all(stalled)

  expect(meanwhile.filter(({ status }) => status !== 202)).toEqual([])
  expect(ends.filter(({ statuses }) => statuses.join() !== '503')).toEqual([])
  for (const { tookMs } of ends) expect(tookMs).toBeGreaterThan(9_000)
  expect(Math.max(...ends.map(({ tookMs }) => tookMs))).toBeLessThan(15_000)
})

it.each([
  ['flow', flowEvent],
  ['omnium', omniumEvent],
] as const)(
  '5,000 hostile webhooks of %s do no harm',
  async (source, event) => {
    const seed = newSeed()
    const random = seeded(seed)
    const service = world.services.get(`${source}-ingest`)!
    const port = Number(new URL(service.webhookUrl).port)
    const path = `/webhooks/${source}/${TENANT}`
    let ids = 0
    const requests = Array.from({ length: COUNT }, () => hostileRequest(random, path, () => `${source}-${++ids}`))
    const counts = new Map<number, number>()
    const unexpected: string[] = []
    const rss: number[] = []

    for (let from = 0; from < COUNT; from += AT_ONCE) {
      if (from % 1_000 === 0) rss.push(await service.metric('process_resident_memory_bytes'))
      const batch = requests.slice(from, from + AT_ONCE)
      const answers = await Promise.all(batch.map((hostile) => sendHostile(port, hostile)))
      for (const [index, statuses] of answers.entries()) {
        for (const status of statuses) counts.set(status, (counts.get(status) ?? 0) + 1)
        // 503: the body did not arrive whole, which a sender can cure by sending it again.
        const bad = statuses.filter((status) => status >= 500 && status !== 503)
        const isWhole = batch[index]!.ending === 'wait'
        if (bad.length > 0 || (isWhole && statuses.includes(503))) unexpected.push(`${batch[index]!.what}: ${statuses}`)
      }
      const valid = await postWebhook(`${service.webhookUrl}${path}`, event(`valid-${source}-${from}`), {
        authorization: 'Bearer a-webhook-secret',
      })
      expect({ seed, status: valid.status }).toEqual({ seed, status: 202 })
    }
    rss.push(await service.metric('process_resident_memory_bytes'))

    console.log(
      `${source}, seed ${seed}: ${JSON.stringify(Object.fromEntries([...counts].sort()))}, RSS ${rss.map((bytes) => Math.round(bytes / 1e6))} MB`,
    )
    expect({ seed, unexpected }).toEqual({ seed, unexpected: [] })
    // What is taken at first is the pools' and the compiler's.
    expect(rss.at(-1)! - rss[2]!).toBeLessThan(60_000_000)
    expect((await fetch(`${service.adminUrl}/ready`)).status).toBe(200)

    // Whatever was stored comes to an end.
    const topic = `${source}.notifications.v1` as const
    const stored = async () => (await world.topics.records(topic)).length
    await eventually(
      'the end of all that was stored',
      async () => (await world.topics.isCommitted(`${source}-ingest`, topic)) && (await stored()) > 0,
    )
    const outcomes = await world.topics.records('sync.outcomes.v1')
    const ended = () =>
      new Set(outcomes.flatMap(({ value }) => (value?.service === `${source}-ingest` ? [value.id] : [])))
    const open = async () => {
      const ids = new Set((await world.topics.records(topic)).flatMap(({ value }) => value?.id ?? []))
      return [...ids].filter((id) => !ended().has(id))
    }
    await eventually('their outcomes', async () => (await open()).length === 0)
    expect(await world.topics.records(`${source}-ingest.dead-letters.v1`)).toEqual([])
  },
  180_000,
)
