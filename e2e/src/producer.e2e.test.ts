import { createKafka } from '@sync/shared/kafka/connect'
import { type BatchedProducer, createProducer } from '@sync/shared/kafka/producer'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { createTopics } from './create-topics.ts'
import { newTopicPrefix, sharedStack } from './stack.ts'

const TOPIC = `${newTopicPrefix('producer')}inbox`
let producer: BatchedProducer
let produces = 0

beforeAll(async () => {
  const kafka = createKafka({ kafkaBrokers: sharedStack().brokers, kafkaSsl: false } as never, {
    ...{ clientId: 'producer', retries: 0 },
  })
  const admin = kafka.admin()
  await admin.connect()
  await createTopics(admin, [{ topic: TOPIC, numPartitions: 1, replicationFactor: 1 }])
  await admin.disconnect()
  producer = createProducer({ kafka, deadlineMs: 5_000, observe: () => produces++ })
  await producer.connect()
})
afterAll(() => producer?.disconnect())

const send = (n: number) => producer.send([{ topic: TOPIC, key: `key-${n}`, value: Buffer.from(`${n}`), headers: {} }])

describe('records that are sent at once, each by its own call', () => {
  it('leave in few produce requests', async () => {
    await send(0)
    produces = 0

    await Promise.all(Array.from({ length: 1_000 }, (_, n) => send(n)))

    expect(produces).toBeLessThanOrEqual(10)
  })

  it('wait for no others when there are none', async () => {
    produces = 0

    for (let n = 0; n < 5; n++) await send(n)

    expect(produces).toBe(5)
  })
})
