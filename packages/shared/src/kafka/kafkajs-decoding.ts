import { createRequire } from 'node:module'
import { createEventLoopTurns, type EventLoopTurns } from '../event-loop-turns.ts'

interface Decoder {
  readonly buffer: Buffer
  readonly offset: number
  readInt8(): number
  readInt16(): number
  readInt32(): number
  readInt64(): bigint | { toString(): string }
  readVarInt(): number
  readVarIntBytes(): Buffer
  readBytes(length: number): Buffer
  readAll(): Buffer
  canReadBytes(length: number): boolean
}
type DecodeRecords = (decoder: Decoder) => Promise<unknown[]>
type ReadElement = (decoder: Decoder) => { readonly key?: string; readonly value?: unknown }

const internal = createRequire(import.meta.url)

/**
 * kafkajs 2.2.4 hands the records of a batch to one call as arguments. Some hundred thousand, as a small compressed batch may hold,
 * are more than a stack takes, and the consumer ends for good. kafkajs also decodes a batch in one piece, which holds up the event loop
 * for the most part of a second. And kafkajs never reads past a batch without records, which compaction leaves, if the next batch of
 * the response is cut off. Where compaction has removed the last records of a batch, kafkajs fetches once for each of them. The modules of kafkajs for a fetch are loaded at the first fetch, so what they will find is replaced here.
 * Messages older than record batches (magic 2) are read as before.
 */
export function readBatchesOfAnySize() {
  const path = internal.resolve('kafkajs/src/protocol/requests/fetch/v4/decodeMessages.js')
  const readAsBefore = internal(path) as DecodeRecords
  const turns = createEventLoopTurns()
  const readRecords: DecodeRecords = async (decoder) => {
    const { buffer, offset } = decoder
    if (buffer.length - offset < SIZE_BYTES + BATCH_HEAD_BYTES || buffer[offset + SIZE_BYTES + MAGIC_AT] !== 2)
      return readAsBefore(decoder)
    const size = decoder.readInt32()
    if (size <= 0) return []
    const batches = newDecoder(decoder.readBytes(size))
    const records: unknown[] = []
    while (batches.canReadBytes(BATCH_HEAD_BYTES)) {
      const { firstOffset, length } = { firstOffset: batches.readInt64().toString(), length: batches.readInt32() }
      // The last batch of a response may be cut off. It comes whole with the next one.
      if (!batches.canReadBytes(length)) break
      await readBatch(firstOffset, newDecoder(batches.readBytes(length)), records, turns)
    }
    return records
  }
  internal.cache[path]!.exports = readRecords
}

/** Adds the records of a batch. `decoder` stands behind the length of the batch. */
async function readBatch(firstOffset: string, decoder: Decoder, records: unknown[], turns: EventLoopTurns) {
  const partitionLeaderEpoch = decoder.readInt32()
  const magicByte = decoder.readInt8()
  decoder.readInt32() // The checksum, which kafkajs does not look at.
  const attributes = decoder.readInt16()
  const batchContext = {
    ...{ firstOffset, partitionLeaderEpoch, magicByte },
    inTransaction: (attributes & IN_TRANSACTION) > 0,
    isControlBatch: (attributes & IS_CONTROL_BATCH) > 0,
    timestampType: (attributes & IS_APPEND_TIME) > 0 ? TIMESTAMP_TYPES.LOG_APPEND_TIME : TIMESTAMP_TYPES.CREATE_TIME,
    lastOffsetDelta: decoder.readInt32(),
    firstTimestamp: decoder.readInt64().toString(),
    maxTimestamp: decoder.readInt64().toString(),
    producerId: decoder.readInt64().toString(),
    producerEpoch: decoder.readInt16(),
    firstSequence: decoder.readInt32(),
  }
  const end = BigInt(firstOffset) + BigInt(batchContext.lastOffsetDelta)
  const count = Math.max(0, decoder.readInt32())
  const codec = lookupCodec(attributes)
  const decoded = codec && count > 0 ? newDecoder(await codec.decompress(decoder.readAll())) : decoder
  let lastOffset: string | null = null
  for (let n = 0; n < count; n++) {
    const turn = n % RECORDS_PER_LOOK === 0 ? turns.next() : null
    if (turn !== null) await turn
    const record = readRecord(newDecoder(decoded.readVarIntBytes()), batchContext)
    records.push(record)
    lastOffset = record.offset
  }
  // Compaction has removed the last records. No consumer is given a control record, and kafkajs reads on behind it.
  if (lastOffset === null || BigInt(lastOffset) < end)
    records.push({ offset: String(end), key: null, value: null, headers: {}, isControlRecord: true, batchContext })
}

const KafkaJsDecoder = internal('kafkajs/src/protocol/decoder.js') as new (bytes: Buffer) => Decoder
const newDecoder = (bytes: Buffer) => new KafkaJsDecoder(bytes)
const readRecord = internal('kafkajs/src/protocol/recordBatch/record/v0/decoder.js') as (
  decoder: Decoder,
  batchContext: object,
) => { readonly offset: string }
const { lookupCodecByAttributes: lookupCodec } = internal('kafkajs/src/protocol/message/compression/index.js') as {
  lookupCodecByAttributes(attributes: number): { decompress(bytes: Buffer): Promise<Buffer> } | null
}
const TIMESTAMP_TYPES = internal('kafkajs/src/protocol/timestampTypes.js') as Record<string, number>
const [IS_APPEND_TIME, IN_TRANSACTION, IS_CONTROL_BATCH] = [0x8, 0x10, 0x20]
/** Base offset, length, leader epoch, magic, …, up to the records. */
const BATCH_HEAD_BYTES = 61
const MAGIC_AT = 16
const SIZE_BYTES = 4
/** After so many records, other work of the event loop may go first. */
const RECORDS_PER_LOOK = 50

/**
 * kafkajs 2.2.4 builds a record's headers by copying all of them for each one: ten thousand headers, well within the size of a
 * record, hold up the event loop, heartbeats included, for seconds. Read here into an array of one element whose single
 * fold gives the same object.
 */
export function decodeHeadersInLinearTime() {
  const decoder = (internal('kafkajs/src/protocol/decoder.js') as { prototype: object }).prototype as {
    readVarIntArray(this: Decoder, read: ReadElement): unknown[]
  }
  const { readVarIntArray } = decoder
  const readHeader = internal('kafkajs/src/protocol/recordBatch/header/v0/decoder.js') as ReadElement
  decoder.readVarIntArray = function (read) {
    if (read !== readHeader) return readVarIntArray.call(this, read)
    const count = this.readVarInt()
    if (count <= 0) return NO_HEADERS
    const headers = new Map<string, unknown>()
    for (let left = count; left > 0; left--) {
      const { key = '', value } = read(this)
      const known = headers.get(key)
      if (known === undefined) headers.set(key, value)
      else if (Array.isArray(known)) known.push(value)
      else headers.set(key, [known, value])
    }
    return folded(headers)
  }
}

/** What kafkajs calls `reduce` on, with a fold of its own that is not wanted. */
const folded = (headers: ReadonlyMap<string, unknown>): unknown[] =>
  Object.assign([], { reduce: () => Object.fromEntries(headers) })
const NO_HEADERS: unknown[] = []
