import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { eventually } from './eventually.ts'
import type { ServiceProcess } from './service-process.ts'
import { startWorld, type World } from './world.ts'

const [NEWEST, STORM, SHARED, OWN, ONE_SLOT] = ['newest', 'storm', 'shared', 'own', 'one-slot'] as const
const SENDERS = ['customer-mapper', 'omnium-ingest', 'relation-manager'] as const
const ownUser = (sender: string) => ({ clientId: `own-${sender}`, clientSecret: 'secret', apiUser: `own-${sender}` })
const LIMITS = { requestsPerSecond: 80, maxInFlight: 16 }
const BACKLOG = 300

let world: World
const processes: ServiceProcess[] = []
beforeAll(async () => {
  world = await startWorld({
    file: 'peers-limits',
    tenants: [NEWEST, STORM, SHARED, OWN, ONE_SLOT],
    partitions: 12,
    flowFields: (uid) => (uid === ONE_SLOT ? { maxInFlight: 1 } : {}),
    omniumFields: (uid) => ({
      ...LIMITS,
      ...(uid === ONE_SLOT && { maxInFlight: 1 }),
      ...(uid === OWN && { apiUsers: Object.fromEntries(SENDERS.map((sender) => [sender, ownUser(sender)])) }),
    }),
  })
  processes.push(...world.services.values())
  world.omnium.configureTenant(OWN, { apiUsers: SENDERS.map(ownUser) })
}, 120_000)
afterAll(() => world?.stop())

/** One more instance of each service that uses Omnium. */
const doubled = async () => {
  const more = await Promise.all(SENDERS.map((name) => world.start(name)))
  await Promise.all(more.map((service) => service.untilReady()))
  processes.push(...more)
}
const person = (id: string) => ({ customerUid: id, customerType: 'PERSON', firstname: 'Kari', lastname: id })
const createPersons = (tenant: string, count: number, name = 'p') => {
  for (let i = 0; i < count; i++) world.flow.createCustomer(tenant, person(`${name}${i}`))
}
const areInOmnium = (tenant: string, count: number) => world.omnium.customers(tenant, 'B2C').length >= count
const areLinked = (tenant: string) => world.flow.customers(tenant).every(({ externalId }) => Boolean(externalId))
const openedCircuits = (tenant: string) =>
  processes.flatMap((service) =>
    service
      .output()
      .split('\n')
      .filter((line) => line.includes('circuit open') && line.includes(`"tenant":"${tenant}"`)),
  )
const outcomesOf = async (tenant: string) =>
  (await world.topics.records('sync.outcomes.v1')).flatMap(({ value }) => (value?.tenant === tenant ? [value] : []))

describe('a storm of answers 429', () => {
  it('opens no circuit, counts no attempt, and delays nothing longer than the answers ask for', async () => {
    const storm = { kind: 'status', status: 429, retryAfterSeconds: 1, chance: 0.9, seed: 7, tenant: STORM } as const
    world.omnium.faults.add({ ...storm, forMs: 8_000 })
    createPersons(STORM, 60)
    await eventually('the end of the storm', () => world.omnium.faults.list().length === 0 || areInOmnium(STORM, 60))
    await eventually('the customers', () => areInOmnium(STORM, 60) && areLinked(STORM), 30_000)

    await eventually('the outcomes', async () => (await outcomesOf(STORM)).length >= 120)
    const outcomes = await outcomesOf(STORM)
    expect(outcomes.filter(({ outcome }) => outcome === 'parked')).toEqual([])
    expect(outcomes.filter(({ attempts }) => attempts > 0)).toEqual([])
    expect(openedCircuits(STORM)).toEqual([])
  })
})

describe('a tenant with one slot at each peer', () => {
  it('is served: customers go both ways, without a deadlock', async () => {
    createPersons(ONE_SLOT, 25)
    for (let i = 0; i < 10; i++) {
      world.omnium.createCustomer(ONE_SLOT, 'B2C', { customerId: `w${i}`, firstName: 'Web' })
      world.omnium.createOrder(ONE_SLOT, { id: `o${i}`, customerId: `w${i}`, customerType: 'B2C' })
    }

    await eventually('all in Omnium', () => areInOmnium(ONE_SLOT, 35) && areLinked(ONE_SLOT), 90_000)
    await eventually('all in Flow', () => world.flow.customers(ONE_SLOT).length >= 35, 90_000)
  })
})

describe('a backlog for Omnium, with the documented limits on', () => {
  it('is worked off within the limits, with a shared API user and with one for each service', async () => {
    for (const tenant of [SHARED, OWN]) {
      world.omnium.faults.add({ kind: 'latency', latencyMs: 100, tenant })
      world.omnium.limits.reset(tenant)
      createPersons(tenant, BACKLOG)
    }
    await eventually('all in Omnium', () => [SHARED, OWN].every((tenant) => areInOmnium(tenant, BACKLOG)), 180_000)

    const counts = world.omnium.limits.counts()
    for (const tenant of [SHARED, OWN]) {
      const { requests, refused, maxConcurrent, apiUsers } = counts[tenant]!
      expect(refused).toBeLessThanOrEqual(requests / 100)
      expect(maxConcurrent).toBeLessThanOrEqual(40)
      for (const user of Object.values(apiUsers)) expect(user.maxConcurrent).toBeLessThanOrEqual(20)
    }
  }, 240_000)
})

describe('an API user of which only the newest token is valid', () => {
  it('serves three services with two instances each, with two fetches a minute at most, and no alert', async () => {
    await doubled()
    world.omnium.setModes(NEWEST, { newestTokenOnly: true })
    const fetches = () =>
      Promise.all(
        processes.map((service) =>
          service.metric('sync_target_requests_total', { operation: 'token', target: 'omnium', status: '2xx' }),
        ),
      )
    const before = await fetches()
    const startedAt = performance.now()

    for (let round = 0; round < 4; round++) {
      createPersons(NEWEST, 3, `r${round}-`)
      world.omnium.createCustomer(NEWEST, 'B2C', { customerId: `w${round}`, firstName: 'Web' })
      world.omnium.createOrder(NEWEST, { id: `o${round}`, customerId: `w${round}`, customerType: 'B2C' })
      await eventually('a while', () => performance.now() > startedAt + (round + 1) * 2_000)
    }
    await eventually('all in Omnium', () => areInOmnium(NEWEST, 16) && areLinked(NEWEST), 240_000)
    await eventually('all in Flow', () => world.flow.customers(NEWEST).length >= 16, 120_000)

    const minutes = Math.floor((performance.now() - startedAt) / 60_000) + 1
    const after = await fetches()
    // The other tenants were first used before.
    expect(Math.max(...after.map((count, i) => count - before[i]!))).toBeLessThanOrEqual(2 * minutes)
    expect(openedCircuits(NEWEST)).toEqual([])
    for (const service of processes) expect(await service.metrics()).not.toMatch(/^sync_credentials_refused\{/m)
  }, 400_000)
})
