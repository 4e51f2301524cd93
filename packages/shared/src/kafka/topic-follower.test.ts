import type { Admin, ConsumerRunConfig, Kafka } from 'kafkajs'
import { expect, onTestFinished, test } from 'vitest'
import type { Codec } from '../contracts/codec.ts'
import { type ErrorCode, SyncError } from '../errors.ts'
import { createTopicFollower } from './topic-follower.ts'

const failWith = (code: ErrorCode) => () => Promise.reject(new SyncError(code, `reading: ${code}`))
const readAs = (tenant: string) => () => Promise.resolve({ tenant })

/** A follower of a topic of one partition, whose records the codec answers with these in turn. */
function givenFollower({ records, answers }: { records: number; answers: readonly (() => Promise<unknown>)[] }) {
  const left = [...answers]
  const batch = {
    partition: 0,
    messages: Array.from({ length: records }, () => ({ value: Buffer.from('record') })),
    lastOffset: () => String(records - 1),
  }
  let heartbeats = 0
  const batchEnded = Promise.withResolvers<void>()
  const consumer = {
    events: { CRASH: 'consumer.crash' },
    connect: async () => {},
    disconnect: async () => {},
    subscribe: async () => {},
    on: () => () => {},
    async run({ eachBatch }: ConsumerRunConfig) {
      const heartbeat = async () => void heartbeats++
      eachBatch!({ batch, heartbeat } as never).then(batchEnded.resolve, batchEnded.reject)
    },
  }
  const admin: Partial<Admin> = {
    connect: async () => {},
    disconnect: async () => {},
    deleteGroups: async () => [],
    fetchTopicOffsets: async () => [{ partition: 0, offset: String(records), low: '0', high: String(records) }],
  }
  const taken: string[] = []
  const warnings: string[] = []
  const warned = Promise.withResolvers<void>()
  const follower = createTopicFollower({
    kafka: { admin: () => admin, consumer: () => consumer } as unknown as Kafka,
    codec: { decode: () => left.shift()!() } as unknown as Codec,
    ...{ topic: 'sync.cursors.v1', prefix: '', groupId: 'reader' },
    logger: {
      warn(_fields: unknown, message?: string) {
        warnings.push(message!)
        warned.resolve()
      },
    },
    take: ({ tenant }) => taken.push(tenant),
  })
  onTestFinished(() => follower.stop())
  return {
    ...{ follower, taken, warnings, warned: warned.promise, batchEnded: batchEnded.promise },
    heartbeats: () => heartbeats,
  }
}

test.each(['registry-unavailable', 'topic-missing'] as const)(
  'a record that cannot be read because of %s is read again, and no record is left out',
  async (code) => {
    const answers = [failWith(code), failWith(code), readAs('first'), readAs('second')]
    const { follower, taken, heartbeats } = givenFollower({ records: 2, answers })

    await follower.start()

    expect(taken).toEqual(['first', 'second'])
    // A wait without heartbeats would end the session.
    expect(heartbeats()).toBe(2)
  },
)

test('a wait for the registry is told once, not at each attempt', async () => {
  const outage = Array.from({ length: 3 }, () => failWith('registry-unavailable'))
  const { follower, warnings } = givenFollower({ records: 1, answers: [...outage, readAs('first')] })

  await follower.start()

  expect(warnings).toEqual(['waiting for the schema registry: a record of sync.cursors.v1 cannot be read'])
})

test('a record that breaks its contract is left out, and the next one is taken', async () => {
  const answers = [failWith('contract-violation'), readAs('second')]
  const { follower, taken, warnings } = givenFollower({ records: 2, answers })

  await follower.start()

  expect(taken).toEqual(['second'])
  expect(warnings).toEqual(['a record that breaks its contract is left out'])
})

test('a stop ends the wait for the registry', async () => {
  const outage = Array.from({ length: 100 }, () => failWith('registry-unavailable'))
  const { follower, taken, warned, batchEnded } = givenFollower({ records: 1, answers: outage })
  void follower.start()
  await warned

  await follower.stop()

  await batchEnded
  expect(taken).toEqual([])
})
