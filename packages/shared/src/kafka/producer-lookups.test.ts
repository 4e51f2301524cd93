import { describe, expect, it } from 'vitest'
import { DEADLINE_MS, givenProducer } from '../testing/given-producer.ts'
import { settle } from '../testing/manual-time.ts'
import { partitionOf } from './partition-of.ts'

describe('the leader of a record', () => {
  it('is looked up once for all records that wait for it', async () => {
    const { fake, send } = await givenProducer({ a: [1] })

    await Promise.all([send('a', '1'), send('a', '2'), send('a', '3')])

    expect(fake.lookups).toBe(1)
  })

  it('is known from the start for the topics that the producer connects for', async () => {
    const { fake, send, producer } = await givenProducer({ a: [1] })
    await producer.connect(['a'])
    fake.metadata = new Promise<void>(() => {})

    await send('a', '1')

    expect(fake.values('a')).toEqual(['1'])
  })

  it('is asked for ten times a second at most while a partition has none', async () => {
    const { time, fake, send } = await givenProducer({ a: [null] })
    const fails = () => expect(send('a', '1')).rejects.toThrow('partition 0 of a has no leader')

    for (let i = 0; i < 3; i++) await fails()
    expect(fake.lookups).toBe(1)
    await time.advance(100)
    await fails()

    expect(fake.lookups).toBe(2)
  })

  it('is asked for again with a topic that was not asked for before', async () => {
    const { fake, send } = await givenProducer({ a: [1], b: [1] })
    const answered = Promise.withResolvers<void>()
    fake.metadata = answered.promise

    const calls = [send('a', '1'), send('b', '2')]
    answered.resolve()
    await Promise.all(calls)

    expect(fake.lookups).toBe(2)
  })

  it('fails the call if it is not found in time, and fails no call of a topic whose leaders are known', async () => {
    const { time, fake, send, producer } = await givenProducer({ a: [1], b: [1] })
    await send('a', '1')
    fake.metadata = new Promise(() => {})

    const unknown = send('b', '2')
    unknown.catch(() => {})
    await send('a', '3')
    await time.advance(DEADLINE_MS)

    await expect(unknown).rejects.toMatchObject({ code: 'kafka-unavailable' })
    expect(producer.isHealthy()).toBe(true)
    expect(producer.problem()).toBe('deadline exceeded')
  })

  it('is looked for on behalf of records with a bound in bytes', async () => {
    const { fake, send } = await givenProducer({ a: [1] }, { maxQueuedBytes: 10 })
    const lookup = Promise.withResolvers<void>()
    fake.metadata = lookup.promise

    const calls = [send('a', '12345'), send('a', '12345')]
    await expect(send('a', '6')).rejects.toThrow('too many records wait')
    lookup.resolve()
    await Promise.all(calls)

    expect(fake.values('a')).toEqual(['12345', '12345'])
  })

  it('is looked for again after a broker answered that it is not the leader', async () => {
    const { time, fake, send } = await givenProducer({ a: [1] })
    await send('a', '1')
    fake.leaders.set('a', [2])
    await time.advance(2_000)

    await expect(send('a', '2')).rejects.toMatchObject({ code: 'kafka-unavailable' })
    await settle()
    await send('a', '3')

    expect(fake.requests.map(({ nodeId }) => nodeId)).toEqual([1, 1, 2])
    expect(fake.values('a')).toEqual(['1', '3'])
  })

  it('is looked for again after a lookup at the broker that hangs has failed', async () => {
    const { time, fake, send } = await givenProducer({ a: [1, 2], b: [2] })
    await send('a', '0')
    await time.advance(1_000)
    fake.broker(1).isHung = true
    const hung = send('a', '1')
    hung.catch(() => {})
    await settle()
    const lookup = Promise.withResolvers<void>()
    const { drop } = fake.cluster
    fake.metadata = lookup.promise
    fake.cluster.drop = (nodeId) => {
      drop(nodeId)
      fake.metadata = Promise.resolve()
      lookup.reject(new Error('Closed connection'))
    }
    send('b', '1').catch(() => {})
    fake.leaders.set('a', [2, 2])
    await time.advance(DEADLINE_MS - 100)

    const next = send('a', '2')
    await time.advance(100)

    await expect(hung).rejects.toThrow('deadline exceeded')
    await settle()
    expect(fake.requests.at(-1)?.nodeId).toBe(2)
    await next
    expect(fake.values('a')).toEqual(['0', '2'])
  })

  it('is looked for again after five minutes, so that new partitions are found', async () => {
    const { time, fake, sendAll } = await givenProducer({ a: [1] })
    const sendKeys = () => Promise.all(Array.from({ length: 20 }, (_, i) => sendAll([{ topic: 'a', key: `key-${i}` }])))
    await sendKeys()
    fake.leaders.set('a', [1, 2])

    await sendKeys()
    expect(fake.values('a', 1)).toEqual([])
    await time.advance(300_000)
    await sendKeys()
    await settle()
    await sendKeys()

    expect(fake.lookups).toBe(2)
    expect(fake.values('a', 1).length).toBeGreaterThan(0)
  })

  it('that a partition does not have fails the call', async () => {
    const { send, producer } = await givenProducer({ a: [null] })

    await expect(send('a', '1')).rejects.toThrow('partition 0 of a has no leader')
    expect(producer.isHealthy()).toBe(false)
  })
})

it('a record finds its partition by its key again after its topic was made anew with fewer partitions', async () => {
  const { time, fake, sendAll } = await givenProducer({ a: [1, 1, 1, 1] })
  const key = ['k', 'l', 'm', 'n', 'o', 'p'].find((each) => partitionOf(each, 4) > 0)!
  await sendAll([{ topic: 'a', key }])
  fake.broker(1).isHung = true
  sendAll([{ topic: 'a', key }]).catch(() => {})
  await time.advance(100)
  const waiting = sendAll([{ topic: 'a', key, value: Buffer.from('waited') }])

  fake.leaders.set('a', [2])
  fake.breakConnection(1)
  await waiting

  expect(fake.values('a', 0)).toEqual(['waited'])
})
