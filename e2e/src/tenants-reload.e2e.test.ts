import { randomUUID } from 'node:crypto'
import { readFile, rename, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { createTopics } from './create-topics.ts'
import { eventually } from './eventually.ts'
import { startWorld, TENANT, type World } from './world.ts'

/** Of a tenants file, as far as it is changed here. */
interface Entry {
  uid: string
  webhookSecrets: string[]
  flow: { token: string; requestsPerSecond?: number }
  omnium: { clientId: string; clientSecret: string; eventsTopic?: string }
}

const NEW = 'newcomer-no'
const EVENTS = `events-${randomUUID().slice(0, 8)}`

let world: World
let file: string
let original: string
const secretFile = () => join(file, '..', 'omnium-secret')

beforeAll(async () => {
  // The stand-ins know both tenants; the services' file names the second only later.
  world = await startWorld({
    file: 'reload',
    services: ['flow-ingest', 'omnium-ingest', 'customer-mapper'],
    tenants: [TENANT, NEW],
    env: { SWEEP_INTERVAL_MS: '0' },
  })
  file = world.env.TENANTS_FILE!
  original = await readFile(file, 'utf8')
})
afterAll(() => world?.stop())

const entries = (): Entry[] => JSON.parse(original)
/** As careful hands do it: under another name first. */
const put = async (text: string) => {
  await writeFile(`${file}.next`, text)
  await rename(`${file}.next`, file)
}
const putEntries = (change: (all: Entry[]) => Entry[]) => put(JSON.stringify(change(entries())))
const ready = async (name: 'flow-ingest' | 'customer-mapper') =>
  (await (await fetch(`${world.services.get(name)!.adminUrl}/ready`)).json()) as {
    ready: boolean
    tenants: { inUse: number; problem: string | null }
    circuits: { tenant: string; target: string; state: string; cause: string | null }[]
  }
const post = async (uid: string, secret: string, customer = 'nobody') => {
  const { webhookUrl } = world.services.get('flow-ingest')!
  const body = JSON.stringify({ action: 'CUSTOMER_UPDATE', customer: { Id: 1, Uid: customer } })
  const headers = { authorization: `Bearer ${secret}` }
  return (await fetch(`${webhookUrl}/webhooks/flow/${uid}`, { method: 'POST', body, headers })).status
}
const inUse = (count: number) =>
  eventually(`${count} tenants in use`, async () => {
    const all = await Promise.all((['flow-ingest', 'customer-mapper'] as const).map(ready))
    return all.every(({ tenants }) => tenants.inUse === count && tenants.problem === null)
  })
const pids = () => [...world.services.values()].map(({ pid }) => pid)

describe('the tenants file of running services', () => {
  it('takes a tenant away and brings it back, whose customers then reach Omnium', async () => {
    const before = pids()
    await putEntries((all) => all.filter(({ uid }) => uid !== NEW))
    await inUse(1)
    expect(await post(NEW, 'a-webhook-secret')).toBe(404)
    expect(await post(TENANT, 'a-webhook-secret')).toBe(202)

    await put(original)
    await inUse(2)
    world.flow.createCustomer(NEW, { customerUid: 'first', customerType: 'PERSON', firstname: 'Kari', lastname: 'Ny' })
    await eventually('the customer in Omnium', () => world.omnium.customer(NEW, 'B2C', 'first') !== undefined)

    expect(pids()).toEqual(before)
  })

  it('rotates a webhook secret: both while both are named, then the new one alone', async () => {
    const withSecrets = (webhookSecrets: string[]) => (all: Entry[]) =>
      all.map((entry) => (entry.uid === NEW ? { ...entry, webhookSecrets } : entry))

    await putEntries(withSecrets(['a-webhook-secret', 'next-secret']))
    await eventually('the next secret', async () => (await post(NEW, 'next-secret')) === 202)
    expect(await post(NEW, 'a-webhook-secret')).toBe(202)
    await putEntries(withSecrets(['next-secret']))
    await eventually('the end of the old one', async () => (await post(NEW, 'a-webhook-secret')) === 401)
    expect(await post(NEW, 'next-secret')).toBe(202)

    await put(original)
    await eventually('the first secret again', async () => (await post(NEW, 'a-webhook-secret')) === 202)
  })

  it('keeps the tenants of before while it is not valid, and says why, loudly and without a secret', async () => {
    const service = world.services.get('flow-ingest')!
    await put(original.slice(0, -20))
    await eventually('the problem', async () => (await ready('flow-ingest')).tenants.problem !== null)

    expect(await ready('flow-ingest')).toMatchObject({ ready: true, tenants: { inUse: 2 } })
    expect(await post(NEW, 'a-webhook-secret')).toBe(202)
    expect(await service.metric('sync_tenants_file_valid')).toBe(0)
    const lines = service.output().split('\n')
    const complaint = lines.filter((line) => line.includes('the tenants file is not valid')).at(-1) ?? '{}'
    expect(JSON.parse(complaint)).toMatchObject({ level: 'error' })
    expect(complaint).not.toContain('secret')

    await put(original)
    await inUse(2)
    expect(await service.metric('sync_tenants_file_valid')).toBe(1)
  })

  it('is read at once on SIGHUP, also when nothing changed', async () => {
    const service = world.services.get('flow-ingest')!
    const unchanged = () => service.metric('sync_tenants_reloads_total', { result: 'unchanged' })
    const before = await unchanged()

    service.signal('SIGHUP')
    await eventually('a look at the file', async () => (await unchanged()) === before + 1)

    expect((await ready('flow-ingest')).ready).toBe(true)
  })

  it('lets a secret file be rotated: the circuit that the old secret opened closes by the new one', async () => {
    await writeFile(secretFile(), `omnium-secret-${NEW}\n`)
    await putEntries((all) =>
      all.map((entry) =>
        entry.uid === NEW ? { ...entry, omnium: { ...entry.omnium, clientSecret: `file:${secretFile()}` } } : entry,
      ),
    )
    await inUse(2)
    world.omnium.configureTenant(NEW, { clientSecret: 'rotated-in-omnium' })
    world.omnium.expireTokens(NEW)
    world.flow.createCustomer(NEW, { customerUid: 'second', customerType: 'PERSON', firstname: 'Ola', lastname: 'Ny' })
    const circuit = async () => (await ready('customer-mapper')).circuits.find((each) => each.tenant === NEW)
    await eventually('its circuit being open', async () => (await circuit())?.state === 'open')
    expect(await circuit()).toMatchObject({ target: 'omnium', cause: 'unauthorized' })

    await writeFile(secretFile(), 'rotated-in-omnium\n')
    await eventually('the customer in Omnium', () => world.omnium.customer(NEW, 'B2C', 'second') !== undefined)

    expect(await circuit()).toMatchObject({ state: 'closed' })
    await put(original.replace(`omnium-secret-${NEW}`, 'rotated-in-omnium'))
    await inUse(2)
  })

  it('names an events topic, which is read from then on', async () => {
    const admin = world.kafka.admin()
    await admin.connect()
    await createTopics(admin, [{ topic: EVENTS, numPartitions: 1, replicationFactor: 1 }])
    await admin.disconnect()
    const producer = world.kafka.producer()
    await producer.connect()
    world.omnium.configureTenant(TENANT, { webhook: null })
    world.omnium.seed(TENANT, 'B2C', [{ customerId: 'by-kafka', firstName: 'Ola', lastName: 'Eksempel' }])
    const value = JSON.stringify({ className: 'PrivateCustomer', category: 'Created', objectId: 'by-kafka' })
    await producer.send({ topic: EVENTS, messages: [{ value }] })
    await producer.disconnect()

    const all = entries().map((entry) =>
      entry.uid === TENANT ? { ...entry, omnium: { ...entry.omnium, eventsTopic: EVENTS } } : entry,
    )
    await put(JSON.stringify(all))

    await eventually('the customer in Flow', () => world.flow.customer(TENANT, 'by-kafka') !== undefined)
  })
})
