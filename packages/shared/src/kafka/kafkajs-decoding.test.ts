import { createRequire } from 'node:module'
import fc from 'fast-check'
import { beforeAll, describe, expect, it } from 'vitest'
import { mendKafkaJs } from './kafkajs-fixes.ts'

const internal = createRequire(import.meta.url)
const encodeRecord = internal('kafkajs/src/protocol/recordBatch/record/v0/index.js')
const decodeRecord = internal('kafkajs/src/protocol/recordBatch/record/v0/decoder.js')
const Decoder = internal('kafkajs/src/protocol/decoder.js')

type Headers = Record<string, Buffer | Buffer[]>
const throughKafkaJs = (headers: Headers): Headers => {
  const encoded = encodeRecord({ key: Buffer.from('k'), value: Buffer.from('v'), headers })
  const decoder = new Decoder(encoded.buffer)
  decoder.readVarInt()
  return decodeRecord(decoder, { firstOffset: '0', firstTimestamp: '0' }).headers
}

beforeAll(mendKafkaJs)

describe('the headers of a record', () => {
  const bytes = fc.uint8Array({ maxLength: 20 }).map((array) => Buffer.from(array))
  const some = fc.oneof(bytes, fc.array(bytes, { minLength: 2, maxLength: 4 }))

  it('are read as they were written, repeated ones as a list', () => {
    fc.assert(
      fc.property(fc.dictionary(fc.string(), some), (headers) => {
        expect(Object.entries(throughKafkaJs(headers))).toEqual(Object.entries(headers))
      }),
    )
  })

  it('may be tens of thousands, each looked at once', () => {
    const headers = Object.fromEntries(Array.from({ length: 50_000 }, (_, i) => [`h${i}`, Buffer.from(String(i))]))

    expect(throughKafkaJs(headers)).toEqual(headers)
  })

  it('are of no object but their own, whatever their names', () => {
    const headers = throughKafkaJs({ ['__proto__']: Buffer.from('a'), constructor: Buffer.from('b') })

    expect(Object.entries(headers)).toEqual([
      ['__proto__', Buffer.from('a')],
      ['constructor', Buffer.from('b')],
    ])
  })
})

describe('the records of a fetch', () => {
  const zigzag = (value: number): number[] => {
    const bytes: number[] = []
    let left = value < 0 ? -2 * value - 1 : 2 * value
    for (; left > 0x7f; left = Math.floor(left / 128)) bytes.push((left & 0x7f) | 0x80)
    return [...bytes, left]
  }
  /** A record batch (magic 2) of values of one byte, with null keys and no headers. */
  const batchOf = (firstOffset: number, count: number): Buffer => {
    const records = Buffer.concat(
      Array.from({ length: count }, (_, i) => {
        const record = [0, ...zigzag(0), ...zigzag(i), ...zigzag(-1), ...zigzag(1), i % 256, ...zigzag(0)]
        return Buffer.from([...zigzag(record.length), ...record])
      }),
    )
    const head = Buffer.alloc(61)
    head.writeBigInt64BE(BigInt(firstOffset), 0)
    head.writeInt32BE(head.length - 12 + records.length, 8)
    head.writeInt8(2, 16)
    head.writeInt32BE(count - 1, 23)
    head.writeInt32BE(count, 57)
    return Buffer.concat([head, records])
  }
  const decode = async (batches: Buffer): Promise<{ offset: string; value: Buffer }[]> => {
    const size = Buffer.alloc(4)
    size.writeInt32BE(batches.length)
    const decodeMessages = internal('kafkajs/src/protocol/requests/fetch/v4/decodeMessages.js')
    return decodeMessages(new Decoder(Buffer.concat([size, batches])))
  }

  it('are all read, also where a batch has more than a call takes arguments', async () => {
    const records = await decode(Buffer.concat([batchOf(0, 200_000), batchOf(200_000, 3)]))

    expect(records).toHaveLength(200_003)
    expect(records.every(({ offset, value }, i) => offset === String(i) && value.length === 1)).toBe(true)
  })

  it('are those that kafkajs reads of a batch, compressed or not, in a transaction or not', async () => {
    const readAsBefore = internal('kafkajs/src/protocol/recordBatch/v0/decoder.js')
    const { RecordBatch } = internal('kafkajs/src/protocol/recordBatch/v0/index.js')
    const aBatch = fc.record({
      compression: fc.constantFrom(0, 1),
      transactional: fc.boolean(),
      firstOffset: fc.nat(1_000_000),
      records: fc.array(fc.record({ timestampDelta: fc.nat(1_000), value: fc.option(fc.string()) }), { minLength: 1 }),
    })
    await fc.assert(
      fc.asyncProperty(aBatch, async ({ records, ...rest }) => {
        const encoded = records.map((record, offsetDelta) => encodeRecord({ ...record, offsetDelta, key: 'k' }))
        const lastOffsetDelta = records.length - 1
        const { buffer } = await RecordBatch({ ...rest, lastOffsetDelta, records: encoded, firstTimestamp: 5 })

        expect(await decode(buffer)).toEqual((await readAsBefore(new Decoder(buffer))).records)
      }),
    )
  })

  it('end with the last offset of a batch that compaction has left without records, also if a batch behind is cut off', async () => {
    const empty = batchOf(5, 0)
    empty.writeInt32BE(7, 23)
    const records = await decode(Buffer.concat([empty, batchOf(13, 5).subarray(0, 80)]))

    expect(records).toEqual([expect.objectContaining({ offset: '12', isControlRecord: true })])
  })

  it('end with the last offset of a batch of which compaction has removed the last records', async () => {
    const rest = batchOf(5, 3)
    rest.writeInt32BE(7, 23)
    const records = await decode(Buffer.concat([rest, batchOf(13, 5).subarray(0, 80)]))

    expect(records.map(({ offset }) => offset)).toEqual(['5', '6', '7', '12'])
    expect(records.at(-1)).toMatchObject({ isControlRecord: true })
  })

  it('are read up to a batch that is cut off', async () => {
    const whole = batchOf(0, 5)

    expect(await decode(Buffer.concat([whole, batchOf(5, 5).subarray(0, 80)]))).toHaveLength(5)
    expect(await decode(whole.subarray(0, 70))).toEqual([])
    expect(await decode(Buffer.alloc(0))).toEqual([])
  })
})
