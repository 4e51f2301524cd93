import { createRequire } from 'node:module'
import { beforeAll, describe, expect, it } from 'vitest'
import { mendKafkaJs } from './kafkajs-fixes.ts'

const internal = createRequire(import.meta.url)
const ConsumerGroup = internal('kafkajs/src/consumer/consumerGroup.js')

beforeAll(mendKafkaJs)

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
