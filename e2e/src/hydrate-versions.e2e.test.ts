import { afterAll, beforeAll, beforeEach, expect, it } from 'vitest'
import { eventually } from './eventually.ts'
import { json, type RecordingPeer, startRecordingPeer } from './recording-peer.ts'
import { newSeed, seeded } from './seeded.ts'
import type { ServiceProcess } from './service-process.ts'
import { flowEvent, postWebhook } from './webhook-client.ts'
import { startWorld, TENANT, type World } from './world.ts'

let peer: RecordingPeer
let world: World
/** How often a customer was changed at the source; what a replica answers may lag behind it. */
const changes = new Map<string, number>()
let lagOf = () => 0

const versionOf = (n: number) => new Date(Date.UTC(2026, 0, 1, 0, 0, n)).toISOString()
beforeAll(async () => {
  peer = await startRecordingPeer(({ url }, response) => {
    const id = decodeURIComponent(url.split('/').at(-1)!)
    const changed = changes.get(id)
    if (changed === undefined) return json(response, 404, {})
    const lastModifiedAt = versionOf(Math.max(0, changed - lagOf()))
    return json(response, 200, { customerUid: id, customerType: 'PERSON', lastModifiedAt, note: 'x'.repeat(1_000) })
  })
  world = await startWorld({
    file: 'hydrate-versions',
    services: ['flow-ingest'],
    flowFields: () => ({ baseUrl: peer.url }),
    // The lines of ended records are read below; their level is debug.
    env: { KAFKA_SESSION_TIMEOUT_MS: '6000', LOG_LEVEL: 'debug' },
  })
})
beforeEach(() => {
  lagOf = () => 0
})
afterAll(async () => {
  await world?.stop()
  await peer?.close()
})

const many = (count: number, name: string) => Array.from({ length: count }, (_, n) => `${name}-${n}`)
const notify = async ({ webhookUrl }: ServiceProcess, id: string) => {
  const url = `${webhookUrl}/webhooks/flow/${TENANT}`
  const send = async () => (await postWebhook(url, flowEvent(id), { authorization: 'Bearer a-webhook-secret' })).status
  await eventually(`the webhook of ${id}`, async () => (await send()) === 202)
}
const snapshotsOf = async (id: string) =>
  (await world.topics.records('flow.customers.v1')).flatMap(({ key, value }) =>
    key === `${TENANT}:${id}` ? [value?.version ?? ''] : [],
  )
const endsOf = async (id: string) =>
  (await world.topics.records('sync.outcomes.v1')).flatMap(({ value }) =>
    value?.id === id ? [value.reason ?? value.outcome] : [],
  )
const untilAll = (what: string, ids: readonly string[], holds: (id: string) => Promise<boolean>) =>
  eventually(what, async () => (await Promise.all(ids.map(holds))).every(Boolean))

/** The partitions that the last join gave to a service. */
const owned = (service: ServiceProcess) =>
  [...service.output().matchAll(/"partitions":\[([\d,]*)\]/g)].at(-1)?.[1]?.split(',').filter(Boolean) ?? []
const sinceJoin = (service: ServiceProcess) => service.output().slice(service.output().lastIndexOf('"gained":'))
/** So that it takes a while to learn what is there: nearly as much as is read of three partitions. */
const fillSnapshots = async (count: number) => {
  const [record] = await world.topics.records('flow.customers.v1')
  const producer = world.kafka.producer()
  await producer.connect()
  for (let sent = 0; sent < count; sent += 500) {
    const messages = many(500, `filler-${sent}`).map((id) => ({ key: `${TENANT}:${id}`, value: record!.bytes }))
    await producer.send({ topic: `${world.prefix}flow.customers.v1`, messages })
  }
  await producer.disconnect()
}

it('an older version that a replica answers is not written after a newer one, by the next member neither', async () => {
  const ids = many(20, 'handed-over')
  for (const id of ids) changes.set(id, 2)
  const before = world.services.get('flow-ingest')!
  await Promise.all(ids.map((id) => notify(before, id)))
  await untilAll('their snapshots', ids, async (id) => (await snapshotsOf(id)).length === 1)
  lagOf = () => 1
  await fillSnapshots(27_000)

  expect(await before.stop()).toBe(0)
  const next = await world.start('flow-ingest')
  await Promise.all(ids.map((id) => notify(next, id)))
  await untilAll('their ends', ids, async (id) => (await endsOf(id)).length === 2)

  expect(await Promise.all(ids.map(endsOf))).toEqual(ids.map(() => ['done', 'stale']))
  expect(await Promise.all(ids.map(snapshotsOf))).toEqual(ids.map(() => [versionOf(2)]))
})

it('whatever replicas answer, snapshots are in the order of versions, by two members of which one is killed', async () => {
  const seed = newSeed()
  const chance = seeded(seed)
  const below = (n: number) => Math.floor(chance() * n)
  const ids = many(20, 'contested')
  for (const id of ids) changes.set(id, 10)
  const survivor = world.services.get('flow-ingest')!
  const victim = await world.start('flow-ingest')
  await victim.untilReady()
  await eventually('partitions of both', () => owned(survivor).length > 0 && owned(victim).length > 0)
  lagOf = () => below(4)
  const change = async (through: readonly ServiceProcess[]) => {
    const id = ids[below(ids.length)]!
    changes.set(id, changes.get(id)! + 1)
    await notify(through[below(through.length)]!, id)
  }

  for (let n = 0; n < 60; n++) await change([survivor, victim])
  await eventually('ends at both', () => [survivor, victim].every((it) => sinceJoin(it).includes('"outcome":"done"')))
  for (let n = 0; n < 60; n++) await change([survivor, victim])
  const taken = owned(victim)
  victim.signal('SIGKILL')
  expect(await victim.exited).toBe('SIGKILL')
  lagOf = () => 10
  for (const id of ids) await notify(survivor, id)
  await eventually('ends of what was taken over', () =>
    taken.every((partition) => sinceJoin(survivor).includes(`"partition":${partition},`)),
  )
  for (let n = 0; n < 60; n++) await change([survivor])
  lagOf = () => 0
  for (const id of ids) await notify(survivor, id)
  await untilAll(
    'their last versions',
    ids,
    async (id) => (await snapshotsOf(id)).at(-1) === versionOf(changes.get(id)!),
  )

  for (const id of ids) {
    const versions = await snapshotsOf(id)
    expect(versions, `${id}, KEYED_SEED=${seed}`).toEqual(versions.toSorted())
  }
})
