import type { Stack } from '@sync/sandbox/stack'
import { createKafka } from '@sync/shared/kafka/connect'
import { createProduceCluster } from '@sync/shared/kafka/kafkajs-produce'
import { createProducer } from '@sync/shared/kafka/producer'
import { createPartitionLog } from '@sync/shared/testing/partition-logs'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { createTopics } from './create-topics.ts'
import { eventually } from './eventually.ts'
import { freeze } from './freeze.ts'
import { newTopicPrefix, sharedStack, startOwnStack } from './stack.ts'

/** A call waits for its leaving for 40 % of this time, which is longer than the leaders are asked for. */
const DEADLINE_MS = 4_000
const connectTo = (brokers: readonly string[], retries = 0) =>
  createKafka({ kafkaBrokers: [...brokers], kafkaSsl: false }, { clientId: 'late', retries, requestTimeoutMs: 5_000 })
/** A broker that has just started, or has just gone on, refuses requests for some moments. */
const PATIENT = 10

async function createTopic(brokers: readonly string[], topic: string) {
  const admin = connectTo(brokers, PATIENT).admin()
  await admin.connect()
  await createTopics(admin, [{ topic, numPartitions: 1, replicationFactor: 1 }])
  await admin.disconnect()
}

describe('a broker, asked by batches of one producer in any order', () => {
  const topic = `${newTopicPrefix('producer-late')}rules`
  const cluster = createProduceCluster(connectTo(sharedStack().brokers))
  beforeAll(async () => {
    await createTopic(sharedStack().brokers, topic)
    await cluster.connect()
  })
  afterAll(() => cluster.disconnect())

  const [epochs, sequences, counts] = [
    [0, 1, 2],
    [0, 1, 2, 3],
    [1, 2],
  ] as const
  const batches = epochs.flatMap((epoch) =>
    sequences.flatMap((firstSequence) =>
      counts.map((count) => ({ epoch, firstSequence, values: Array.from({ length: count }, () => 'v') })),
    ),
  )

  it('takes and refuses the same batches as the fake log of the other tests', {
    timeout: 120_000,
  }, async () => {
    const leaders = (await cluster.leadersOf([topic])).get(topic) as readonly number[]
    // A broker that was just started loads its state first.
    await eventually('a producer id', () =>
      cluster.newProducerId().then(
        () => true,
        () => false,
      ),
    )
    const first = { epoch: 0, firstSequence: 0, values: ['v'] }

    for (const second of batches) {
      for (const third of batches) {
        const producerId = await cluster.newProducerId()
        const log = createPartitionLog()
        for (const { epoch, firstSequence, values } of [first, second, third]) {
          const records = values.map((value) => ({ topic, key: 'k', value: Buffer.from(value), headers: {} }))
          const answers = await cluster.produce(leaders[0]!, () => ({
            ...{ producerId, epoch, timeoutMs: 5_000, timestamp: Date.now() },
            batches: [{ topic, partition: 0, firstSequence, records }],
          }))

          const code = (answers[0]!.error as { code?: number } | null)?.code ?? 0
          const expected = log.append({ producerId, epoch, firstSequence, values })
          expect({ second, third, code }).toEqual({ second, third, code: expected })
        }
      }
    }
  })
})

describe.runIf(sharedStack().mode === 'jvm')('a produce that fails while the broker hangs', () => {
  let stack: Stack
  beforeAll(async () => {
    stack = await startOwnStack()
  })
  afterAll(() => stack?.stop())

  it('is never appended after a newer one that left by a new connection', async () => {
    const topic = 'late'
    await createTopic(stack.brokers, topic)
    const producer = createProducer({ kafka: connectTo(stack.brokers), deadlineMs: DEADLINE_MS })
    await producer.connect()
    const send = (value: string, fence = () => {}) =>
      producer.send([{ topic, key: 'k', value: Buffer.from(value), headers: {} }], fence)
    await send('first')

    for (let round = 0; round < 3; round++) {
      await freeze(stack.local!.pids().kafka!)
      try {
        await expect(send(`older ${round}`)).rejects.toMatchObject({ code: 'kafka-unavailable' })
        const left = Promise.withResolvers<void>()
        const newer = send(`newer ${round}`, left.resolve)
        newer.catch(() => {})
        await left.promise
      } finally {
        process.kill(stack.local!.pids().kafka!, 'SIGCONT')
      }
      // Like a service, the test sends the newest snapshot until it is acknowledged.
      const isStored = () =>
        send(`newer ${round}`).then(
          () => true,
          () => false,
        )
      while (!(await isStored()));
    }
    await producer.disconnect()

    const values = await valuesOf(stack.brokers, topic)
    expect(values.at(-1)).toBe('newer 2')
    for (let round = 0; round < 3; round++) {
      const older = values.lastIndexOf(`older ${round}`)
      expect(older).toBeLessThan(values.indexOf(`newer ${round}`))
    }
  })
})

/** All that is on the topic now. */
async function valuesOf(brokers: readonly string[], topic: string): Promise<string[]> {
  const kafka = connectTo(brokers, PATIENT)
  const admin = kafka.admin()
  await admin.connect()
  const [{ high } = { high: '0' }] = await admin.fetchTopicOffsets(topic)
  await admin.disconnect()
  const values: string[] = []
  const { promise: read, resolve } = Promise.withResolvers<void>()
  const consumer = kafka.consumer({ groupId: `${topic}-reader` })
  await consumer.connect()
  await consumer.subscribe({ topics: [topic], fromBeginning: true })
  await consumer.run({
    autoCommit: false,
    eachMessage: async ({ message }) => {
      values.push(String(message.value))
      if (Number(message.offset) === Number(high) - 1) resolve()
    },
  })
  await read
  await consumer.disconnect()
  return values
}
