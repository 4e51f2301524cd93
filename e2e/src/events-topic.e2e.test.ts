import { randomUUID } from 'node:crypto'
import { createKafka } from '@sync/shared/kafka/connect'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { eventually } from './eventually.ts'
import { sharedStack } from './stack.ts'
import { startWorld, TENANT, type World } from './world.ts'

const TOPIC = `omnium-events-${randomUUID().slice(0, 8)}`
const kafka = createKafka({ kafkaBrokers: sharedStack().brokers, kafkaSsl: false } as never, { clientId: 'omnium' })
const producer = kafka.producer()

let world: World
beforeAll(async () => {
  const admin = kafka.admin()
  await admin.connect()
  await admin.createTopics({ topics: [{ topic: TOPIC, numPartitions: 2, replicationFactor: 1 }] })
  await admin.disconnect()
  await producer.connect()
  world = await startWorld({
    file: 'events',
    services: ['omnium-ingest', 'customer-mapper'],
    omniumFields: (uid) => ({ eventsTopic: TOPIC, apiUser: `api-of-${uid}` }),
  })
  // Its events come by Kafka only.
  world.omnium.configureTenant(TENANT, { webhook: null })
})
afterAll(async () => {
  await producer.disconnect()
  await world?.stop()
})

const event = (objectId: string, fields: object = {}) => ({
  value: JSON.stringify({ className: 'PrivateCustomer', category: 'Created', objectId, user: 'somebody', ...fields }),
})

test('an event on the tenant’s topic makes its customer exist in Flow, and junk beside it holds nothing up', async () => {
  world.omnium.seed(TENANT, 'B2C', [{ customerId: 'by-kafka', firstName: 'Ola', lastName: 'Eksempel' }])

  await producer.send({
    topic: TOPIC,
    messages: [{ value: 'junk' }, { value: null }, { value: '{}' }, event('by-kafka')],
  })

  await eventually('the customer in Flow', () => world.flow.customer(TENANT, 'by-kafka') !== undefined)
  expect(world.flow.customer(TENANT, 'by-kafka')).toMatchObject({ firstname: 'Ola', externalId: 'by-kafka' })
})

test('an event that our own user caused ends as an echo', async () => {
  await producer.send({ topic: TOPIC, messages: [event('own', { user: `api-of-${TENANT}` })] })

  await eventually('its end', async () =>
    (await world.topics.records('sync.outcomes.v1')).some(
      ({ value }) => value?.id === 'own' && value.reason === 'echo',
    ),
  )
})
