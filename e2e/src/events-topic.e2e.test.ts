import { randomUUID } from 'node:crypto'
import { createKafka } from '@sync/shared/kafka/connect'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { createTopics } from './create-topics.ts'
import { eventually } from './eventually.ts'
import { sharedStack } from './stack.ts'
import { startWorld, TENANT, type World } from './world.ts'

const TOPIC = `omnium-events-${randomUUID().slice(0, 8)}`
/** Of another tenant, and not there at first. */
const MISSING = `${TOPIC}-missing`
const OTHER = 'other-no'
const kafka = createKafka({ kafkaBrokers: sharedStack().brokers, kafkaSsl: false } as never, { clientId: 'omnium' })
const producer = kafka.producer()

let world: World
beforeAll(async () => {
  const admin = kafka.admin()
  await admin.connect()
  await createTopics(admin, [{ topic: TOPIC, numPartitions: 2, replicationFactor: 1 }])
  await admin.disconnect()
  await producer.connect()
  world = await startWorld({
    file: 'events',
    services: ['omnium-ingest', 'customer-mapper'],
    tenants: [TENANT, OTHER],
    env: { KAFKA_SESSION_TIMEOUT_MS: '6000' },
    omniumFields: (uid) => ({ eventsTopic: uid === TENANT ? TOPIC : MISSING, apiUser: `api-of-${uid}` }),
  })
  // Their events come by Kafka only.
  for (const uid of [TENANT, OTHER]) world.omnium.configureTenant(uid, { webhook: null })
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

test('what was published while the service is killed and started again is taken, all of it', async () => {
  const ids = Array.from({ length: 300 }, (_, n) => `many-${n}`)
  const stored = async () =>
    new Set((await world.topics.records('omnium.notifications.v1')).flatMap(({ value }) => value?.id ?? []))
  await stored()
  const publishing = (async () => {
    for (const id of ids) await producer.send({ topic: TOPIC, messages: [event(id)] })
  })()
  await eventually('some of them', async () => (await stored()).size > 20)
  const service = world.services.get('omnium-ingest')!
  service.signal('SIGKILL')
  await service.exited
  await (await world.start('omnium-ingest')).untilReady()
  world.omnium.configureTenant(TENANT, { webhook: null })
  await publishing

  await eventually('all of them', async () => {
    const taken = await stored()
    return ids.every((id) => taken.has(id))
  })
})

test('a topic that is missing holds up no other, and is read once it is there', async () => {
  world.omnium.seed(OTHER, 'B2C', [{ customerId: 'late', firstName: 'Kari', lastName: 'Eksempel' }])
  const admin = kafka.admin()
  await admin.connect()
  await createTopics(admin, [{ topic: MISSING, numPartitions: 1, replicationFactor: 1 }])
  await admin.disconnect()
  await producer.send({ topic: MISSING, messages: [event('late')] })

  await eventually('the customer in Flow', () => world.flow.customer(OTHER, 'late') !== undefined)
})
