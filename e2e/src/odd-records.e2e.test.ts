import { createKafka } from '@sync/shared/kafka/connect'
import { createConsumer } from '@sync/shared/kafka/consumer'
import type { RawMessage, Source, SourceRecord } from '@sync/shared/kafka/ports'
import { createProducer } from '@sync/shared/kafka/producer'
import { createLogger } from '@sync/shared/logger'
import { afterAll, afterEach, beforeAll, expect, it } from 'vitest'
import { createTopics } from './create-topics.ts'
import { eventually } from './eventually.ts'
import { newTopicPrefix, sharedStack } from './stack.ts'

const prefix = newTopicPrefix('odd-records')
const connection = { kafkaBrokers: sharedStack().brokers, kafkaSsl: false } as never
const kafka = createKafka(connection, { clientId: 'odd-records' })
const admin = kafka.admin()
const producer = createProducer({
  kafka: createKafka(connection, { clientId: 'odd-producer', retries: 0 }),
  deadlineMs: 10_000,
})
const sources: Source[] = []
beforeAll(() => Promise.all([admin.connect(), producer.connect()]))
afterEach(async () => void (await Promise.all(sources.splice(0).map((source) => source.stop()))))
afterAll(() => Promise.all([admin.disconnect(), producer.disconnect()]))

const createTopic = async (name: string, numPartitions: number) => {
  const topic = prefix + name
  await createTopics(admin, [
    { topic, numPartitions, configEntries: [{ name: 'max.message.bytes', value: '2097176' }] },
  ])
  return topic
}

const reading = async (topic: string) => {
  const records: SourceRecord[] = []
  const source = createConsumer({
    kafka,
    groupId: `${topic}-reader`,
    topics: [topic],
    instanceId: 'odd-records',
    sessionTimeoutMs: 10_000,
    logger: createLogger({ service: 'e2e', level: 'silent' }),
  })
  sources.push(source)
  await source.start({
    rebalancing() {},
    outOfRange() {},
    joining() {},
    assigned() {},
    batch: (batch) => void records.push(...batch.records),
    crashed() {},
  })
  return { source, records }
}
const read = async (topic: string) => (await reading(topic)).records

const message = (
  topic: string,
  partition: number,
  value: Buffer | null,
  rest: Partial<RawMessage> = {},
): RawMessage => ({
  topic,
  partition,
  key: Buffer.from('acme:1'),
  value,
  headers: {},
  ...rest,
})

it('a record of ten thousand headers, null ones among them, is read and written again as it is', async () => {
  const topic = await createTopic('headers', 1)
  const headers = Object.fromEntries(Array.from({ length: 10_000 }, (_, i) => [`header-${i}`, Buffer.from(`${i}`)]))

  await producer.send([
    message(topic, 0, Buffer.from('v'), { headers: { ...headers, nothing: null, twice: ['a', null] } }),
  ])

  const records = await read(topic)
  await eventually('the record', () => records.length === 1)
  const empty = Buffer.alloc(0)
  expect(records[0]!.headers).toEqual({ ...headers, nothing: empty, twice: [Buffer.from('a'), empty] })
  await producer.send([{ ...message(topic, 0, null), headers: records[0]!.headers }])
  await eventually('the second', () => records.length === 2)
  expect(records[1]!.headers).toEqual(records[0]!.headers)
})

it('a record for a partition that does not exist is refused, and the others of its batch are written', async () => {
  const topic = await createTopic('no-partition', 1)

  const results = await Promise.allSettled([
    producer.send([message(topic, 0, Buffer.from('first'))]),
    producer.send([message(topic, 7, Buffer.from('lost'))]),
    producer.send([message(topic, 0, Buffer.alloc(3_000_000))]),
    producer.send([message(topic, 0, Buffer.from('last'))]),
  ])

  expect(results.map(({ status }) => status)).toEqual(['fulfilled', 'rejected', 'rejected', 'fulfilled'])
  expect(results[1]).toMatchObject({ reason: { code: 'contract-violation' } })
  const values = new Set((await readAll(topic)).map(({ value }) => value?.toString()))
  expect(values).toEqual(new Set(['first', 'last']))
})

it('records larger than their part of a response are read, though other partitions always have more', async () => {
  const topic = await createTopic('turns', 4)
  const large = Buffer.alloc(1_500_000, 'x')
  const small = Array.from({ length: 40 }, () => message(topic, 0, Buffer.alloc(100_000, 'y')))
  for (const each of small) await producer.send([each])
  for (const partition of [1, 2, 3]) for (const _ of [1, 2]) await producer.send([message(topic, partition, large)])

  const records = await readAll(topic)

  expect(records.filter(({ value }) => value?.equals(large))).toHaveLength(6)
  const lastSmall = records.findLastIndex(({ partition }) => partition === 0)
  const firstLarge = records.findIndex(({ partition }) => partition !== 0)
  expect(firstLarge).toBeLessThan(lastSmall)
})

/** Everything that stands on the topic now. */
async function readAll(topic: string) {
  const ends = await admin.fetchTopicOffsets(topic)
  const count = ends.reduce((sum, { high, low }) => sum + Number(high) - Number(low), 0)
  const records = await read(topic)
  await eventually('all records', () => records.length >= count)
  return records
}

it('a member that is stopped right after its start, with questions open, leaves the group', async () => {
  const topic = await createTopic('stopped', 1)
  const groupId = `${topic}-group`
  const source = createConsumer({
    kafka,
    groupId,
    topics: [topic],
    instanceId: 'stopped',
    sessionTimeoutMs: 30_000,
    logger: createLogger({ service: 'e2e', level: 'silent' }),
  })
  await source.start({ rebalancing() {}, outOfRange() {}, joining() {}, assigned() {}, batch() {}, crashed() {} })
  const questions = Promise.allSettled([source.offsets([topic]), source.committed([topic])])

  await source.stop()

  expect((await questions).map(({ status }) => status)).toEqual(['fulfilled', 'fulfilled'])

  const { groups } = await admin.describeGroups([groupId])
  expect(groups.map(({ members, state }) => [members.length, state])).toEqual([[0, 'Empty']])
})

it('what is committed of a partition is seen also by a member that was there before the partition', async () => {
  const topic = await createTopic('grown', 1)
  const { source, records } = await reading(topic)
  await producer.send([message(topic, 0, Buffer.from('first'))])
  await eventually('a record, without which nothing is committed', () => records.length === 1)
  expect(await source.committed([topic])).toEqual(new Map([[topic, new Map()]]))

  await admin.createPartitions({ topicPartitions: [{ topic, count: 2 }] })
  await source.commit([{ topic, partition: 1, offset: 0, metadata: 'owned other' }])

  expect(await source.committed([topic])).toEqual(
    new Map([[topic, new Map([[1, { offset: 0, metadata: 'owned other' }]])]]),
  )
})
