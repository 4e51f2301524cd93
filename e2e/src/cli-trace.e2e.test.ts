import { afterAll, beforeAll, expect, it } from 'vitest'
import { eventually } from './eventually.ts'
import { type Syncctl, syncctlFor } from './syncctl.ts'
import { startWorld, TENANT, type World } from './world.ts'

let world: World
let syncctl: Syncctl
beforeAll(async () => {
  world = await startWorld({ file: 'cli-trace' })
  syncctl = await syncctlFor(world.env)
})
afterAll(() => world?.stop())

interface Event {
  at: string
  event: string
  service: string
  topic: string
  partition: number
  outcome?: string
  operation?: string
  changed?: string[]
  latencyMs?: number
  durationMs?: number
}
const trace = (customer: string, ...more: string[]) =>
  syncctl.json<Event>('trace', '--tenant', TENANT, '--customer', customer, '--json', ...more)
const person = (customerUid: string) => ({ customerUid, customerType: 'PERSON', firstname: 'Kari', lastname: 'E' })
const inOmnium = (id: string) => world.omnium.customer(TENANT, 'B2C', id)

it('tells what happened to a customer in the order of time, with what changed and how long it took', async () => {
  world.flow.createCustomer(TENANT, person('t1'))
  // An edit before the link would be read once more, because the link may hide the edit.
  await eventually('the link', () => world.flow.customer(TENANT, 't1')?.externalId === 't1')
  world.flow.editCustomer(TENANT, 't1', { mobile: '+4711111111' })
  await eventually('the edit', () => inOmnium('t1')?.phone === '+4711111111')

  let events: Event[] = []
  await eventually('the end of the edit in the trace', async () => {
    events = await trace('t1')
    return events.some(({ operation, changed }) => operation === 'updated' && changed?.includes('phone'))
  })

  expect(events.map(({ at }) => at)).toEqual(events.map(({ at }) => at).toSorted())
  expect(new Set(events.map(({ event }) => event))).toEqual(new Set(['notified', 'fetched', 'ended']))
  const created = events.find(({ operation }) => operation === 'created')
  expect(created).toMatchObject({
    service: 'customer-mapper',
    outcome: 'done',
    changed: expect.arrayContaining(['firstName']),
  })
  expect(created?.latencyMs).toBeLessThan(60_000)
  expect(created?.durationMs).toBeGreaterThan(0)
  // Of the key's partition and no other.
  expect(new Set(events.map(({ partition }) => partition)).size).toBe(1)
})

it('tells of nothing before the given time, and of nobody else', async () => {
  world.flow.createCustomer(TENANT, person('t2'))
  await eventually('the customer', () => inOmnium('t2') !== undefined)

  expect(await trace('t1', '--since', new Date(Date.now() + 60_000).toISOString())).toEqual([])
  const text = JSON.stringify(await trace('t2'))
  expect(text).not.toContain('t1')
  // Names, never values.
  expect(text).not.toContain('Kari')
})

it('follows a web order from its event to the customer in Flow', async () => {
  world.omnium.createCustomer(TENANT, 'B2C', { customerId: 'web@example.com', firstName: 'Ola', lastName: 'E' })
  world.omnium.createOrder(TENANT, { id: 'o-1', customerId: 'web@example.com', customerType: 'B2C' })
  await eventually('the customer in Flow', () => world.flow.customer(TENANT, 'web@example.com') !== undefined)

  await eventually('order and creation in the trace', async () => {
    const events = await trace('web@example.com')
    const topics = events.map(({ topic, event }) => `${topic} ${event}`)
    return topics.includes('omnium.orders.v1 fetched') && events.some(({ operation }) => operation === 'created')
  })
  const order = (await trace('web@example.com')).filter(({ topic }) => topic === 'omnium.notifications.v1')
  expect(order.map((event) => JSON.stringify(event)).join()).toContain('order o-1')
})

it('shows what the parents of a company were told of it', async () => {
  const company = (customerUid: string) => ({ customerUid, customerType: 'COMPANY', companyName: customerUid })
  world.flow.createCustomer(TENANT, company('p-1'))
  world.flow.createCustomer(TENANT, { ...company('c-1'), parentCustomer: { customerUid: 'p-1' } })

  await eventually('both ends in the trace', async () => {
    const events = await trace('c-1')
    const said = events.map(({ event, service }) => `${service} ${event}`)
    return said.includes('relation-manager child-changed') && said.includes('relation-manager ended')
  })
})

it('finds nothing of a customer whom nobody knows, and says so', async () => {
  const { code, out, err } = await syncctl('trace', '--tenant', TENANT, '--customer', 'nobody')

  expect({ code, out }).toEqual({ code: 0, out: '' })
  expect(err).toContain('Nothing is known of customer nobody')
  expect(await trace('nobody')).toEqual([])
})

it('refuses a tenant that the file does not name', async () => {
  const { code, err } = await syncctl('trace', '--tenant', 'nobody', '--customer', '1')

  expect(code).toBe(64)
  expect(err).toContain(`unknown tenant 'nobody'; known: ${TENANT}`)
})

it('shows how far each service is, and what was set aside', async () => {
  await world.topics.write('flow.customers.v1', { key: `${TENANT}:poison`, value: Buffer.from('no json') })

  interface Lag {
    service: string
    topic: string
    lag: number
    parked: number
    oldestWaitingMs: number | null
  }
  await eventually('the parked record in the lag', async () => {
    const lags = await syncctl.json<Lag>('lag', '--json')
    const own = lags.filter(({ service, topic }) => service === 'customer-mapper' && topic === 'flow.customers.v1')
    return own.reduce((sum, { parked }) => sum + parked, 0) === 1 && lags.every(({ lag }) => lag === 0)
  })
  const mapper = world.services.get('customer-mapper')!
  await mapper.stop()
  world.flow.editCustomer(TENANT, 't1', { mobile: '+4722222222' })
  await eventually('the waiting record in the lag', async () => {
    const lags = await syncctl.json<Lag>('lag', '--service', 'customer-mapper', '--json')
    const waiting = lags.filter(({ lag }) => lag > 0)
    return waiting.length === 1 && waiting[0]!.topic === 'flow.customers.v1' && (waiting[0]!.oldestWaitingMs ?? 0) > 0
  })
  expect((await syncctl('lag')).out).toMatch(/customer-mapper +1 record behind, the oldest .* old, 1 parked/)
})
