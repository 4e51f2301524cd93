import { createRequire } from 'node:module'
import fc from 'fast-check'
import { beforeAll, describe, expect, it } from 'vitest'
import { mendKafkaJs } from './kafkajs-fixes.ts'

const internal = createRequire(import.meta.url)
const encodeRecord = internal('kafkajs/src/protocol/recordBatch/record/v0/index.js')
const decodeRecord = internal('kafkajs/src/protocol/recordBatch/record/v0/decoder.js')
const Decoder = internal('kafkajs/src/protocol/decoder.js')
const ConsumerGroup = internal('kafkajs/src/consumer/consumerGroup.js')
const Runner = internal('kafkajs/src/consumer/runner.js')

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

describe('what a fetch brings', () => {
  const joined = () => ({ committedOffsets: () => ({ a: { 0: '3' } }), nextOffset: () => '3' })
  /** A member that reads a topic of one partition from a broker which answers with one record. */
  const reading = () => {
    const response = { partition: 0, highWatermark: '4', messages: [{ offset: '3' }] }
    const group = {
      cluster: {
        refreshMetadataIfNecessary: async () => {},
        findBroker: async () => ({ fetch: async () => ({ responses: [{ topicName: 'a', partitions: [response] }] }) }),
      },
      subscriptionState: { assigned: () => [{ topic: 'a', partitions: [0] }], isPaused: () => false },
      seekOffset: { has: () => false },
      preferredReadReplicasPerTopicPartition: {},
      offsetManager: joined(),
      checkForStaleAssignment() {},
      seekOffsets: async () => {},
      getActiveTopicPartitions: () => ({ a: new Set([0]) }),
      findReadReplicaForPartitions: (_topic: string, partitions: readonly number[]) => ({ 1: partitions }),
      filterPartitionsByNode: ConsumerGroup.prototype.filterPartitionsByNode,
    }
    const taken: object[] = []
    const runner = {
      ...{ running: true, consumerGroup: group, instrumentationEmitter: { emit() {} } },
      ...{ eachBatch: true, autoCommitOffsets() {}, heartbeat() {} },
      processEachBatch: (batch: object) => taken.push(batch),
    }
    return { group, taken, fetch: (): Promise<object[]> => ConsumerGroup.prototype.fetch.call(group, 1), runner }
  }

  it('is taken in', async () => {
    const { fetch, runner, taken } = reading()

    for (const batch of await fetch()) await Runner.prototype.handleBatch.call(runner, batch)

    expect(taken).toHaveLength(1)
  })

  it('is left when the member has joined again since, which reads on from elsewhere', async () => {
    const { group, fetch, runner, taken } = reading()
    const batches = await fetch()
    group.offsetManager = joined()

    for (const batch of batches) await Runner.prototype.handleBatch.call(runner, batch)

    expect(batches).toHaveLength(1)
    expect(taken).toEqual([])
  })

  it('is left when it was fetched before the member was told to read on from elsewhere, also if it holds no records', async () => {
    const { group, fetch, runner, taken } = reading()
    const events: string[] = []
    const emit = (event: string) => events.push(event)
    const batches = (await fetch()) as { isEmptyDueToFiltering(): boolean }[]
    batches[0]!.isEmptyDueToFiltering = () => true
    group.seekOffset.has = () => true

    for (const batch of batches) {
      await Runner.prototype.handleBatch.call({ ...runner, instrumentationEmitter: { emit } }, batch)
    }

    expect(events).toEqual([])
    expect(taken).toEqual([])
  })
})

describe('a fetch that its broker refuses', () => {
  /** What a member does about it. */
  const recovering = async (error: object) => {
    const did: string[] = []
    const group = {
      logger: { debug() {}, warn() {} },
      cluster: { refreshMetadata: async () => did.push('refreshed') },
      joinAndSync: async () => did.push('joined'),
    }
    await ConsumerGroup.prototype.recoverFromFetch.call(group, error)
    return did
  }

  it.each([
    ['NOT_LEADER_FOR_PARTITION'],
    ['LEADER_NOT_AVAILABLE'],
    ['FENCED_LEADER_EPOCH'],
    ['UNKNOWN_LEADER_EPOCH'],
    ['UNKNOWN_TOPIC_OR_PARTITION'],
    ['KafkaJSTopicMetadataNotLoaded'],
  ])('with %s is sent again after a look at who leads, and without a join', async (error) => {
    const key = error.startsWith('Kafka') ? 'name' : 'type'

    expect(await recovering({ [key]: error })).toEqual(['refreshed'])
  })

  it('is not sent again at once', async () => {
    const from = performance.now()

    await recovering({ type: 'NOT_LEADER_FOR_PARTITION' })

    // Timers may be a little early.
    expect(performance.now() - from).toBeGreaterThan(95)
  })

  it('makes it join again when the topic has got more partitions', async () => {
    expect(await recovering({ name: 'KafkaJSStaleTopicMetadataAssignment' })).toEqual(['joined'])
  })
})

describe('a member', () => {
  it('whose join failed joins before it fetches on', async () => {
    const ends = [new Error('the coordinator is loading'), null]
    const fetched: object[] = []
    const group = {
      retrier: async () => {
        const end = ends.shift()
        if (end) throw end
      },
      cluster: { refreshMetadataIfNecessary: async () => {} },
      checkForStaleAssignment() {},
      assigners: [],
      subscriptionState: { assigned: () => [] },
      filterPartitionsByNode: (_nodeId: number, assigned: object[]) => fetched.push(assigned) && [],
      ...{ seekOffsets: async () => {}, offsetManager: { committedOffsets: () => ({}) }, maxWaitTime: 0 },
      getActiveTopicPartitions: () => ({}),
    }
    const fetch = () => ConsumerGroup.prototype.fetch.call(group, 1)
    const join = () => ConsumerGroup.prototype.joinAndSync.call(group)

    await expect(join()).rejects.toThrow('is loading')
    await expect(fetch()).rejects.toMatchObject({ type: 'REBALANCE_IN_PROGRESS' })
    expect(fetched).toEqual([])
    await join()
    expect(await fetch()).toEqual([])
    expect(fetched).toHaveLength(1)
  })

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

it('a broker that is gone again before the first request is asked again', async () => {
  const Broker = internal('kafkajs/src/broker/index.js')
  const connectionPool = { host: '127.0.0.1', port: 1 }

  const asked = new Broker({ connectionPool, logger: { namespace: () => ({}) } }).metadata([])

  await expect(asked).rejects.toMatchObject({ name: 'KafkaJSConnectionError', retriable: true })
  await expect(asked).rejects.toThrow('Broker not connected')
})

it('a group coordinator that is not found is looked for again', () => {
  const { KafkaJSGroupCoordinatorNotFound: NotFound } = internal('kafkajs/src/errors.js')

  expect(new NotFound('no broker answers')).toMatchObject({ retriable: true, message: 'no broker answers' })
})
