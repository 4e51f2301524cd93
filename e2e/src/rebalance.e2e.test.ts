import { randomUUID } from 'node:crypto'
import { setTimeout as delay } from 'node:timers/promises'
import type { ServiceName } from '@sync/shared/kafka/topics'
import { compareVersions } from '@sync/shared/version'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { eventually } from './eventually.ts'
import { type ServiceProcess, startService } from './service-process.ts'
import { startWorld, TENANT, type World } from './world.ts'

const CUSTOMERS = 40
const MAPPER: ServiceName = 'customer-mapper'

let world: World
const extra = new Set<ServiceProcess>()
beforeAll(async () => {
  world = await startWorld({
    file: 'rebalance',
    partitions: 6,
    env: { KAFKA_SESSION_TIMEOUT_MS: '6000', LOG_LEVEL: 'warn' },
  })
})
afterAll(async () => {
  await Promise.all([...extra].map((service) => service.stop()))
  await world?.stop()
})

const join = async () => {
  const service = await startService(MAPPER, world.env)
  extra.add(service)
  await service.untilReady()
  return service
}
const leave = async (service: ServiceProcess, signal: NodeJS.Signals) => {
  service.signal(signal)
  extra.delete(service)
  return service.exited
}

/** Edits customers at random until told to stop; answers what the last edit of each was. */
function edit(ids: readonly string[]) {
  const last = new Map<string, string>()
  let running = true
  const stopped = (async () => {
    for (let n = 0; running; n++) {
      const uid = ids[Math.floor(Math.random() * ids.length)]!
      const city = `City ${n}`
      world.flow.editCustomer(TENANT, uid, { city })
      last.set(uid, city)
      await delay(5)
    }
  })()
  return {
    async stop() {
      running = false
      await stopped
      return last
    },
  }
}

const cityOf = (uid: string) =>
  (world.omnium.customer(TENANT, 'B2C', uid)?.address as { city?: string } | undefined)?.city

/** Versions that the API wrote to a customer in the order in which they took effect. */
const inversionsOf = (uid: string) => {
  const versions = world.omnium.journal
    .writes({ id: uid })
    .filter(({ requestId }) => requestId !== null)
    .map(({ version }) => version)
  return versions.filter((version, i) => i > 0 && compareVersions(version, versions[i - 1]) < 0).length
}

describe('under load', () => {
  it.each<[string, () => Promise<void>]>([
    [
      'members join and leave',
      async () => {
        const second = await join()
        const third = await join()
        await leave(second, 'SIGTERM')
        await leave(third, 'SIGTERM')
      },
    ],
    [
      'a member is killed',
      async () => {
        const second = await join()
        await delay(500)
        await leave(second, 'SIGKILL')
        await delay(9_000)
      },
    ],
    [
      'a member freezes for longer than its session and wakes up',
      async () => {
        const second = await join()
        await delay(500)
        second.signal('SIGSTOP')
        await delay(13_000)
        second.signal('SIGCONT')
        await delay(1_000)
        await leave(second, 'SIGTERM')
      },
    ],
    [
      'replies are lost and requests fail',
      async () => {
        world.omnium.faults.add({ kind: 'reply-lost', method: 'POST', path: '*Update', count: 10 })
        world.omnium.faults.add({ kind: 'status', status: 503, count: 10 })
        await delay(3_000)
      },
    ],
  ])('nothing is lost and no effect goes backwards while %s', async (_case, disturb) => {
    const ids = Array.from({ length: CUSTOMERS }, () => `r-${randomUUID().slice(0, 8)}`)
    for (const customerUid of ids) {
      world.flow.createCustomer(TENANT, {
        customerUid,
        customerType: 'PERSON',
        firstname: 'Kari',
        lastname: 'Eksempel',
      })
    }
    const editing = edit(ids)

    await disturb()
    const last = await editing.stop()
    world.omnium.faults.abandon()

    await eventually('the last edit of every customer', () => [...last].every(([uid, city]) => cityOf(uid) === city))
    expect(ids.map(inversionsOf).filter((count) => count > 0)).toEqual([])
    expect(await world.topics.records('customer-mapper.dead-letters.v1')).toEqual([])
    await eventually('the commit of all', () => world.topics.isCommitted(MAPPER, 'flow.customers.v1'))
  })
})
