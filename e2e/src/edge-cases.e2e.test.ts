import { randomBytes } from 'node:crypto'
import { jsonSchemaOf } from '@sync/shared/contracts/json-schema'
import { createContracts } from '@sync/shared/contracts/registry'
import { keyOf } from '@sync/shared/kafka/publisher'
import { deadLetterTopicOf, retryTopicOf, type ServiceName, type TopicName } from '@sync/shared/kafka/topics'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { encodeNotification } from './encode-notification.ts'
import { eventually } from './eventually.ts'
import { newId } from './peer-customers.ts'
import { registerSchema } from './register-schema.ts'
import { sharedStack } from './stack.ts'
import { startWorld, TENANT, type World } from './world.ts'

let world: World
beforeAll(async () => {
  world = await startWorld({ file: 'edge-cases', env: { KAFKA_SESSION_TIMEOUT_MS: '6000' } })
})
afterAll(() => world?.stop())

const person = (customerUid: string) => ({
  ...{ customerUid, customerType: 'PERSON', firstname: 'Kari', lastname: 'Eksempel' },
})
const codec = () => createContracts({ registryUrl: sharedStack().registryUrl, prefix: world.prefix }).codec
const notification = (id: string, tenant = TENANT) => encodeNotification(world, id, tenant)
/** `dl-reason` of what was parked from this place. */
const parkedFrom = async (service: ServiceName, topic: TopicName, partition: number, offset: number) =>
  (await world.topics.records(deadLetterTopicOf(service)))
    .filter(
      ({ headers }) =>
        headers['dl-topic'] === world.prefix + topic &&
        headers['dl-partition'] === String(partition) &&
        headers['dl-offset'] === String(offset),
    )
    .map(({ headers }) => headers['dl-reason'])
const outcomesOf = async (id: string, service: ServiceName) =>
  (await world.topics.records('sync.outcomes.v1')).flatMap(({ value }) =>
    value?.id === id && value.service === service ? [`${value.outcome} ${value.reason}`] : [],
  )
/** Writes it and answers where it stands. */
const written = async (topic: TopicName, record: Parameters<World['topics']['write']>[1]) => {
  const before = await world.topics.ends(topic)
  await world.topics.write(topic, record)
  const after = await world.topics.ends(topic)
  const [partition, end] = [...after].find(([partition, end]) => end > (before.get(partition) ?? 0))!
  return { partition, offset: end - 1 }
}
const untilCommitted = (service: ServiceName, topic: TopicName) =>
  eventually(`the commit of ${topic}`, () => world.topics.isCommitted(service, topic))

const INPUTS: readonly (readonly [ServiceName, TopicName])[] = [
  ['flow-ingest', 'flow.notifications.v1'],
  ['omnium-ingest', 'omnium.notifications.v1'],
  ['customer-mapper', 'omnium.orders.v1'],
  ['relation-manager', 'company.parent-changes.v1'],
  ['flow-ingest', 'flow-ingest.retry.v1'],
  ['customer-mapper', 'customer-mapper.retry.v1'],
]

describe('a record that nobody of ours wrote', () => {
  it.each(INPUTS)('to %s by %s without a key is parked, whatever it holds', async (service, topic) => {
    const bombs = [
      { key: null, value: null },
      { key: null, value: randomBytes(1_000_000) },
      { key: null, value: await notification(newId('keyless')) },
    ]

    for (const bomb of bombs) {
      const { partition, offset } = await written(topic, bomb)
      await eventually('its dead letter', async () => (await parkedFrom(service, topic, partition, offset)).length > 0)
      expect(await parkedFrom(service, topic, partition, offset)).toEqual(['contract-violation'])
    }
    await untilCommitted(service, topic)
  })

  it.each(INPUTS)(
    'to %s by %s of a megabyte, or with 10,000 headers, is parked and crashes nothing',
    async (service, topic) => {
      const key = keyOf(TENANT, newId('bomb'))
      const headers = Object.fromEntries(Array.from({ length: 10_000 }, (_, n) => [`header-${n}`, `${n}`]))

      const places = [
        await written(topic, { key, value: randomBytes(1_000_000) }),
        await written(topic, { key, value: randomBytes(100), headers }),
      ]

      for (const { partition, offset } of places) {
        await eventually(
          'its dead letter',
          async () => (await parkedFrom(service, topic, partition, offset)).length > 0,
        )
        expect(await parkedFrom(service, topic, partition, offset)).toEqual(['contract-violation'])
      }
      await untilCommitted(service, topic)
      expect((await fetch(`${world.services.get(service)!.adminUrl}/live`)).status).toBe(200)
    },
  )

  it('of a tenant that is in no tenants file waits for one a while, and is parked then', async () => {
    const id = newId('stray')

    const { partition, offset } = await written('flow.notifications.v1', {
      key: keyOf('nobody', id),
      value: await notification(id, 'nobody'),
    })

    await eventually('its dead letter', async () =>
      (await parkedFrom('flow-ingest', 'flow.notifications.v1', partition, offset)).includes('unknown-tenant'),
    )
    await untilCommitted('flow-ingest', 'flow.notifications.v1')
    expect(await world.topics.records('flow.customers.v1')).not.toContainEqual(
      expect.objectContaining({ key: keyOf('nobody', id) }),
    )
  })

  it('with a good notification and 10,000 headers is handled', async () => {
    const id = newId('many-headers')
    world.flow.seed(TENANT, [person(id)])
    const headers = Object.fromEntries(Array.from({ length: 10_000 }, (_, n) => [`header-${n}`, `${n}`]))

    await world.topics.write('flow.notifications.v1', {
      key: keyOf(TENANT, id),
      value: await notification(id),
      headers,
    })

    await eventually('the customer in Omnium', () => world.omnium.customer(TENANT, 'B2C', id) !== undefined)
  })
})

