import { createRequire } from 'node:module'
import type { Kafka } from 'kafkajs'
import { clusterOf, dropIfSilent } from './kafkajs-cluster.ts'
import type { LeavingExchange } from './kafkajs-leaving.ts'
import { int16, int32, text, uvarint } from './wire-types.ts'

export interface TopicIdLookup {
  /** By topic, as Kafka's tools print them. Topics without an id are left out, and so are all topics of brokers older than 2.8. */
  idsOf(topics: readonly string[]): Promise<ReadonlyMap<string, string>>
  disconnect(): Promise<void>
}

interface Decoder {
  readInt8(): number
  readInt16(): number
  readInt32(): number
  readBytes(length: number): Buffer
  readUVarIntString(): string | null
  readUVarIntArray<V>(read: (decoder: Decoder) => V): V[] | null
  readTaggedFields(): unknown
}
type TopicId = readonly [topic: string, id: string]
interface Answer {
  /** ms. Such an answer has come before the broker begins to throttle. */
  readonly clientSideThrottleTime: number
  readonly ids: readonly TopicId[]
}

/** kafkajs 2.2.4 knows the versions up to 6. Version 10 is the first that tells ids. */
const METADATA = { apiKey: 3, apiName: 'Metadata', apiVersion: 10 } as const
const NO_ID = Buffer.alloc(16)
const NO_TAGS = uvarint(0)
const FALSE = Buffer.of(0)

const internal = createRequire(import.meta.url)
const KafkaJsDecoder = internal('kafkajs/src/protocol/decoder.js') as new (bytes: Buffer) => Decoder

/** By connections of its own, because the requests of a consumer wait behind its joins. */
export function createTopicIdLookup(kafka: Kafka): TopicIdLookup {
  const cluster = clusterOf(kafka)
  const pool = cluster.brokerPool
  return {
    async idsOf(topics) {
      const broker = await pool.findConnectedBroker()
      if ((broker.versions[METADATA.apiKey]?.maxVersion ?? 0) < METADATA.apiVersion) return new Map()
      return new Map(await dropIfSilent(pool, broker, () => broker.connectionPool.send(asking(topics))))
    },
    disconnect: () => cluster.disconnect(),
  }
}

const asking = (topics: readonly string[]): LeavingExchange<readonly TopicId[]> => ({
  request: { ...METADATA, bytes: (correlationId, clientId) => encodeRequest(topics, correlationId, clientId) },
  response: {
    decode: async (payload) => decodeAnswer(payload),
    parse: async ({ ids }: Answer) => ids,
  },
})

/** The whole request with its size and its header. Source: Kafka's documentation, Metadata API v10. */
export function encodeRequest(topics: readonly string[], correlationId: number, clientId: string): Buffer {
  const asked = topics.flatMap((topic) => {
    const name = Buffer.from(topic)
    return [NO_ID, uvarint(name.length + 1), name, NO_TAGS]
  })
  const bytes = Buffer.concat([
    ...[int16(METADATA.apiKey), int16(METADATA.apiVersion), int32(correlationId), text(clientId), NO_TAGS],
    ...[uvarint(topics.length + 1), ...asked],
    // No topic is created, and the permissions for the cluster and for the topics are not asked for.
    ...[FALSE, FALSE, FALSE, NO_TAGS],
  ])
  return Buffer.concat([int32(bytes.length), bytes])
}

/** The answer from behind its correlation id. */
export function decodeAnswer(payload: Buffer): Answer {
  const decoder = new KafkaJsDecoder(payload)
  decoder.readTaggedFields()
  const clientSideThrottleTime = decoder.readInt32()
  decoder.readUVarIntArray(skipBroker)
  decoder.readUVarIntString() // the cluster
  decoder.readInt32() // the controller
  const topics = decoder.readUVarIntArray(readTopic) ?? []
  return { clientSideThrottleTime, ids: topics.filter((each) => each !== null) }
}

function skipBroker(decoder: Decoder): void {
  decoder.readInt32()
  decoder.readUVarIntString()
  decoder.readInt32()
  decoder.readUVarIntString()
  decoder.readTaggedFields()
}

function readTopic(decoder: Decoder): TopicId | null {
  const errorCode = decoder.readInt16()
  const topic = decoder.readUVarIntString()
  const id = decoder.readBytes(16)
  decoder.readInt8() // whether it is internal
  decoder.readUVarIntArray(skipPartition)
  decoder.readInt32() // permissions
  decoder.readTaggedFields()
  if (errorCode !== 0 || topic === null || id.equals(NO_ID)) return null
  return [topic, id.toString('base64url')]
}

function skipPartition(decoder: Decoder): void {
  // The error, the partition, its leader and the leader's epoch, then the replicas, those in sync, and those offline.
  decoder.readBytes(2 + 4 + 4 + 4)
  for (let list = 0; list < 3; list++) decoder.readUVarIntArray((replicas) => replicas.readInt32())
  decoder.readTaggedFields()
}
