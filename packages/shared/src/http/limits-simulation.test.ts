import { describe, expect, it } from 'vitest'
import { SyncError } from '../errors.ts'
import { assignPartitions } from '../kafka/assigner.ts'
import type { Sender } from '../senders.ts'
import { aCall, aTenant } from '../testing/builders.ts'
import { createManualTime } from '../testing/manual-time.ts'
import { createSimulatedClients } from '../testing/simulated-clients.ts'
import type { Send } from './request.ts'
import { DEFAULT_SHARES } from './shares.ts'

const SECOND = 1_000
const SERVICES = ['customer-mapper', 'omnium-ingest', 'relation-manager'] as const
const PARTITIONS = 12

const ownUser = (sender: Sender) => ({ clientId: sender, clientSecret: 's', apiUser: sender })
const apiUsers = Object.fromEntries([...SERVICES, 'syncctl' as const].map((sender) => [sender, ownUser(sender)]))
const sharedUser = aTenant()
const userForEach = aTenant({ omnium: { ...aTenant().omnium, apiUsers } })

interface WorldOptions {
  readonly tenant: typeof sharedUser
  readonly instances: number
  readonly latencyMs: number
  /** Requests that another system keeps in flight with the same credentials. */
  readonly others?: number
}

/** All services, with all layers of their clients, in front of an Omnium that enforces its documented limits. */
const aWorld = ({ tenant, instances, latencyMs, others = 0 }: WorldOptions) => {
  const time = createManualTime()
  let seed = 11
  const random = () => {
    seed = (seed * 48_271) % 2_147_483_647
    return seed / 2_147_483_647
  }
  const wait = (ms: number) => new Promise<void>((resolve) => void time.schedule(resolve, ms))
  const inFlight = new Map<string, number>()
  const most = { user: 0, tenant: 0 }
  const counts = { sent: 0, throttled: 0 }
  const answered: Record<string, number> = {}
  const isOpen = new Set<string>()

  const sendOf =
    (service: Sender): Send =>
    async ({ operation, path, headers }) => {
      if (operation === 'token') {
        const accessToken = new URLSearchParams(path.split('?')[1]).get('clientId')
        return { status: 200, headers: {}, text: JSON.stringify({ accessToken, expiresIn: 3_600 }) }
      }
      const user = headers?.authorization ?? ''
      const ofUser = (inFlight.get(user) ?? 0) + 1
      const ofTenant = [...inFlight.values()].reduce((sum, each) => sum + each, 0) + 1
      counts.sent++
      if (ofUser + others > 20 || ofTenant > 40) {
        counts.throttled++
        await wait(5)
        return { status: 429, headers: { 'retry-after': '1' }, text: '' }
      }
      most.user = Math.max(most.user, ofUser)
      most.tenant = Math.max(most.tenant, ofTenant)
      inFlight.set(user, ofUser)
      await wait(latencyMs * (0.8 + random() * 0.4))
      inFlight.set(user, inFlight.get(user)! - 1)
      answered[service] = (answered[service] ?? 0) + 1
      return { status: 200, headers: {}, text: '{"customerId":"1"}' }
    }
  const processes = SERVICES.flatMap((service) => {
    const members = Array.from({ length: instances }, (_, i) => ({ memberId: `${i}`, instanceId: `${service}-${i}` }))
    return [...assignPartitions(members, PARTITIONS).values()].map((own) => {
      const shares = DEFAULT_SHARES[service]
      const clients = createSimulatedClients({ time, random, service, shares, send: sendOf(service) })
      clients.setPartitions(own, PARTITIONS)
      return { service, ...clients }
    })
  })
  let keys = 0
  /** One record: the read that decides, and the write, tried again as the runtime would. Resolves with how long it took. */
  const handle = async ({ omnium, circuits }: (typeof processes)[number], isRetryTopic = false): Promise<number> => {
    const enteredAt = time.now()
    const call = aCall({ tenant, key: `acme:${++keys}`, isRetryTopic })
    for (;;) {
      try {
        await omnium.inSlot(call, async (held) => {
          await omnium.getCustomer(held, 'B2C', '1')
          await omnium.getCustomer(held, 'B2C', '1')
        })
        return time.now() - enteredAt
      } catch (error) {
        if (!(error instanceof SyncError) || error.code !== 'target-throttled') throw error
        for (const { state } of circuits.list()) isOpen.add(state)
        await wait(error.retryAfterMs ?? SECOND)
      }
    }
  }
  const backlog = async (process: (typeof processes)[number], isRetryTopic = false): Promise<void> => {
    for (;;) await handle(process, isRetryTopic)
  }
  const perSecond = async (service: Sender, seconds: number) => {
    const before = answered[service] ?? 0
    await time.advance(seconds * SECOND)
    return ((answered[service] ?? 0) - before) / seconds
  }
  return { time, processes, handle, backlog, perSecond, most, counts, isOpen }
}