describe('a record of a newer version of its contract', () => {
  it('is handled like any other, without the field that ours does not know', async () => {
    const topic = 'flow.customers.v1'
    const id = newId('newer')
    const { properties, ...rest } = structuredClone(jsonSchemaOf(topic)) as { properties: object }
    const newer = await registerSchema(world.prefix + topic, {
      ...rest,
      properties: { ...properties, more: { type: 'string' } },
    })
    const version = '2026-01-01T10:00:00Z'
    world.flow.seed(TENANT, [{ ...person(id), lastModifiedAt: version }])
    const value = await codec().encode(topic, {
      ...{ tenant: TENANT, id, version, repair: false, customer: { ...person(id), lastModifiedAt: version } },
      ...{ fetchedAt: version, notifiedAt: version },
    })
    const body = { ...(JSON.parse(value.subarray(5).toString()) as object), more: 'from the future' }
    const bytes = Buffer.concat([Buffer.alloc(5), Buffer.from(JSON.stringify(body))])
    bytes.writeInt32BE(newer.id, 1)

    await world.topics.write(topic, { key: keyOf(TENANT, id), value: bytes })

    await eventually('the customer in Omnium', () => world.omnium.customer(TENANT, 'B2C', id) !== undefined)
    expect(world.omnium.customer(TENANT, 'B2C', id)).toMatchObject({ firstName: 'Kari', lastName: 'Eksempel' })
    await eventually('its end', async () => (await outcomesOf(id, 'customer-mapper')).includes('done null'))
    await eventually('its id in Flow', () => world.flow.customer(TENANT, id)?.externalId === id)
  })
})

describe('a tombstone', () => {
  it('on a snapshot topic ends as deleted, and leaves the other system as it is', async () => {
    const id = newId('erased')
    world.flow.createCustomer(TENANT, person(id))
    await eventually('the customer in Omnium', () => world.omnium.customer(TENANT, 'B2C', id) !== undefined)
    await untilCommitted('customer-mapper', 'flow.customers.v1')
    const before = world.omnium.customer(TENANT, 'B2C', id)

    await world.topics.write('flow.customers.v1', { key: keyOf(TENANT, id), value: null })

    await eventually('its end', async () => (await outcomesOf(id, 'customer-mapper')).includes('skipped deleted'))
    expect(world.omnium.customer(TENANT, 'B2C', id)).toEqual(before)
  })
})

describe('a customer that changes its type in Flow', () => {
  it.each([
    ['PERSON', 'COMPANY', 'B2C', 'B2B'],
    ['COMPANY', 'PERSON', 'B2B', 'B2C'],
  ] as const)(
    'from %s to %s is parked as a conflict, and stays what it was in Omnium',
    async (from, to, was, wouldBe) => {
      const customerUid = newId('changed')
      const names = { firstname: 'Kari', lastname: 'Eksempel', companyName: 'Fiktiv AS' }
      world.flow.createCustomer(TENANT, { customerUid, customerType: from, ...names })
      await eventually('the customer in Omnium', () => world.omnium.customer(TENANT, was, customerUid) !== undefined)
      const before = world.omnium.customer(TENANT, was, customerUid)

      world.flow.editCustomer(TENANT, customerUid, { customerType: to })

      await eventually('the dead letter', async () =>
        (await world.topics.records('customer-mapper.dead-letters.v1')).some(
          ({ key, headers }) => key === keyOf(TENANT, customerUid) && headers['dl-reason'] === 'customer-type-conflict',
        ),
      )
      expect(world.flow.customer(TENANT, customerUid)?.customerType).toBe(to)
      expect(world.omnium.customer(TENANT, wouldBe, customerUid)).toBeUndefined()
      expect(world.omnium.customer(TENANT, was, customerUid)).toEqual(before)
    },
  )
})

describe('the retry lane', () => {
  it('parks what does not say where it came from', async () => {
    const topic = retryTopicOf('customer-mapper')

    const { partition, offset } = await written(topic, {
      key: keyOf(TENANT, newId('lost')),
      value: await notification(newId('lost')),
      headers: { 'lane-why': 'redriven' },
    })

    await eventually('its dead letter', async () =>
      (await parkedFrom('customer-mapper', topic, partition, offset)).includes('contract-violation'),
    )
  })
})
