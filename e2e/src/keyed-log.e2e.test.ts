import { createKafka } from '@sync/shared/kafka/connect'
import type { Admin, Kafka } from 'kafkajs'
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest'
import { eventually } from './eventually.ts'
import { type KeyedWorld, LONG_SESSION, startKeyedWorld, TENANT } from './keyed-world.ts'
import type { ServiceProcess } from './service-process.ts'
import { sharedStack } from './stack.ts'

const TOPIC = 'flow.customers.v1'
const PARTITIONS = 3

let kafka: Kafka
let admin: Admin
let world: KeyedWorld
beforeAll(async () => {
  kafka = createKafka({ kafkaBrokers: sharedStack().brokers, kafkaSsl: false } as never, { clientId: 'e2e' })
  admin = kafka.admin()
  await admin.connect()
})
afterAll(() => admin.disconnect())
afterEach(() => world?.stop())

const keys = (prefix: string, count: number) => Array.from({ length: count }, (_, i) => `${prefix}-${i}`)
/** Whether the member knows its place in each partition and has nothing before it. */
const hasNoLag = async (member: ServiceProcess) => {
  const lags = (await member.metrics()).split('\n').filter((line) => line.startsWith('sync_consumer_lag_records{'))
  return lags.length > 0 && lags.every((line) => line.endsWith(' 0'))
}
const readyOf = async (member: ServiceProcess) => {
  const answer = await fetch(`${member.adminUrl}/ready`)
  return (await answer.json()) as { shorterLogs: { topic: string; partition: number }[] }
}

/** A world with a member that has handled and committed so many records. */
async function memberThatHasRead(count: number): Promise<ServiceProcess> {
  world = await startKeyedWorld({ file: 'keyed-log', partitions: PARTITIONS, env: LONG_SESSION })
  const member = await world.join('a')
  await world.load.write(TENANT, keys('old', count))
  await world.untilApplied()
  await world.untilCommitted()
  return member
}

describe('a partition whose last records are of a transaction that was aborted', () => {
  it('has no lag, and is committed to its end', async () => {
    const member = await memberThatHasRead(30)
    const producer = kafka.producer({ transactionalId: `${world.prefix}t`, idempotent: true, maxInFlightRequests: 1 })
    await producer.connect()
    const transaction = await producer.transaction()
    for (let partition = 0; partition < PARTITIONS; partition++) {
      const tombstone = { partition, key: `${TENANT}:gone-${partition}`, value: null }
      await transaction.send({ topic: world.prefix + TOPIC, messages: [tombstone] })
    }
    await transaction.abort()
    await producer.disconnect()

    await world.untilCommitted()
    await eventually('no lag', () => hasNoLag(member))
  })
})

describe('a member that has read nothing', () => {
  it('releases its partitions when it stops, and says nothing of work that is done again', async () => {
    const first = await memberThatHasRead(30)
    await world.leave(first, 'SIGTERM')

    const idle = await world.join('idle')
    // From the committed offsets, which the release repeats.
    await eventually('its place', () => hasNoLag(idle))
    await world.leave(idle, 'SIGTERM')

    expect(idle.output()).not.toContain('some work is done again')
    const topics = [world.prefix + TOPIC]
    const [committed] = await admin.fetchOffsets({ groupId: `${world.prefix}customer-mapper`, topics })
    expect(committed!.partitions.map(({ metadata }) => metadata?.split(' ').slice(0, 2).join(' '))).toEqual(
      Array(PARTITIONS).fill('released idle'),
    )
  })
})

/** The topic anew, with nothing in it. */
async function recreate(topic: string): Promise<void> {
  await admin.deleteTopics({ topics: [topic] })
  await eventually('the topic being gone', async () => !(await admin.listTopics()).includes(topic))
  await admin.createTopics({
    topics: [{ topic, numPartitions: PARTITIONS, replicationFactor: 1 }],
    waitForLeaders: false,
  })
  const hasLeaders = () =>
    admin.fetchTopicOffsets(topic).then(
      ({ length }) => length === PARTITIONS,
      () => false,
    )
  await eventually('the topic having leaders', hasLeaders)
}

