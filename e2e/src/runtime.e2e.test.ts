import { randomUUID } from 'node:crypto'
import { keyOf } from '@sync/shared/kafka/publisher'
import { ConfigResourceTypes } from 'kafkajs'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { eventually } from './eventually.ts'
import { startWorld, TENANT, type World } from './world.ts'

const OTHER = 'bolt-se'
let world: World
beforeAll(async () => {
  world = await startWorld({
    file: 'runtime',
    tenants: [TENANT, OTHER],
    partitions: 1,
    env: { RETRY_MAX_ATTEMPTS: '4', KAFKA_SESSION_TIMEOUT_MS: '10000' },
  })
})
afterAll(() => world?.stop())

const newIds = (count: number) => Array.from({ length: count }, () => `c-${randomUUID().slice(0, 8)}`)
const register = (uid: string, tenant = TENANT) =>
  world.flow.createCustomer(tenant, {
    customerUid: uid,
    customerType: 'PERSON',
    firstname: 'Kari',
    lastname: 'Eksempel',
  })
const inOmnium = (uid: string, tenant = TENANT) => world.omnium.customer(tenant, 'B2C', uid)
const offsetOf = async (uid: string) => {
  let offset = -1
  await eventually('the snapshot on its topic', async () => {
    const records = await world.topics.records('flow.customers.v1')
    offset = records.find(({ key }) => key === keyOf(TENANT, uid))?.offset ?? -1
    return offset >= 0
  })
  return offset
}
const committed = async () => (await world.topics.committed('customer-mapper', 'flow.customers.v1')).get(0) ?? -1
const deadLetters = async () => world.topics.records('customer-mapper.dead-letters.v1')
const requests = (matches: (path: string, method: string) => boolean) =>
  world.omnium.journal
    .entries({ kind: 'request' })
    .filter((entry) => entry.kind === 'request' && matches(decodeURIComponent(entry.path), entry.method))

describe('the committed offset', () => {
  it('stays before a record that is still handled while those after it end, and a crash loses none of them', async () => {
    const [slow, ...others] = newIds(6) as [string, ...string[]]
    world.omnium.faults.add({ kind: 'hang', path: `*${slow}` })

    register(slow)
    const slowOffset = await offsetOf(slow)
    for (const uid of others) register(uid)
    await eventually('the others being applied', () => others.every((uid) => inOmnium(uid) !== undefined))
    expect(await committed()).toBeLessThanOrEqual(slowOffset)

    const mapper = world.services.get('customer-mapper')!
    mapper.signal('SIGKILL')
    await mapper.exited
    world.omnium.faults.abandon()
    expect(await committed()).toBeLessThanOrEqual(slowOffset)
    await world.start('customer-mapper')

    await eventually('the slow one being applied', () => inOmnium(slow) !== undefined)
    await eventually('the commit of all', async () => {
      const end = (await world.topics.ends('flow.customers.v1')).get(0)
      return (await committed()) === end
    })
  })
})

describe('a burst of changes of one customer', () => {
  it('costs calls by the handling, not by the change, and the last one wins', async () => {
    const [uid] = newIds(1) as [string]
    register(uid)
    await eventually('the customer in Omnium', () => inOmnium(uid) !== undefined)
    world.omnium.faults.add({ kind: 'latency', latencyMs: 300, path: `*${uid}*` })

    for (let i = 1; i <= 100; i++) world.flow.editCustomer(TENANT, uid, { city: `City ${i}` })

    await eventually(
      'the last edit',
      () => (inOmnium(uid)?.address as { city?: string } | undefined)?.city === 'City 100',
    )
    world.omnium.faults.abandon()
    const writes = world.omnium.journal.writes({ id: uid })
    expect(writes.length).toBeLessThan(15)
    const versions = writes.map(({ version }) => version).filter((version) => version !== null)
    expect(versions).toEqual(versions.toSorted())
  })
})

describe('a target that is down', () => {
  it('parks nothing, is left in peace, holds up no other tenant, and gets everything once it is back', async () => {
    const mine = newIds(600)
    const theirs = newIds(5)
    const before = (await deadLetters()).length
    world.omnium.faults.add({ kind: 'status', status: 503, tenant: TENANT })
    const seq = world.omnium.journal.lastSeq()

    for (const uid of mine) register(uid)
    const mapper = world.services.get('customer-mapper')!
    const circuit = () => mapper.metric('sync_circuit_state', { target: 'omnium', tenant: TENANT })
    await eventually('an open circuit', async () => (await circuit()) === 2)
    for (const uid of theirs) register(uid, OTHER)
    await eventually('the other tenant being served', () => theirs.every((uid) => inOmnium(uid, OTHER) !== undefined))
    const refused = world.omnium.journal
      .entries({ kind: 'request', tenant: TENANT, after: seq })
      .filter((entry) => entry.kind === 'request' && entry.status === 503)
    expect(refused.length).toBeLessThan(mine.length)
    world.omnium.faults.abandon()

    await eventually('all being applied', () => mine.every((uid) => inOmnium(uid) !== undefined))
    expect((await deadLetters()).length).toBe(before)
  })

  it('is not what one record is that makes it fail alone: that one is parked, and the others go on', async () => {
    const [poison, ...others] = newIds(20) as [string, ...string[]]
    world.omnium.faults.add({ kind: 'status', status: 500, contains: poison })

    register(poison)
    for (const uid of others) register(uid)

    await eventually('the others being applied', () => others.every((uid) => inOmnium(uid) !== undefined))
    await eventually('the poison being parked', async () =>
      (await deadLetters()).some(({ key }) => key === keyOf(TENANT, poison)),
    )
    world.omnium.faults.abandon()
    const letter = (await deadLetters()).find(({ key }) => key === keyOf(TENANT, poison))
    expect(letter?.headers).toMatchObject({ 'dl-reason': 'attempts-exhausted', 'dl-attempts': '4' })
    expect((await deadLetters()).filter(({ key }) => others.some((uid) => key === keyOf(TENANT, uid)))).toEqual([])
  })
})

