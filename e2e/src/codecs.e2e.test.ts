import { createHash, randomBytes } from 'node:crypto'
import { MAX_BATCH_BYTES } from '@sync/shared/kafka/codecs'
import { createKafka } from '@sync/shared/kafka/connect'
import { createConsumer } from '@sync/shared/kafka/consumer'
import type { RawHeaders, Source, SourceRecord } from '@sync/shared/kafka/ports'
import { createLogger } from '@sync/shared/logger'
import kafkajs, { CompressionTypes } from 'kafkajs'
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest'
import { createTopics } from './create-topics.ts'
import { eventually } from './eventually.ts'
import { newTopicPrefix, sharedStack } from './stack.ts'

const CODECS = { gzip: 'GZIP', snappy: 'Snappy', lz4: 'LZ4', zstd: 'ZSTD' } as const
type CodecName = keyof typeof CODECS
const NAMES = Object.keys(CODECS) as CodecName[]

const prefix = newTopicPrefix('codecs')
const plain = { kafkaSsl: false, kafkaSaslMechanism: undefined, kafkaSaslUsername: undefined }
const connection = { ...plain, kafkaBrokers: sharedStack().brokers, kafkaSaslPassword: undefined }
const kafka = createKafka(connection, { clientId: 'codecs-e2e' })
const admin = kafka.admin()
const producer = kafka.producer()
beforeAll(() => Promise.all([admin.connect(), producer.connect()]))
afterAll(() => Promise.all([admin.disconnect(), producer.disconnect()]))

/** Which codecs were called since the last test: a batch names its own, so a read counts what the broker has stored. */
const called = { compress: new Map<CodecName, number>(), decompress: new Map<CodecName, number>() }
for (const name of NAMES) {
  const type = CompressionTypes[CODECS[name]]
  const codec = kafkajs.CompressionCodecs[type]()
  const counted = (what: keyof typeof called) => (input: unknown) => {
    called[what].set(name, (called[what].get(name) ?? 0) + 1)
    return codec[what](input)
  }
  kafkajs.CompressionCodecs[type] = () => ({ compress: counted('compress'), decompress: counted('decompress') })
}
const sources: Source[] = []
afterEach(async () => {
  for (const calls of Object.values(called)) calls.clear()
  await Promise.all(sources.splice(0).map((source) => source.stop()))
})

interface Written {
  readonly key: Buffer | null
  readonly value: Buffer | null
  readonly headers: Record<string, Buffer | Buffer[]>
}
const record = (name: string, value: Buffer | null): Written => ({
  key: Buffer.from(name),
  value,
  headers: { tenant: Buffer.from('acme-no'), hop: [Buffer.from('1'), randomBytes(8)], empty: Buffer.alloc(0) },
})
const smallOnes = (batch: string) =>
  Array.from({ length: 200 }, (_, i) =>
    record(`${batch}-${i}`, Buffer.from(JSON.stringify({ batch, i, name: 'Kari Eksempel', city: 'Oslo' }))),
  )
/** Each a batch of its own; the large ones are of many blocks. */
const batchesBy = (writer: string): Written[][] => [
  smallOnes(`${writer}-first`),
  [record('compressible', Buffer.alloc(500_000, 'one customer and another; ')), ...smallOnes(`${writer}-mixed`)],
  [record('incompressible', randomBytes(500_000))],
  [{ key: null, value: Buffer.from('without a key'), headers: {} }, record('deleted', null)],
  smallOnes(`${writer}-last`),
]

const createTopic = async (name: string, config: Record<string, string>) => {
  const configEntries = Object.entries({ 'max.message.bytes': '2097176', ...config })
  const topic = { topic: prefix + name, numPartitions: 1, configEntries: configEntries.map(toEntry) }
  await createTopics(admin, [topic])
  return topic.topic
}
const toEntry = ([name, value]: [string, string]) => ({ name, value })

