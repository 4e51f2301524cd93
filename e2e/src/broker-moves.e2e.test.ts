import { createRequire } from 'node:module'
import { createKafka } from '@sync/shared/kafka/connect'
import { createConsumer } from '@sync/shared/kafka/consumer'
import type { Source, SourceBatch } from '@sync/shared/kafka/ports'
import { createLogger } from '@sync/shared/logger'
import { afterAll, afterEach, beforeAll, expect, it, vi } from 'vitest'
import { createTopics } from './create-topics.ts'
import { eventually } from './eventually.ts'
import { newTopicPrefix, sharedStack } from './stack.ts'

const prefix = newTopicPrefix('broker-moves')
const kafka = createKafka({ kafkaBrokers: sharedStack().brokers, kafkaSsl: false } as never, { clientId: 'e2e' })
const admin = kafka.admin()
const producer = kafka.producer({ allowAutoTopicCreation: false })
const sources: Source[] = []
beforeAll(async () => {
  await Promise.all([admin.connect(), producer.connect()])
})
afterEach(async () => {
  vi.restoreAllMocks()
  await Promise.all(sources.splice(0).map((source) => source.stop()))
})
afterAll(async () => {
  await Promise.all([admin.disconnect(), producer.disconnect()])
})

const internal = createRequire(import.meta.url)
const { prototype: broker } = internal('kafkajs/src/broker/index.js')
const { createErrorFromCode } = internal('kafkajs/src/protocol/error.js')
const NOT_LEADER = 6
const NOT_COORDINATOR = 16
const COORDINATOR_LOADING = 14

/** A member of a group of its own, the joins that gave it its partitions, and what it has read. */
const reading = async (topic: string) => {
  const joins: number[] = []
  const batches: SourceBatch[] = []
  const logger = createLogger({ service: 'e2e', level: 'fatal' })
  const source = createConsumer({
    ...{ kafka, groupId: `${topic}-group`, topics: [topic], instanceId: 'a', sessionTimeoutMs: 30_000, logger },
  })
  sources.push(source)
  await source.start({
    joining() {},
    rebalancing() {},
    outOfRange() {},
    assigned: (assignment) => joins.push(assignment.get(topic)?.length ?? 0),
    batch: (batch) => batches.push(batch),
    crashed(error) {
      throw error
    },
  })
  return { joins, batches }
}

it('partitions whose leader does not know yet that it leads are waited for, in the group as it is', async () => {
  const topic = `${prefix}new`
  await createTopics(admin, [{ topic, numPartitions: 2 }])
  const { joins, batches } = await reading(topic)
  await eventually('the first join', () => joins.length === 1)

  const refused = vi.spyOn(broker, 'fetch')
  for (let i = 0; i < 5; i++) refused.mockRejectedValueOnce(createErrorFromCode(NOT_LEADER))
  await producer.send({ topic, messages: [{ partition: 1, key: 'k', value: 'v' }] })
  await eventually('what was written', () => batches.some(({ records }) => records.length === 1))

  expect(refused.mock.calls.length).toBeGreaterThan(5)
  expect(joins).toEqual([2])
})

it('a member whose join meets a coordinator that is loading joins all the same', async () => {
  const topic = `${prefix}loading`
  await createTopics(admin, [{ topic, numPartitions: 2 }])
  const { joins, batches } = await reading(topic)
  await eventually('the first join', () => joins.length === 1)

  // As when the group's coordinator moves: the next one reads the group's state first, in which nothing has changed.
  const moved = vi.spyOn(broker, 'heartbeat').mockRejectedValueOnce(createErrorFromCode(NOT_COORDINATOR))
  const loading = vi.spyOn(broker, 'joinGroup').mockRejectedValueOnce(createErrorFromCode(COORDINATOR_LOADING))
  await eventually('the join that is refused', () => loading.mock.calls.length > 0)
  await producer.send({ topic, messages: [{ partition: 1, key: 'k', value: 'v' }] })
  await eventually('what was written', () => batches.some(({ records }) => records.length === 1))
  await eventually('the assignment, without which nothing is sent', () => joins.length > 1, 20_000)

  expect(moved).toHaveBeenCalled()
  expect(joins).toEqual([2, 2])
})
