import { createKafka } from '@sync/shared/kafka/connect'
import { createProducer } from '@sync/shared/kafka/producer'
import { Kafka, logLevel } from 'kafkajs'
import { describe, expect, onTestFinished, test } from 'vitest'
import { createTopics } from './create-topics.ts'
import { eventually } from './eventually.ts'
import { freeze } from './freeze.ts'
import { sharedStack, startOwnStack } from './stack.ts'

const TOPIC = 'kept-three-times'
const PARTITIONS = 6
const DEADLINE_MS = 5_000

/** The brokers that lead the partitions of the topic, as the brokers `asked` say. */
async function leadersOf(asked: string[]): Promise<number[]> {
  const admin = new Kafka({ brokers: asked, logLevel: logLevel.NOTHING }).admin()
  await admin.connect()
  try {
    const { topics } = await admin.fetchTopicMetadata({ topics: [TOPIC] })
    return topics[0]!.partitions.map(({ leader }) => leader)
  } finally {
    await admin.disconnect()
  }
}

describe.runIf(sharedStack().mode === 'jvm')('three brokers on the local Java', () => {
  test('share the leaders, and the leaders of a broker that hangs move and return', async () => {
    const stack = await startOwnStack({ nodes: 3 })
    onTestFinished(() => stack.stop())
    const { brokers } = stack
    const [first, ...others] = brokers
    const node = stack.kafka!.nodes[0]!
    const kafka = new Kafka({ brokers: others, logLevel: logLevel.NOTHING })
    const admin = kafka.admin()
    await admin.connect()
    onTestFinished(() => admin.disconnect())
    await createTopics(admin, [
      {
        ...{ topic: TOPIC, numPartitions: PARTITIONS, replicationFactor: 3 },
        configEntries: [{ name: 'min.insync.replicas', value: '2' }],
      },
    ])
    expect(new Set(await leadersOf([first!]))).toEqual(new Set([1, 2, 3]))

    await freeze(node.pid()!)
    await eventually('other leaders', async () => !(await leadersOf(others)).includes(node.id))
    const producer = kafka.producer()
    await producer.connect()
    onTestFinished(() => producer.disconnect())
    const messages = Array.from({ length: PARTITIONS }, (_, partition) => ({ partition, value: 'while one hangs' }))
    await producer.send({ topic: TOPIC, acks: -1, messages })
    node.thaw()

    await eventually('the leaders of the broker that hung', async () => (await leadersOf(others)).includes(node.id))
    // A newly elected leader may answer an old end offset for a moment.
    await eventually('the record in each partition', async () =>
      (await admin.fetchTopicOffsets(TOPIC)).every(({ high }) => high === '1'),
    )

    await node.stop('SIGKILL')
    expect(node.pid()).toBeUndefined()
    await node.start()
  })

  test('a producer goes on writing to the partitions of two brokers while the third one hangs', async () => {
    const stack = await startOwnStack({ nodes: 3 })
    onTestFinished(() => stack.stop())
    const node = stack.kafka!.nodes[0]!
    const connect = (retries: number) =>
      createKafka(
        { kafkaBrokers: stack.brokers, kafkaSsl: false },
        { clientId: 'three', retries, requestTimeoutMs: DEADLINE_MS },
      )
    const admin = connect(10).admin()
    await admin.connect()
    onTestFinished(() => admin.disconnect())
    // One replica each, so that no other broker takes over.
    await createTopics(admin, [{ topic: TOPIC, numPartitions: PARTITIONS, replicationFactor: 1 }])
    const leaders = await leadersOf(stack.brokers)
    const producer = createProducer({ kafka: connect(0), deadlineMs: DEADLINE_MS })
    await producer.connect([TOPIC])
    onTestFinished(() => producer.disconnect())
    /** Writes a record to each partition, in a call for each, and answers the partitions that took it. */
    const write = async (text: string) => {
      const value = Buffer.from(text)
      const calls = leaders.map((_, partition) =>
        producer.send([{ topic: TOPIC, partition, key: null, value, headers: {} }]).then(
          () => partition,
          () => null,
        ),
      )
      return (await Promise.all(calls)).filter((partition) => partition !== null)
    }
    const all = [...leaders.keys()]
    await eventually('a write to all partitions', async () => (await write('before')).length === PARTITIONS)

    await freeze(node.pid()!)
    const whileOneHangs = [await write('first'), await write('second')]
    node.thaw()

    const ofOthers = all.filter((partition) => leaders[partition] !== node.id)
    expect(ofOthers).toHaveLength(4)
    expect(whileOneHangs).toEqual([ofOthers, ofOthers])
    await eventually('a write to all partitions again', async () => (await write('after')).length === PARTITIONS)
  })
})
