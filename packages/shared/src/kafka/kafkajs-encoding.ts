import { createRequire } from 'node:module'

/** A record as kafkajs gets it; `timestampDelta` in ms from the batch's first. */
export interface RecordToEncode {
  readonly offsetDelta?: number
  readonly timestampDelta?: number
  readonly key?: Buffer | string | null
  readonly value?: Buffer | string | null
  readonly headers?: Readonly<Record<string, Buffer | string | readonly (Buffer | string)[]>>
}
/** What kafkajs takes for one of its encoders. */
export interface EncodedRecord {
  readonly buf: Buffer
  readonly buffer: Buffer
}
export type EncodeRecord = (record: RecordToEncode) => EncodedRecord

const RECORD_MODULE = 'kafkajs/src/protocol/recordBatch/record/v0/index.js'
const NONE = Buffer.alloc(0)
/** Zigzag of what is smaller fits 31 bits. */
const MAX_INT = 0x3fff_ffff

/**
 * Puts `encodeRecord` into kafkajs, which allocates 512 zeroed bytes for a record and for each of its headers, and computes
 * its lengths by objects of 64 bits. The module is taken up with the first produce of the process.
 */
export function encodeRecordsAtOnce(): void {
  const internal = createRequire(import.meta.url)
  const theirs = internal(RECORD_MODULE) as EncodeRecord
  internal.cache[internal.resolve(RECORD_MODULE)]!.exports = (record: RecordToEncode) =>
    isInRange(record.timestampDelta) && isInRange(record.offsetDelta) ? encodeRecord(record) : theirs(record)
}

const isInRange = (delta = 0) => Number.isInteger(delta) && Math.abs(delta) <= MAX_INT

/** A record of a batch of magic 2, in one buffer of its size. Source: Kafka's documentation, Record Format. */
export const encodeRecord: EncodeRecord = ({ offsetDelta = 0, timestampDelta = 0, key, value, headers = {} }) => {
  const fields: (Buffer | string)[] = []
  let headerCount = 0
  let size = 1 + sizeOfInt(timestampDelta) + sizeOfInt(offsetDelta) + sizeOfBytes(key) + sizeOfBytes(value)
  const addHeader = (name: string, text: Buffer | string) => {
    fields.push(name, text)
    size += sizeOfBytes(name) + sizeOfBytes(text)
    headerCount++
  }
  for (const name of Object.keys(headers)) {
    const header = headers[name]!
    if (Array.isArray(header)) for (const each of header) addHeader(name, each)
    else addHeader(name, header as Buffer | string)
  }
  size += sizeOfInt(headerCount)

  const buffer = Buffer.allocUnsafe(sizeOfInt(size) + size)
  let at = writeInt(buffer, 0, size)
  buffer[at++] = 0
  at = writeInt(buffer, at, timestampDelta)
  at = writeInt(buffer, at, offsetDelta)
  at = writeBytes(buffer, at, key)
  at = writeBytes(buffer, at, value)
  at = writeInt(buffer, at, headerCount)
  for (const field of fields) at = writeBytes(buffer, at, field)
  return { buf: buffer, buffer }
}

const zigzag = (value: number) => ((value << 1) ^ (value >> 31)) >>> 0

function sizeOfInt(value: number): number {
  const rest = zigzag(value)
  if (rest < 0x80) return 1
  if (rest < 0x4000) return 2
  if (rest < 0x20_0000) return 3
  return rest < 0x1000_0000 ? 4 : 5
}
const lengthOf = (value: Buffer | string) => (typeof value === 'string' ? Buffer.byteLength(value) : value.length)
function sizeOfBytes(value: Buffer | string | null | undefined): number {
  if (value === null || value === undefined) return 1
  const length = lengthOf(value)
  return sizeOfInt(length) + length
}

/** These answer where to go on. */
function writeInt(buffer: Buffer, from: number, value: number): number {
  let at = from
  let rest = zigzag(value)
  for (; rest >= 0x80; rest >>>= 7) buffer[at++] = (rest & 0x7f) | 0x80
  buffer[at++] = rest
  return at
}
function writeBytes(buffer: Buffer, from: number, value: Buffer | string | null | undefined): number {
  const isNull = value === null || value === undefined
  const bytes = isNull ? NONE : value
  const length = lengthOf(bytes)
  const at = writeInt(buffer, from, isNull ? -1 : length)
  if (typeof bytes === 'string') buffer.write(bytes, at)
  else bytes.copy(buffer, at)
  return at + length
}
