import { createRequire } from 'node:module'
import fc from 'fast-check'
import { beforeAll, describe, expect, it } from 'vitest'
import { mendKafkaJs } from './kafkajs-fixes.ts'

const internal = createRequire(import.meta.url)
const encodeRecord = internal('kafkajs/src/protocol/recordBatch/record/v0/index.js')
const decodeRecord = internal('kafkajs/src/protocol/recordBatch/record/v0/decoder.js')
const Decoder = internal('kafkajs/src/protocol/decoder.js')
const ConsumerGroup = internal('kafkajs/src/consumer/consumerGroup.js')

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

  it('are read up to a batch that is cut off', async () => {
    const whole = batchOf(0, 5)

    expect(await decode(Buffer.concat([whole, batchOf(5, 5).subarray(0, 80)]))).toHaveLength(5)
    expect(await decode(whole.subarray(0, 70))).toEqual([])
    expect(await decode(Buffer.alloc(0))).toEqual([])
  })
})

describe('a fetch', () => {
  /** What a group of three topics asks a node for, fetch by fetch. */
  const fetching = (partitions: readonly number[], paused: readonly string[] = []) => {
    const group = {
      maxBytes: 1_000_000,
      maxBytesPerPartition: 0,
      subscriptionState: { isPaused: (topic: string, partition: number) => paused.includes(`${topic}/${partition}`) },
      findReadReplicaForPartitions: (_topic: string, all: readonly number[]) => ({ 1: all }),
    }
    const assigned = ['a', 'b', 'c'].map((topic) => ({ topic, partitions }))
    const next = (): string[] =>
      ConsumerGroup.prototype.filterPartitionsByNode
        .call(group, 1, assigned)
        .flatMap((each: (typeof assigned)[number]) => each.partitions.map((partition) => `${each.topic}/${partition}`))
    return { group, next }
  }

  it('asks for each partition first in turn, and for all of them every time', () => {
    const { next } = fetching([0, 1])
    const all = ['a/0', 'a/1', 'b/0', 'b/1', 'c/0', 'c/1']

    const fetches = Array.from({ length: 12 }, next)

    for (const each of fetches) expect(each.toSorted()).toEqual(all)
    expect([...new Set(fetches.map(([first]) => first))].toSorted()).toEqual(all)
  })

  it('asks for no more than the response holds, in equal parts, and nothing of what is paused', () => {
    const { group, next } = fetching([0, 1], ['a/0', 'b/0', 'b/1'])

    expect(next().toSorted()).toEqual(['a/1', 'c/0', 'c/1'])
    expect(group.maxBytesPerPartition).toBe(333_334)
  })

  it('may ask for nothing', () => {
    expect(fetching([]).next()).toEqual([])
  })
})

describe('a member', () => {
  it('tells its assigner before it leaves the group', async () => {
    const calls: string[] = []
    const group = {
      assigners: [{ onLeave: () => calls.push('told') }],
      memberId: 'm',
      coordinator: { leaveGroup: async () => calls.push('left') },
    }

    await ConsumerGroup.prototype.leave.call(group)

    expect(calls).toEqual(['told', 'left'])
  })
})

it('a group coordinator that is not found is looked for again', () => {
  const { KafkaJSGroupCoordinatorNotFound: NotFound } = internal('kafkajs/src/errors.js')

  expect(new NotFound('no broker answers')).toMatchObject({ retriable: true, message: 'no broker answers' })
})
