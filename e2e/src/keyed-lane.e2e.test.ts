import { randomUUID } from 'node:crypto'
import { keyOf } from '@sync/shared/kafka/publisher'
import { compareVersions } from '@sync/shared/version'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { eventually } from './eventually.ts'
import { newSeed, seeded } from './seeded.ts'
import type { ReadRecord } from './topic-reader.ts'
import { startWorld, TENANT, type World } from './world.ts'

const INPUT = 'flow.customers.v1'
const LANE = 'customer-mapper.retry.v1'
let world: World
beforeAll(async () => {
  world = await startWorld({
    file: 'keyed-lane',
    services: ['flow-ingest', 'customer-mapper'],
    env: { KAFKA_SESSION_TIMEOUT_MS: '6000', LOG_LEVEL: 'warn' },
  })
})
afterAll(() => world?.stop())

const register = (count: number): string[] =>
  Array.from({ length: count }, () => {
    const customerUid = `l-${randomUUID().slice(0, 8)}`
    world.flow.createCustomer(TENANT, { customerUid, customerType: 'PERSON', firstname: 'Kari', lastname: 'Eksempel' })
    return customerUid
  })
const cityOf = (uid: string) =>
  (world.omnium.customer(TENANT, 'B2C', uid)?.address as { city?: string } | undefined)?.city
const writesOf = (uid: string) => world.omnium.journal.writes({ id: uid }).filter(({ requestId }) => requestId !== null)
const inversionsOf = (uid: string) =>
  writesOf(uid).filter(({ version }, i, all) => i > 0 && compareVersions(version, all[i - 1]!.version) < 0)
const untilCommitted = () =>
  eventually('the commit of all', async () => {
    for (const topic of [INPUT, LANE] as const) {
      const committed = await world.topics.committed('customer-mapper', topic)
      for (const [partition, end] of await world.topics.ends(topic)) {
        if (end > 0 && committed.get(partition) !== end) return false
      }
    }
    return true
  })
const toLane = (why: 'redriven' | 'replayed', { key, bytes, partition, offset }: ReadRecord) =>
  world.topics.write(LANE, {
    key,
    value: bytes,
    headers: {
      'lane-why': why,
      'lane-topic': world.prefix + INPUT,
      'lane-partition': String(partition),
      'lane-offset': String(offset),
      'lane-redrives': '1',
    },
  })

describe('redriven and replayed records', () => {
  it('that race with live ones of their keys never bring back an older version', async () => {
    const seed = newSeed()
    const random = seeded(seed)
    const ids = register(15)
    await eventually('all in Omnium', () => ids.every((uid) => world.omnium.customer(TENANT, 'B2C', uid) !== undefined))
    world.omnium.faults.add({ kind: 'latency', latencyMs: 20 })

    const records = await world.topics.records(INPUT)
    await eventually('their snapshots', () => records.length >= ids.length)

    const last = new Map<string, string>()
    for (let round = 0; round < 20; round++) {
      for (const uid of ids) {
        if (random() < 0.5) continue
        last.set(uid, `City ${round}`)
        world.flow.editCustomer(TENANT, uid, { city: `City ${round}` })
      }
      const why = random() < 0.5 ? 'redriven' : 'replayed'
      await Promise.all(Array.from({ length: 5 }, () => toLane(why, records[Math.floor(random() * records.length)]!)))
    }

    await eventually('the last edit of each', () => [...last].every(([uid, city]) => cityOf(uid) === city))
    await untilCommitted()
    world.omnium.faults.abandon()
    const outcomes = await world.topics.records('sync.outcomes.v1')
    await eventually('the outcomes of the lane', () => outcomes.filter(({ value }) => value?.lane).length >= 100)
    const writes = ids.reduce((sum, uid) => sum + writesOf(uid).length, 0)
    console.log(`racing with the lane: ${writes} writes for ${ids.length} customers and 100 lane records`)
    expect({ seed, inversions: ids.flatMap(inversionsOf) }).toEqual({ seed, inversions: [] })
    expect([...last].filter(([uid, city]) => cityOf(uid) !== city)).toEqual([])
    expect(await world.topics.records('customer-mapper.dead-letters.v1')).toEqual([])
  })
})

describe('a write whose end is unknown', () => {
  const verifying = async (uid: string) =>
    (await world.topics.records(LANE)).filter(
      ({ key, headers }) => key === keyOf(TENANT, uid) && headers['lane-why'] === 'verify',
    )
  const verified = async (uid: string) =>
    (await world.topics.records('sync.outcomes.v1')).filter(({ value }) => value?.id === uid && value.lane === 'verify')

  it('is looked at again after twice the deadline when its reply was lost', async () => {
    const [uid] = register(1) as [string]
    await eventually('the customer in Omnium', () => world.omnium.customer(TENANT, 'B2C', uid) !== undefined)
    world.omnium.faults.add({ kind: 'reply-lost', method: 'POST', path: '*Update', customerId: uid, count: 1 })
    const writtenAt = Date.now()

    world.flow.editCustomer(TENANT, uid, { city: 'Bergen' })

    await eventually('the verify record', async () => (await verifying(uid)).length === 1)
    await eventually('its outcome', async () => (await verified(uid)).length === 1)
    const outcome = (await verified(uid))[0]?.value
    // The deadline is 2,400 ms of a session of 6,000.
    expect(Date.parse(outcome?.endedAt ?? '') - writtenAt).toBeGreaterThanOrEqual(4_800)
    expect(outcome?.reason).toBe('unchanged')
    expect(cityOf(uid)).toBe('Bergen')
    await untilCommitted()
  })

  it('and that undoes a newer one by its late execution is mended', async () => {
    const [uid] = register(1) as [string]
    await eventually('the customer in Omnium', () => world.omnium.customer(TENANT, 'B2C', uid) !== undefined)
    const late = world.omnium.faults.add({ kind: 'late', method: 'POST', path: '*Update', customerId: uid, count: 1 })

    world.flow.editCustomer(TENANT, uid, { city: 'Old' })
    await eventually('the verify record', async () => (await verifying(uid)).length === 1)
    world.flow.editCustomer(TENANT, uid, { city: 'New' })
    await eventually('the newer one', () => cityOf(uid) === 'New')
    expect(world.omnium.faults.release(late)).toBe(1)
    await eventually('the late execution', () => cityOf(uid) === 'Old')

    await eventually('its mending', () => cityOf(uid) === 'New')
    await eventually('the end of the verify record', async () => (await verified(uid)).length === 1)
    await untilCommitted()
    expect(cityOf(uid)).toBe('New')
  })
})
