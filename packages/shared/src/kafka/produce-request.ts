import { encodeRecord } from './kafkajs-encoding.ts'
import type { HeaderValue, RawHeaders, RawMessage } from './ports.ts'
import { int16, int32, text } from './wire-types.ts'

/** The records of one partition. They are appended all together or not at all. */
export interface PartitionBatch {
  readonly topic: string
  readonly partition: number
  /** The number of earlier records of this partition in the producer's epoch. */
  readonly firstSequence: number
  readonly records: readonly RawMessage[]
}

/** A Produce request of an idempotent producer with acks=all. It has one batch at most for each partition. */
export interface ProduceRequest {
  readonly producerId: bigint
  readonly epoch: number
  /** How long the leader may wait for its followers. */
  readonly timeoutMs: number
  /** ms since the epoch. */
  readonly timestamp: number
  readonly batches: readonly PartitionBatch[]
}

export const PRODUCE = { apiKey: 0, apiName: 'Produce', apiVersion: 7 } as const
const ACKS_ALL = -1
const NO_TRANSACTION = -1
/** The bytes of a batch before its records. */
const BATCH_HEAD = 61
const MAGIC = 2

/** The whole request with its size and its header. Source: Kafka's documentation, Produce API v7 and Record Batch. */
export function encodeProduce(request: ProduceRequest, correlationId: number, clientId: string): Buffer {
  const topics = new Map<string, Buffer[]>()
  for (const batch of request.batches) {
    const partitions = topics.get(batch.topic) ?? []
    partitions.push(int32(batch.partition), ...encodeBatch(batch, request))
    topics.set(batch.topic, partitions)
  }
  const parts = [
    ...[int16(PRODUCE.apiKey), int16(PRODUCE.apiVersion), int32(correlationId), text(clientId)],
    ...[int16(NO_TRANSACTION), int16(ACKS_ALL), int32(request.timeoutMs), int32(topics.size)],
  ]
  for (const [topic, partitions] of topics) {
    // Each partition has three parts, which are its number, the size and the head of its batch, and the records.
    parts.push(text(topic), int32(partitions.length / 3), ...partitions)
  }
  const size = parts.reduce((sum, { length }) => sum + length, 0)
  return Buffer.concat([int32(size), ...parts], 4 + size)
}

/** Returns two buffers. The first one holds the size and the head of the batch, the second one the records. */
function encodeBatch({ firstSequence, records }: PartitionBatch, request: ProduceRequest): [Buffer, Buffer] {
  const body = Buffer.concat(records.map((record, offsetDelta) => encoded(record, offsetDelta)))
  const head = Buffer.alloc(4 + BATCH_HEAD)
  head.writeInt32BE(BATCH_HEAD + body.length, 0)
  const batch = head.subarray(4)
  // The offset (0) is the broker's to give, the leader's epoch (12) is not known.
  batch.writeInt32BE(BATCH_HEAD - 12 + body.length, 8)
  batch.writeInt32BE(-1, 12)
  batch.writeInt8(MAGIC, 16)
  batch.writeInt32BE(records.length - 1, 23)
  batch.writeBigInt64BE(BigInt(request.timestamp), 27)
  batch.writeBigInt64BE(BigInt(request.timestamp), 35)
  batch.writeBigInt64BE(request.producerId, 43)
  batch.writeInt16BE(request.epoch, 51)
  batch.writeInt32BE(firstSequence, 53)
  batch.writeInt32BE(records.length, 57)
  batch.writeUInt32BE(crc32c(batch.subarray(21), body), 17)
  return [head, body]
}

const encoded = ({ key, value, headers }: RawMessage, offsetDelta: number): Buffer =>
  encodeRecord({ offsetDelta, key, value, headers: writable(headers) }).buffer

/** A header of null is written as a header without bytes, as kafkajs reads it. */
function writable(headers: RawHeaders): Record<string, Buffer | string | (Buffer | string)[]> {
  const written: Record<string, Buffer | string | (Buffer | string)[]> = {}
  for (const name of Object.keys(headers)) {
    const value = headers[name]
    if (value === undefined) continue
    // A plain assignment of `__proto__` would set the prototype.
    const bytes = Array.isArray(value) ? value.map(bytesOf) : bytesOf(value)
    if (name === '__proto__') Object.defineProperty(written, name, { value: bytes, enumerable: true })
    else written[name] = bytes
  }
  return written
}
const bytesOf = (value: HeaderValue): Buffer | string => value ?? Buffer.alloc(0)

const CRC_TABLE = Uint32Array.from({ length: 256 }, (_, byte) => {
  let crc = byte
  for (let bit = 0; bit < 8; bit++) crc = crc & 1 ? (crc >>> 1) ^ 0x82f6_3b78 : crc >>> 1
  return crc
})

/** CRC-32C (Castagnoli) of all the bytes in turn. */
export function crc32c(...all: readonly Uint8Array[]): number {
  let crc = -1
  for (const bytes of all) {
    for (let i = 0; i < bytes.length; i++) crc = CRC_TABLE[(crc ^ bytes[i]!) & 0xff]! ^ (crc >>> 8)
  }
  return ~crc >>> 0
}
