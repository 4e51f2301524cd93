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
        expect(throughKafkaJs(headers)).toEqual(Object.assign({}, headers))
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
