import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { eventually } from './eventually.ts'
import type { ServiceProcess } from './service-process.ts'
import { startWorld, type World } from './world.ts'

const INTERVAL_MS = 400
const TENANTS = ['one-no', 'two-no', 'three-no', 'four-no']
const [TENANT] = TENANTS as [string, ...string[]]

let world: World
beforeAll(async () => {
  world = await startWorld({
    file: 'sweep',
    services: ['flow-ingest', 'omnium-ingest'],
    tenants: TENANTS,
    partitions: 12,
    env: { SWEEP_INTERVAL_MS: String(INTERVAL_MS), SWEEP_OVERLAP_MS: '2000', KAFKA_SESSION_TIMEOUT_MS: '6000' },
  })
  // No webhook ever comes.
  for (const uid of TENANTS) {
    world.flow.configureTenant(uid, { webhook: null })
    world.omnium.configureTenant(uid, { webhook: null })
  }
})
afterAll(() => world?.stop())

const requests = (source: 'flow' | 'omnium') => world[source].journal.entries().filter((it) => it.kind === 'request')
const isList = ({ method, path }: { method: string; path: string }) =>
  (method === 'GET' && path.endsWith('/customers')) || path.endsWith('/Search')
const lists = (source: 'flow' | 'omnium', tenant = TENANT) =>
  requests(source).filter((it) => it.tenant === tenant && isList(it))
const reads = (source: 'flow' | 'omnium') => requests(source).filter((it) => it.method === 'GET' && !isList(it)).length
/** So many whole sweeps of a tenant from now on; Omnium's are of three lists. */
const sweeps = async (source: 'flow' | 'omnium', count: number) => {
  const before = lists(source).length
  await eventually('sweeps', () => lists(source).length >= before + count * (source === 'flow' ? 1 : 3))
}
const idsOn = async (topic: 'flow.customers.v1' | 'omnium.customers.v1' | 'omnium.orders.v1') =>
  new Set((await world.topics.records(topic)).flatMap(({ value }) => value?.id ?? []))
const person = (n: number | string) => ({
  customerUid: `p-${n}`,
  customerType: 'PERSON',
  firstname: 'Kari',
  lastname: `${n}`,
})

describe('changes whose webhook never came', () => {
  it('are found in Flow, in Omnium, of every kind, and read once', async () => {
    await sweeps('flow', 1)
    await sweeps('omnium', 1)
    for (let n = 0; n < 250; n++) world.flow.createCustomer(TENANT, person(n))
    for (let n = 0; n < 30; n++)
      world.omnium.createCustomer(TENANT, 'B2C', { customerId: `private-${n}`, firstName: 'Ola' })
    for (let n = 0; n < 30; n++)
      world.omnium.createCustomer(TENANT, 'B2B', { customerId: `business-${n}`, name: 'Eksempel AS' })
    for (let n = 0; n < 30; n++)
      world.omnium.createOrder(TENANT, { id: `order-${n}`, customerId: `private-${n}`, customerType: 'B2C' })

    await eventually('all of Flow', async () => (await idsOn('flow.customers.v1')).size === 250)
    await eventually('all customers of Omnium', async () => (await idsOn('omnium.customers.v1')).size === 60)
    await eventually('all orders of Omnium', async () => (await idsOn('omnium.orders.v1')).size === 30)
    const before = [reads('flow'), reads('omnium')]
    await sweeps('flow', 3)
    await sweeps('omnium', 3)

    expect(before).toEqual([250, 90])
    expect([reads('flow'), reads('omnium')]).toEqual(before)
  })

  it('are found when they share one time by the thousand', async () => {
    const modified = new Date().toISOString()
    world.omnium.seed(
      TENANT,
      'B2C',
      Array.from({ length: 1_250 }, (_, n) => ({ customerId: `same-${n}`, firstName: 'Ola', modified })),
    )

    await eventually('all of them', async () => {
      const ids = await idsOn('omnium.customers.v1')
      return Array.from({ length: 1_250 }, (_, n) => `same-${n}`).every((id) => ids.has(id))
    })
    expect(requests('omnium').filter(({ status }) => status !== null && status >= 400)).toEqual([])
  })

  it('are found when they are made while a service is away, by its mark', async () => {
    await sweeps('flow', 2)
    const service = world.services.get('flow-ingest')!
    expect(await service.stop()).toBe(0)
    for (let n = 0; n < 5; n++) world.flow.createCustomer(TENANT, person(`away-${n}`))
    // Longer than the overlap: without the stored mark, the next one would begin behind them.
    await new Promise((resolve) => setTimeout(resolve, 2_500))
    await (await world.start('flow-ingest')).untilReady()
    world.flow.configureTenant(TENANT, { webhook: null })

    await eventually('those', async () => {
      const ids = await idsOn('flow.customers.v1')
      return [0, 1, 2, 3, 4].every((n) => ids.has(`p-away-${n}`))
    })
  })
})

describe('several members of a group', () => {
  it('sweep each tenant once an interval, and take over from one that is killed', async () => {
    const more: ServiceProcess[] = []
    for (const instance of ['b', 'c']) more.push(await world.start('flow-ingest', { SERVICE_INSTANCE_ID: instance }))
    for (const service of more) await service.untilReady()
    for (const uid of TENANTS) world.flow.configureTenant(uid, { webhook: null })
    await eventually('partitions of each', async () => {
      const metrics = await Promise.all(more.map((service) => service.metrics()))
      return metrics.every((text) => text.includes('sync_consumer_lag_records{'))
    })
    await sweeps('flow', 2)
    const startedAt = performance.now()
    const before = TENANTS.map((uid) => lists('flow', uid).length)
    await sweeps('flow', 10)
    const rounds = (performance.now() - startedAt) / INTERVAL_MS
    const listed = TENANTS.map((uid, index) => lists('flow', uid).length - before[index]!)

    // A member more would double them; one list of three pages may be met at either end.
    for (const count of listed) expect(count).toBeLessThanOrEqual(Math.ceil(rounds) * 1.4 + 3)
    more[1]!.signal('SIGKILL')
    await more[1]!.exited
    for (const uid of TENANTS) {
      const at = lists('flow', uid).length
      await eventually(`a sweep of ${uid}`, () => lists('flow', uid).length > at + 2)
    }
  })
})
