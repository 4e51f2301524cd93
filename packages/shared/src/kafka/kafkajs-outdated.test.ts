import { createRequire } from 'node:module'
import { beforeAll, describe, expect, it } from 'vitest'
import { mendKafkaJs } from './kafkajs-fixes.ts'

const internal = createRequire(import.meta.url)
const ConsumerGroup = internal('kafkajs/src/consumer/consumerGroup.js')
const Runner = internal('kafkajs/src/consumer/runner.js')
const SeekOffsets = internal('kafkajs/src/consumer/seekOffsets.js')
beforeAll(mendKafkaJs)

const RECORDS = 5_000
const aResponse = {
  ...{ partition: 0, errorCode: 0, highWatermark: String(RECORDS), abortedTransactions: [] },
  messages: Array.from({ length: RECORDS }, (_, n) => ({
    offset: String(n),
    ...{ batchContext: {}, isControlRecord: false },
  })),
}
const anOffsetManager = () => {
  let position = '0'
  return {
    committedOffsets: () => ({ a: { 0: '0' } }),
    nextOffset: () => position,
    resolveOffsets: async () => {},
    async seek({ offset }: { offset: string }) {
      position = offset
    },
    resolveOffset({ offset }: { offset: string }) {
      position = String(Number(offset) + 1)
    },
  }
}

/** A member that reads a topic of one partition. Broker 1 answers with many records, and broker 2 with none. */
const given = () => {
  const { fetch, seekOffsets, seek, resolveOffset, hasSeekOffset, filterPartitionsByNode } = ConsumerGroup.prototype
  const group = {
    ...{ seekOffsets, seek, resolveOffset, hasSeekOffset, filterPartitionsByNode },
    ...{ seekOffset: new SeekOffsets(), preferredReadReplicasPerTopicPartition: {}, offsetManager: anOffsetManager() },
    ...{ logger: { debug() {} }, topicConfigurations: {}, checkForStaleAssignment() {}, leader: 1 },
    ...{ maxBytes: 1_000_000, maxBytesPerPartition: 1, maxWaitTime: 1, minBytes: 1 },
    cluster: {
      refreshMetadataIfNecessary: async () => {},
      findBroker: async ({ nodeId }: { nodeId: number }) => ({
        fetch: async () => ({ responses: nodeId === 1 ? [{ topicName: 'a', partitions: [aResponse] }] : [] }),
      }),
    },
    subscriptionState: { assigned: () => [{ topic: 'a', partitions: [0] }], isPaused: () => false },
    getActiveTopicPartitions: () => ({ a: new Set([0]) }),
    recoverFromFetch(error: Error) {
      throw error
    },
    findReadReplicaForPartitions(_topic: string, partitions: readonly number[]) {
      return { [this.leader]: partitions }
    },
  }
  const fetchFrom = (nodeId: number): Promise<{ isEmptyDueToFiltering(): boolean }[]> => fetch.call(group, nodeId)
  const events: string[] = []
  const taken: object[] = []
  const runner = {
    ...{ running: true, consumerGroup: group, autoCommitOffsets() {}, heartbeat() {} },
    instrumentationEmitter: { emit: (event: string) => void events.push(event) },
    eachBatch: async (_payload: { isStale(): boolean; resolveOffset(offset: string): void }) => {},
    processEachBatch: (batch: object) => taken.push(batch),
  }
  const handle = async (batches: readonly object[]) => {
    for (const batch of batches) await Runner.prototype.handleBatch.call(runner, batch)
  }
  /** The new leader's fetch carries out the seek. */
  const seekByNewLeader = async () => {
    group.seek({ topic: 'a', partition: 0, offset: '0' })
    group.leader = 2
    await fetchFrom(2)
  }
  return { group, fetchFrom, runner, handle, events, taken, seekByNewLeader }
}

describe('a fetched batch', () => {
  it('is taken in', async () => {
    const { fetchFrom, handle, taken } = given()

    await handle(await fetchFrom(1))

    expect(taken).toHaveLength(1)
  })

  it('is left when the member has joined again since, because it reads on from elsewhere', async () => {
    const { group, fetchFrom, handle, taken } = given()
    const batches = await fetchFrom(1)
    group.offsetManager = anOffsetManager()

    await handle(batches)

    expect(batches).toHaveLength(1)
    expect(taken).toEqual([])
  })

  it('is left when it was fetched before a seek, also if it holds no records', async () => {
    const { group, fetchFrom, handle, events, taken } = given()
    const batches = await fetchFrom(1)
    batches[0]!.isEmptyDueToFiltering = () => true
    group.seek({ topic: 'a', partition: 0, offset: '0' })

    await handle(batches)

    expect(events).toEqual([])
    expect(taken).toEqual([])
  })

  it('is left also when the fetch from a new leader has carried out the seek', async () => {
    const { fetchFrom, handle, taken, seekByNewLeader } = given()
    const batches = await fetchFrom(1)

    await seekByNewLeader()
    await handle(batches)

    expect(taken).toEqual([])
  })

  it('is taken in when it was fetched after a seek', async () => {
    const { group, fetchFrom, handle, taken } = given()
    group.seek({ topic: 'a', partition: 0, offset: '0' })

    await handle(await fetchFrom(1))

    expect(taken).toHaveLength(1)
  })
})

describe('a batch that is being handled', () => {
  /** Whether it is stale before and after `between`. Its end is resolved unless it is stale. */
  const handled = async (between: (of: ReturnType<typeof given>) => unknown) => {
    const member = given()
    const stale: boolean[] = []
    await member.fetchFrom(1).then(
      (batches) =>
        Object.assign(member.runner, {
          processEachBatch: Runner.prototype.processEachBatch,
          async eachBatch({ isStale, resolveOffset }: { isStale(): boolean; resolveOffset(offset: string): void }) {
            stale.push(isStale())
            await between(member)
            stale.push(isStale())
            if (!isStale()) resolveOffset(String(RECORDS - 1))
          },
        }) && member.handle(batches),
    )
    return { stale, position: member.group.offsetManager.nextOffset() }
  }

  it('is not stale, and its end is the new read position', async () => {
    expect(await handled(() => {})).toEqual({ stale: [false, false], position: String(RECORDS) })
  })

  it('is stale once the fetch from a new leader has carried out a seek', async () => {
    expect(await handled(({ seekByNewLeader }) => seekByNewLeader())).toEqual({ stale: [false, true], position: '0' })
  })

  it('is stale once the member has joined again', async () => {
    const join = ({ group }: ReturnType<typeof given>) => {
      group.offsetManager = anOffsetManager()
    }
    expect(await handled(join)).toEqual({ stale: [false, true], position: '0' })
  })
})
