import { once } from 'node:events'
import { type AddressInfo, createServer } from 'node:net'
import { afterEach, describe, expect, it } from 'vitest'
import { type ProduceBrokers, startProduceBrokers } from '../testing/produce-brokers.ts'
import { createKafka } from './connect.ts'
import { type BatchedProducer, createProducer } from './producer.ts'

const TOPIC = 'snapshots'
const DEADLINE_MS = 1_000

const open: { brokers: ProduceBrokers; producer: BatchedProducer }[] = []
afterEach(async () => {
  for (const { brokers, producer } of open.splice(0)) {
    for (const nodeId of brokers.addresses.keys()) brokers.goOn(nodeId)
    await producer.disconnect()
    await brokers.close()
  }
})

function producerFor(brokers: ProduceBrokers, addresses: readonly string[]) {
  const connection = { kafkaBrokers: [...addresses], kafkaSsl: false }
  const kafka = createKafka(connection, { clientId: 'test', retries: 0, requestTimeoutMs: DEADLINE_MS })
  const producer = createProducer({ kafka, deadlineMs: DEADLINE_MS })
  open.push({ brokers, producer })
  return producer
}

/** A producer by kafkajs and sockets, in front of brokers of which each leads one partition. */
async function given({ brokers: count = 1 } = {}) {
  const brokers = await startProduceBrokers({ brokers: count, partitions: count })
  const producer = producerFor(brokers, brokers.addresses)
  await producer.connect()
  const send = (value: string, { topic = TOPIC, partition = 0, fence = () => {} } = {}) =>
    producer.send([{ topic, partition, key: 'k', value: Buffer.from(value), headers: {} }], fence)
  for (const partition of brokers.addresses.keys()) await send('first', { partition })
  return { brokers, producer, send }
}

/** Nobody listens there any more. */
async function unusedAddress(): Promise<string> {
  const server = createServer().listen(0, '127.0.0.1')
  await once(server, 'listening')
  const { port } = server.address() as AddressInfo
  server.close()
  await once(server, 'close')
  return `127.0.0.1:${port}`
}

async function untilStored(send: () => Promise<void>): Promise<void> {
  for (;;) {
    const isStored = await send().then(
      () => true,
      () => false,
    )
    if (isStored) return
  }
}

describe('the first of two configured brokers', () => {
  it('may be down, because the next attempt to connect goes to the second one', async () => {
    const brokers = await startProduceBrokers({ brokers: 1, partitions: 1 })
    const producer = producerFor(brokers, [await unusedAddress(), brokers.addresses[0]!])

    await expect(producer.connect()).rejects.toThrow('ECONNREFUSED')

    await producer.connect()
  })

  it('may hang, because the next attempt to connect goes to the second one', async () => {
    const brokers = await startProduceBrokers({ brokers: 2, partitions: 1 })
    const producer = producerFor(brokers, brokers.addresses)
    brokers.hang(0)

    await expect(producer.connect()).rejects.toThrow('timed out')

    await producer.connect()
  })
})

describe('a broker of three that hangs', () => {
  it('fails the records of the partitions that it leads, and no others', async () => {
    const { brokers, producer, send } = await given({ brokers: 3 })
    brokers.hang(1)

    const results = await Promise.allSettled([0, 1, 2].map((partition) => send('second', { partition })))

    expect(results.map(({ status }) => status)).toEqual(['fulfilled', 'rejected', 'fulfilled'])
    expect(results[1]).toMatchObject({ reason: { code: 'kafka-unavailable' } })
    expect([0, 2].map((partition) => brokers.values(TOPIC, partition))).toEqual(Array(2).fill(['first', 'second']))
    expect(producer.isHealthy()).toBe(true)
    expect(producer.problem()).toContain('deadline exceeded')
  })

  it('is not the only one that is asked for the leaders of a new topic', async () => {
    const { brokers, send } = await given({ brokers: 3 })
    brokers.hang(1)

    await untilStored(() => send('first', { topic: 'new' }))

    expect(brokers.values('new', 0)).toContain('first')
  })

  it('gets its next records by a new connection', async () => {
    const { brokers, send } = await given()
    brokers.hang(0)
    await expect(send('second')).rejects.toMatchObject({ code: 'kafka-unavailable' })
    await expect.poll(() => brokers.openConnections(0)).toBe(0)
    brokers.goOn(0)

    await send('third')

    expect(brokers.openConnections(0)).toBe(1)
  })
})

describe('a produce that fails with an unknown result', () => {
  it('is not appended after a newer one that went by a new connection', async () => {
    const { brokers, send } = await given({ brokers: 2 })
    brokers.hang(1)
    const older = send('older', { partition: 1 })
    older.catch(() => {})
    await brokers.untilUnread(1, 1)
    brokers.breakConnections(1)
    await expect(older).rejects.toMatchObject({ code: 'kafka-unavailable' })

    const newer = send('newer', { partition: 1 })
    newer.catch(() => {})
    await brokers.untilUnread(1, 2)
    brokers.goOn(1)
    await newer

    await send('last', { partition: 1 })
    expect(brokers.values(TOPIC, 1)).toEqual(['first', 'newer', 'last'])
  })

  it('may be appended before the next one', async () => {
    const { brokers, send } = await given()
    brokers.hang(0)
    await expect(send('older')).rejects.toMatchObject({ code: 'kafka-unavailable' })
    brokers.goOn(0)

    await send('newer')

    expect(brokers.values(TOPIC, 0)).toEqual(['first', 'older', 'newer'])
  })
})

describe('a produce that waits in the client because the broker is busy', () => {
  it('does not leave after its caller was informed of the failure', async () => {
    const { brokers, send } = await given()
    brokers.throttleMs = 2 * DEADLINE_MS
    await send('second')
    brokers.throttleMs = 0

    await expect(send('late')).rejects.toMatchObject({ code: 'kafka-unavailable' })

    await untilStored(() => send('last'))
    expect(new Set(brokers.values(TOPIC, 0))).toEqual(new Set(['first', 'second', 'last']))
  })

  it('is fenced when it leaves, not before', async () => {
    const { brokers, send } = await given()
    brokers.throttleMs = DEADLINE_MS / 2
    await send('second')
    brokers.throttleMs = 0
    let isOwned = true

    const fenced = send('fenced', {
      fence() {
        if (!isOwned) throw new Error('the partition is another member’s')
      },
    })
    setImmediate(() => setImmediate(() => (isOwned = false)))

    await expect(fenced).rejects.toMatchObject({ code: 'fenced' })
    await send('last')
    expect(brokers.values(TOPIC, 0)).toEqual(['first', 'second', 'last'])
  })
})