describe('all services with a backlog, in front of an Omnium that enforces its limits', () => {
  it.each([
    { users: 'one API user for all', tenant: sharedUser, instances: 1, latencyMs: 100, slots: 9 },
    { users: 'one API user for all', tenant: sharedUser, instances: 3, latencyMs: 100, slots: 9 },
    { users: 'one API user for all', tenant: sharedUser, instances: 3, latencyMs: 400, slots: 9 },
    // Of 12 partitions 5 instances own 3, 3, 2, 2 and 2, which is 7 whole slots.
    { users: 'one API user for all', tenant: sharedUser, instances: 5, latencyMs: 300, slots: 7 },
    { users: 'an API user for each', tenant: userForEach, instances: 1, latencyMs: 100, slots: 14 },
    { users: 'an API user for each', tenant: userForEach, instances: 3, latencyMs: 100, slots: 14 },
    { users: 'an API user for each', tenant: userForEach, instances: 3, latencyMs: 400, slots: 14 },
  ])(
    'use what they may, with $users, $instances instances and $latencyMs ms',
    async ({ tenant, instances, latencyMs, slots }) => {
      const world = aWorld({ tenant, instances, latencyMs })
      for (const process of world.processes) for (let i = 0; i < 30; i++) void world.backlog(process)
      await world.time.advance(2 * SECOND)

      const rate = await world.perSecond('customer-mapper', 10)

      const share = tenant === sharedUser ? DEFAULT_SHARES['customer-mapper'].omnium : 1
      expect(rate).toBeGreaterThan(0.8 * Math.min(80 * share, (slots * SECOND) / latencyMs))
      expect(rate).toBeLessThan(80 * share * 1.1)
      expect(world.counts.throttled).toBeLessThanOrEqual(world.counts.sent / 100)
      expect(world.most.user).toBeLessThanOrEqual(20)
      expect(world.most.tenant).toBeLessThanOrEqual(40)
    },
  )

  it.each([1, 3])(
    'let live changes through within a second beside work of the retry topic, with %d instances',
    async (instances) => {
      const world = aWorld({ tenant: sharedUser, instances, latencyMs: 100 })
      const mappers = world.processes.filter(({ service }) => service === 'customer-mapper')
      for (const process of mappers) for (let i = 0; i < 50; i++) void world.backlog(process, true)
      await world.time.advance(2 * SECOND)

      const took: number[] = []
      for (let i = 0; i < 100; i++) {
        void world.handle(mappers[i % mappers.length]!).then((ms) => took.push(ms))
        await world.time.advance(300)
      }
      await world.time.advance(2 * SECOND)

      expect(took).toHaveLength(100)
      expect(took.toSorted((a, b) => b - a)[1]).toBeLessThan(SECOND)
    },
  )

  it('give way to another system that uses the same credentials, and open no circuit', async () => {
    const world = aWorld({ tenant: sharedUser, instances: 3, latencyMs: 100, others: 12 })
    for (const process of world.processes) for (let i = 0; i < 30; i++) void world.backlog(process)
    await world.time.advance(20 * SECOND)
    const { sent, throttled } = { ...world.counts }

    const rate = await world.perSecond('customer-mapper', 20)

    expect(world.isOpen).toEqual(new Set(['closed']))
    expect(rate).toBeGreaterThan(10)
    expect((world.counts.throttled - throttled) / (world.counts.sent - sent)).toBeLessThan(0.25)
  })
})
