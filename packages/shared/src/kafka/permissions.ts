import { createRequire } from 'node:module'
import type { Kafka } from 'kafkajs'
import { SyncError } from '../errors.ts'
import { assertTopics } from './apply-topics.ts'
import { withAdmin } from './connect.ts'
import { reasonOf, refusalText } from './denials.ts'
import { clusterOf } from './kafkajs-cluster.ts'
import type { TopicName } from './topics.ts'

interface Encoder {
  writeArray(list: readonly string[]): Encoder
  writeBoolean(value: boolean): Encoder
}
interface Decoder {
  readInt16(): number
  readInt32(): number
  readBoolean(): boolean
  readString(): string | null
  readArray<V>(read: (decoder: Decoder) => V): V[]
}
interface Protocol<V> {
  readonly request: { apiKey: number; apiVersion: number; apiName: string; encode(): Promise<Encoder> }
  readonly response: { decode(payload: Buffer): Promise<V>; parse(data: V): Promise<V> }
}

const METADATA = 3
/** The first that tells what its sender may do (Kafka 2.3); kafkajs speaks up to 6. */
const VERSION = 8
const OPERATIONS = { READ: 1 << 3, WRITE: 1 << 4 } as const
/** Of a topic that is not there. */
const NOT_TOLD = -(2 ** 31)
const TOPIC_AUTHORIZATION_FAILED = 29

const internal = createRequire(import.meta.url)

/**
 * Makes sure that the topics are there, alike, and ours to read and write; answers how many partitions they have. Throws as
 * `assertTopics` and `assertPermitted` do.
 */
export async function assertAccess(
  kafka: Kafka,
  topics: { readonly read: readonly TopicName[]; readonly written: readonly TopicName[]; readonly prefix: string },
): Promise<number> {
  const { read, written, prefix } = topics
  const physical = (names: readonly TopicName[]) => names.map((name) => prefix + name)
  await assertPermitted(kafka, { READ: physical(read), WRITE: physical(written) })
  const all = [...new Set([...read, ...written])]
  return withAdmin(kafka, (admin) => assertTopics(admin, all, prefix))
}

/**
 * Asks the broker whether its ACLs let us read and write these topics (physical names), so that a missing one is found
 * before a record meets it. Throws SyncError `kafka-unavailable` that names what is missing. Finds nothing on brokers that
 * don't tell.
 */
export async function assertPermitted(
  kafka: Kafka,
  wanted: { readonly READ: readonly string[]; readonly WRITE: readonly string[] },
): Promise<void> {
  const allowed = await operationsOn(kafka, [...new Set([...wanted.READ, ...wanted.WRITE])])
  const missing = (['READ', 'WRITE'] as const).flatMap((operation) => {
    const names = wanted[operation].filter((name) => ((allowed.get(name) ?? ~0) & OPERATIONS[operation]) === 0)
    return names.length === 0 ? [] : [refusalText(operation, 'topic', names)]
  })
  if (missing.length > 0) throw new SyncError('kafka-unavailable', `checking permissions: ${missing.join('; ')}`)
}

/** A bit for each operation, by topic; topics that nothing is told of are left out. */
async function operationsOn(kafka: Kafka, topics: readonly string[]): Promise<Map<string, number>> {
  const cluster = clusterOf(kafka)
  try {
    await cluster.connect()
    const broker = await cluster.brokerPool.findConnectedBroker()
    if ((broker.versions[METADATA]?.maxVersion ?? 0) < VERSION) return new Map()
    const told = await broker.connectionPool.send(asking(topics))
    return new Map(told.filter(([, bits]) => bits !== NOT_TOLD))
  } catch (cause) {
    throw new SyncError('kafka-unavailable', `asking for permissions: ${reasonOf(cause)}`, { cause })
  } finally {
    await cluster.disconnect()
  }
}

function asking(topics: readonly string[]): Protocol<(readonly [string, number])[]> {
  const KafkaJsEncoder = internal('kafkajs/src/protocol/encoder.js') as new () => Encoder
  const KafkaJsDecoder = internal('kafkajs/src/protocol/decoder.js') as new (bytes: Buffer) => Decoder
  return {
    request: {
      ...{ apiKey: METADATA, apiVersion: VERSION, apiName: 'Metadata' },
      // No topic is to be created, and nothing told of the cluster.
      encode: async () =>
        new KafkaJsEncoder().writeArray(topics).writeBoolean(false).writeBoolean(false).writeBoolean(true),
    },
    response: {
      decode: async (payload) => readPermissions(new KafkaJsDecoder(payload)),
      parse: async (data) => data,
    },
  }
}

const readInt32 = (decoder: Decoder) => decoder.readInt32()

/** Metadata Response v8: all of it has to be read to get to what is asked for. */
function readPermissions(decoder: Decoder): (readonly [string, number])[] {
  decoder.readInt32()
  decoder.readArray((broker) => [broker.readInt32(), broker.readString(), broker.readInt32(), broker.readString()])
  decoder.readString()
  decoder.readInt32()
  return decoder.readArray((topic) => {
    const errorCode = topic.readInt16()
    const name = topic.readString() ?? ''
    topic.readBoolean()
    topic.readArray((partition) => [
      ...[partition.readInt16(), partition.readInt32(), partition.readInt32(), partition.readInt32()],
      ...[partition.readArray(readInt32), partition.readArray(readInt32), partition.readArray(readInt32)],
    ])
    const bits = topic.readInt32()
    return [name, errorCode === TOPIC_AUTHORIZATION_FAILED ? 0 : bits] as const
  })
}