describe('a record that breaks its contract', () => {
  it.each([
    ['not JSON and not in the wire format', Buffer.from('not json')],
    ['of an unknown schema', Buffer.concat([Buffer.from([0, 0x7f, 0, 0, 1]), Buffer.from('{}')])],
    ['empty', Buffer.alloc(0)],
  ])('(%s) is parked with its original bytes and headers, and the others go on', async (_case, bytes) => {
    const [broken, fine] = newIds(2) as [string, string]

    await world.topics.write('flow.customers.v1', {
      key: keyOf(TENANT, broken),
      value: bytes,
      headers: { mine: 'kept' },
    })
    register(fine)

    await eventually('the other being applied', () => inOmnium(fine) !== undefined)
    await eventually('the dead letter', async () =>
      (await deadLetters()).some(({ key }) => key === keyOf(TENANT, broken)),
    )
    const letter = (await deadLetters()).find(({ key }) => key === keyOf(TENANT, broken))
    expect(letter?.bytes?.equals(bytes)).toBe(true)
    expect(letter?.headers).toMatchObject({
      mine: 'kept',
      'dl-topic': `${world.prefix}flow.customers.v1`,
      'dl-partition': '0',
      'dl-reason': 'contract-violation',
    })
  })

  it('is committed past only once its dead letter was acknowledged', async () => {
    const admin = world.kafka.admin()
    await admin.connect()
    const limit = (value: string) =>
      admin.alterConfigs({
        validateOnly: false,
        resources: [
          {
            type: ConfigResourceTypes.TOPIC,
            name: `${world.prefix}customer-mapper.dead-letters.v1`,
            configEntries: [{ name: 'max.message.bytes', value }],
          },
        ],
      })
    const [broken, fine] = newIds(2) as [string, string]
    await limit('10')
    try {
      await world.topics.write('flow.customers.v1', { key: keyOf(TENANT, broken), value: Buffer.from('broken') })
      const brokenOffset = await offsetOf(broken)
      register(fine)
      await eventually('the other being applied', () => inOmnium(fine) !== undefined)
      const fineOffset = await offsetOf(fine)

      const mapper = world.services.get('customer-mapper')!
      await eventually(
        'several refused dead letters',
        async () => (mapper.output().match(/dead letter/g) ?? []).length >= 1,
      )
      expect(fineOffset).toBeGreaterThan(brokenOffset)
      await eventually('the commit up to it', async () => (await committed()) === brokenOffset)
      expect(mapper.output()).toContain('could not be written')
    } finally {
      await limit('2097176')
      await admin.disconnect()
    }

    await eventually('the dead letter', async () =>
      (await deadLetters()).some(({ key }) => key === keyOf(TENANT, broken)),
    )
    await eventually(
      'the commit of all',
      async () => (await committed()) === (await world.topics.ends('flow.customers.v1')).get(0),
    )
  })
})

describe('a redriven record', () => {
  it('comes back by the retry lane and changes nothing when newer ones were applied', async () => {
    const [uid] = newIds(1) as [string]
    register(uid)
    await eventually('the customer in Omnium', () => inOmnium(uid) !== undefined)
    const first = (await world.topics.records('flow.customers.v1')).find(({ key }) => key === keyOf(TENANT, uid))!
    world.flow.editCustomer(TENANT, uid, { city: 'Bergen' })
    await eventually('the edit', () => (inOmnium(uid)?.address as { city?: string } | undefined)?.city === 'Bergen')

    await world.topics.write('customer-mapper.retry.v1', {
      key: first.key,
      value: first.bytes,
      headers: {
        'lane-why': 'redriven',
        'lane-topic': `${world.prefix}flow.customers.v1`,
        'lane-partition': String(first.partition),
        'lane-offset': String(first.offset),
        'lane-redrives': '1',
      },
    })

    await eventually('its outcome', async () =>
      (await world.topics.records('sync.outcomes.v1')).some(
        ({ value }) => value?.id === uid && value.lane === 'redriven' && value.reason === 'unchanged',
      ),
    )
    expect((inOmnium(uid)?.address as { city?: string } | undefined)?.city).toBe('Bergen')
  })
})

it('every outcome of the run is written once per end, and nothing is left un-ended', async () => {
  const records = requests(() => true)
  expect(records.length).toBeGreaterThan(0)
  for (const topic of ['flow.notifications.v1', 'flow.customers.v1'] as const) {
    const group = topic.startsWith('flow.n') ? 'flow-ingest' : 'customer-mapper'
    await eventually(`the commit of ${topic}`, async () => {
      const ends = await world.topics.ends(topic)
      const offsets = await world.topics.committed(group, topic)
      return [...ends].every(([partition, end]) => end === 0 || offsets.get(partition) === end)
    })
  }
})