interface Reading {
  readonly source: Source
  readonly records: SourceRecord[]
  readonly warnings: string[]
  readonly crashes: Error[]
}
/** Reads a topic through the consumer that the services have. */
async function read(topic: string): Promise<Reading> {
  const warnings: string[] = []
  const logger = createLogger({
    service: 'e2e',
    level: 'warn',
    destination: { write: (line: string) => warnings.push(line) },
  })
  const options = { instanceId: 'reader', sessionTimeoutMs: 30_000, logger }
  const source = createConsumer({ kafka, groupId: `${topic}.reader`, topics: [topic], ...options })
  sources.push(source)
  const reading: Reading = { source, records: [], warnings, crashes: [] }
  await source.start({
    rebalancing: () => undefined,
    outOfRange: () => undefined,
    joining: () => undefined,
    assigned: () => undefined,
    batch: ({ records }) => reading.records.push(...records),
    crashed: (error) => reading.crashes.push(error),
  })
  return reading
}
const untilRead = (count: number, { records, crashes }: Reading) =>
  eventually(`${count} records`, () => {
    if (crashes[0]) throw crashes[0]
    return records.length >= count
  })

const digest = (bytes: Buffer | string | null | undefined) =>
  bytes && `${bytes.length} bytes, sha256 ${createHash('sha256').update(bytes).digest('hex')}`
const digestHeaders = (headers: RawHeaders) =>
  Object.entries(headers).map(([name, value]) => [name, [value].flat().map(digest)])
const comparable = ({ key, value, headers }: Pick<SourceRecord, 'key' | 'value' | 'headers'>) => [
  key?.toString() ?? null,
  digest(value),
  digestHeaders(headers),
]

describe.each(NAMES)('on a topic that the broker keeps in %s', (stored) => {
  it('all is read as it was written, whatever it was compressed with on the way to the broker', async () => {
    const topic = await createTopic(stored, { 'compression.type': stored })
    const batches: Written[][] = []
    for (const [writer, compression] of [['none', CompressionTypes.None] as const, ...NAMES.map(toWriter)]) {
      for (const messages of batchesBy(writer)) {
        await producer.send({ topic, compression, acks: -1, messages })
        batches.push(messages)
      }
    }

    const written = batches.flat()
    const reading = await read(topic)
    await untilRead(written.length, reading)

    expect(reading.records.map(comparable)).toEqual(written.map(comparable))
    expect(reading.warnings).toEqual([])
    const perWriter = batchesBy('').length
    expect(called.compress).toEqual(new Map(NAMES.map((name) => [name, perWriter])))
    expect([...called.decompress.keys()]).toEqual([stored])
    expect(called.decompress.get(stored)).toBeGreaterThanOrEqual(batches.length)
  })
})
const toWriter = (name: CodecName) => [name, CompressionTypes[CODECS[name]]] as const

it('a batch beyond the bound holds its consumer up with warnings, and what is behind it is read once it is gone', async () => {
  const topic = await createTopic('beyond', {})
  const send = (value: Buffer) =>
    producer.send({ topic, compression: CompressionTypes.ZSTD, acks: -1, messages: [record('a', value)] })
  await send(Buffer.alloc(MAX_BATCH_BYTES))
  await send(Buffer.from('behind it'))

  const reading = await read(topic)
  await eventually('a warning', () => reading.warnings.length > 0)
  expect(reading.warnings[0]).toContain('the consumer crashed and starts again')
  expect(reading.warnings[0]).toContain('decompressing a zstd batch')
  expect(reading.records).toEqual([])
  // Lets kafkajs know the topic's leader, for which its deletion doesn't ask.
  await admin.fetchTopicOffsets(topic)
  await admin.deleteTopicRecords({ topic, partitions: [{ partition: 0, offset: '1' }] })

  await untilRead(1, reading)
  expect(reading.records.map(({ value }) => value?.toString())).toEqual(['behind it'])
  expect(reading.crashes).toEqual([])
})
