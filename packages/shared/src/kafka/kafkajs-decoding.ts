import { createRequire } from 'node:module'

interface Decoder {
  readonly buffer: Buffer
  readonly offset: number
  readInt32(): number
  readVarInt(): number
  readBytes(length: number): Buffer
  canReadBytes(length: number): boolean
}
type DecodeRecords = (decoder: Decoder) => Promise<unknown[]>
type ReadElement = (decoder: Decoder) => { readonly key?: string; readonly value?: unknown }

const internal = createRequire(import.meta.url)

/**
 * kafkajs 2.2.4 hands the records of a batch to one call as arguments: some hundred thousand, as a small compressed batch may hold,
 * are more than a stack takes, and the consumer ends for good. Its modules for a fetch are loaded at the first fetch, so
 * what they will find is replaced here. Messages older than record batches (magic 2) it reads as before.
 */
export function readBatchesOfAnySize() {
  const path = internal.resolve('kafkajs/src/protocol/requests/fetch/v4/decodeMessages.js')
  const readAsBefore = internal(path) as DecodeRecords
  const readBatch = internal('kafkajs/src/protocol/recordBatch/v0/decoder.js') as (
    decoder: Decoder,
  ) => Promise<{ readonly records: readonly unknown[] }>
  const KafkaJsDecoder = internal('kafkajs/src/protocol/decoder.js') as new (bytes: Buffer) => Decoder
  const readRecords: DecodeRecords = async (decoder) => {
    const { buffer, offset } = decoder
    if (buffer.length - offset < SIZE_BYTES + BATCH_HEAD_BYTES || buffer[offset + SIZE_BYTES + MAGIC_AT] !== 2)
      return readAsBefore(decoder)
    const size = decoder.readInt32()
    const batches = new KafkaJsDecoder(decoder.readBytes(size))
    const records: unknown[] = []
    while (batches.canReadBytes(BATCH_HEAD_BYTES)) {
      try {
        for (const record of (await readBatch(batches)).records) records.push(record)
      } catch (error) {
        // The last batch of a response may be cut off; it comes whole with the next one.
        if ((error as Error).name === 'KafkaJSPartialMessageError') break
        throw error
      }
    }
    return records
  }
  internal.cache[path]!.exports = readRecords
}
/** Base offset, length, leader epoch, magic, …, up to the records. */
const BATCH_HEAD_BYTES = 61
const MAGIC_AT = 16
const SIZE_BYTES = 4

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