/** As if the group, which has no member, had read each partition to this offset. */
async function commitAt(groupId: string, topic: string, offset: number, metadata?: string): Promise<void> {
  const consumer = kafka.consumer({ groupId })
  await consumer.connect()
  await consumer.subscribe({ topics: [topic] })
  const joined = new Promise<void>((resolve) => void consumer.on(consumer.events.GROUP_JOIN, () => resolve()))
  await consumer.run({ autoCommit: false, eachBatch: async () => {} })
  await joined
  const partitions = Array.from({ length: PARTITIONS }, (_, partition) => partition)
  await consumer.commitOffsets(
    partitions.map((partition) => ({ topic, partition, offset: String(offset), metadata: metadata ?? null })),
  )
  await consumer.disconnect()
}

describe('a topic that is deleted and created again', () => {
  it('under a running service: every record of the new log is handled, and the service says that the log is shorter', async () => {
    const member = await memberThatHasRead(300)

    await recreate(world.prefix + TOPIC)
    await world.load.write(TENANT, keys('new', 60))

    await world.untilApplied()
    await world.untilCommitted()
    await eventually('no lag', () => hasNoLag(member))
    expect((await readyOf(member)).shorterLogs.map(({ topic }) => topic)).toContain(world.prefix + TOPIC)
    expect(await member.metrics()).toMatch(/^sync_shorter_logs_total\{.*topic="flow\.customers\.v1".*\} [1-9]/m)
    expect(member.output()).toMatch(/"level":"error".*(the log is shorter|created again)/)
  })

  it('and whose new log is longer than the read position: every record of the new log is handled', async () => {
    const member = await memberThatHasRead(300)

    // The member sees neither the deletion nor the short log.
    member.signal('SIGSTOP')
    await recreate(world.prefix + TOPIC)
    await world.load.write(TENANT, keys('new', 900))
    member.signal('SIGCONT')

    await world.untilApplied()
    await world.untilCommitted()
    await eventually('no lag', () => hasNoLag(member))
    expect((await readyOf(member)).shorterLogs.map(({ topic }) => topic)).toContain(world.prefix + TOPIC)
    expect(await member.metrics()).toMatch(/^sync_shorter_logs_total\{.*topic="flow\.customers\.v1".*\} [1-9]/m)
    expect(member.output()).toMatch(/"level":"error".*the topic was deleted and created again/)
  })

  it('while a commit of the former log is still to come: a new owner does not take it for one of the new log', async () => {
    const before = await memberThatHasRead(300)
    await world.leave(before, 'SIGTERM')
    const [topic, groupId] = [world.prefix + TOPIC, `${world.prefix}customer-mapper`]
    const [former] = await admin.fetchOffsets({ groupId, topics: [topic] })

    await recreate(topic)
    await world.load.write(TENANT, keys('new', 900))
    await commitAt(groupId, topic, 50, former!.partitions[0]!.metadata!)
    await world.join('b')

    await world.untilApplied()
    await world.untilCommitted()
  })

  it('while the service is stopped: every record of the new log is handled', async () => {
    const before = await memberThatHasRead(300)
    await world.leave(before, 'SIGTERM')

    await recreate(world.prefix + TOPIC)
    // Kafka forgets the offsets of a topic that is deleted, but not those of a log that was cut.
    await commitAt(`${world.prefix}customer-mapper`, world.prefix + TOPIC, 5_000)
    await world.load.write(TENANT, keys('new', 60))
    const member = await world.join('a')

    await world.untilApplied()
    await world.untilCommitted()
    await eventually('no lag', () => hasNoLag(member))
    expect((await readyOf(member)).shorterLogs.map(({ topic }) => topic)).toContain(world.prefix + TOPIC)
  })
})
