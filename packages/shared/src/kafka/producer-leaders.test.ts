import { describe, expect, it } from 'vitest'
import { ERRORS } from '../testing/fake-produce-cluster.ts'
import { DEADLINE_MS, endsOf, givenProducer } from '../testing/given-producer.ts'
import { settle } from '../testing/manual-time.ts'

describe('a leader that hangs', () => {
  it('delays no record of another leader, and fails its own at the deadline', async () => {
    const { time, send, fake, producer, results } = await givenProducer({ a: [1, 2, 3] })
    await Promise.all([0, 1, 2].map((partition) => send('a', '1', { partition })))
    fake.broker(2).isHung = true
    const hung = send('a', '2', { partition: 1 })
    hung.catch(() => {})
    await time.advance(1)

    for (let i = 0; i < 20; i++) await Promise.all([0, 2].map((partition) => send('a', '2', { partition })))
    await time.advance(DEADLINE_MS)

    expect(endsOf(await Promise.allSettled([hung]))).toEqual([
      'kafka-unavailable: producing to kafka: deadline exceeded',
    ])
    expect(producer.isHealthy()).toBe(true)
    expect(producer.problem()).toBe('deadline exceeded')
    expect(results.at(-1)).toBe('failed')
  })

  it('has a bound of its own', async () => {
    const { time, send, fake } = await givenProducer({ a: [1, 2] }, { maxQueued: 3 })
    await Promise.all([send('a', '0'), send('a', '0', { partition: 1 })])
    fake.broker(2).isHung = true
    const hung = send('a', '1', { partition: 1 })
    await time.advance(1)

    const waiting = ['2', '3', '4', '5'].map((value) => send('a', value, { partition: 1 }))
    const others = Array.from({ length: 3 }, () => send('a', 'other'))
    const all = Promise.allSettled([hung, ...waiting, ...others])
    await time.advance(3 * DEADLINE_MS)

    const late = 'kafka-unavailable: producing to kafka: waiting for the broker: deadline exceeded'
    expect(endsOf(await all)).toEqual([
      'kafka-unavailable: producing to kafka: deadline exceeded',
      ...[late, late, late, 'kafka-unavailable: producing to kafka: too many records wait'],
      ...['stored', 'stored', 'stored'],
    ])
  })

  it('has a bound in bytes', async () => {
    const { time, send, fake } = await givenProducer({ a: [1] }, { maxQueuedBytes: 10 })
    await send('a', '0')
    fake.broker(1).isHung = true
    const calls = [send('a', '1')]
    await time.advance(1)

    calls.push(send('a', '12345'), send('a', '123456'), send('a', '12345'))
    const all = Promise.allSettled(calls)
    fake.goOn(1)
    await settle()
    fake.goOn(1)

    expect(endsOf(await all)).toEqual([
      ...['stored', 'stored', 'kafka-unavailable: producing to kafka: too many records wait', 'stored'],
    ])
  })

  it('keeps no record when another broker has become the leader', async () => {
    const { time, send, fake } = await givenProducer({ a: [1, 2] })
    await Promise.all([send('a', '0'), send('a', '0', { partition: 1 })])
    fake.broker(1).isHung = true
    const hung = send('a', '1')
    hung.catch(() => {})
    await time.advance(DEADLINE_MS - 100)
    const waiting = send('a', '2')

    fake.leaders.set('a', [2, 2])
    await time.advance(100)
    await expect(hung).rejects.toThrow('deadline exceeded')
    await waiting

    expect(fake.requests.at(-1)?.nodeId).toBe(2)
    expect(fake.values('a')).toEqual(['0', '2'])
  })
})

it('a leader that waits for a follower that hangs answers before the deadline, and keeps its connection', async () => {
  const { fake, send } = await givenProducer({ a: [1] })
  fake.refusal = () => ERRORS.timedOut

  await expect(send('a', '1')).rejects.toMatchObject({ code: 'kafka-unavailable' })

  expect(fake.requests.map(({ request }) => request.timeoutMs)).toEqual([0.8 * DEADLINE_MS])
  expect(fake.broker(1).connections.map(({ isOpen }) => isOpen)).toEqual([true])
})

describe('a call whose records go to several leaders', () => {
  it('ends when all of them have answered', async () => {
    const { fake, sendAll } = await givenProducer({ a: [1, 2] })
    fake.broker(2).isHung = true
    let isStored = false
    const call = sendAll([
      { topic: 'a', partition: 0 },
      { topic: 'a', partition: 1 },
    ]).then(() => {
      isStored = true
    })
    await settle()
    await settle()
    expect(isStored).toBe(false)

    fake.goOn(2)
    await call
    expect([0, 1].map((partition) => fake.values('a', partition))).toEqual([['v'], ['v']])
  })

  it('sends nothing more to one leader after it failed at another', async () => {
    const { time, fake, send, sendAll, producer } = await givenProducer({ a: [1, 2] })
    await Promise.all([send('a', '0'), send('a', '0', { partition: 1 })])
    for (const nodeId of [1, 2]) fake.broker(nodeId).isHung = true
    fake.broker(2).isHung = false
    fake.broker(2).isBusy = true

    const call = sendAll([
      { topic: 'a', partition: 0 },
      { topic: 'a', partition: 1 },
    ])
    call.catch(() => {})
    await settle()
    fake.breakConnection(1)
    await expect(call).rejects.toMatchObject({ code: 'kafka-unavailable' })
    fake.stopBeingBusy(2)
    await time.advance(1)

    expect(fake.values('a', 1)).toEqual(['0'])
    expect(producer.isHealthy()).toBe(true)
  })
})

describe('a record of a call that loses its leader', () => {
  it('is waited for, although all other records of the call are stored', async () => {
    const { time, fake, send, sendAll } = await givenProducer({ a: [1, 2] })
    await Promise.all([send('a', '0'), send('a', '0', { partition: 1 })])
    for (const nodeId of [1, 2]) fake.broker(nodeId).isHung = true
    send('a', 'earlier', { partition: 1 }).catch(() => {})
    await settle()
    let isStored = false
    const call = sendAll([0, 1].map((partition) => ({ topic: 'a', partition }))).then(() => {
      isStored = true
    })
    await settle()

    const [first, second] = [Promise.withResolvers<void>(), Promise.withResolvers<void>()]
    fake.leaders.set('a', [1, null])
    fake.metadata = first.promise
    await time.advance(100)
    fake.breakConnection(2)
    await time.advance(100)
    fake.metadata = second.promise
    first.resolve()
    await settle()
    fake.goOn(1)
    await settle()
    expect([fake.lookups, fake.values('a'), isStored]).toEqual([3, ['0', 'v'], false])

    fake.leaders.set('a', [1, 2])
    fake.broker(2).isHung = false
    second.resolve()
    await call
    expect([0, 1].map((partition) => fake.values('a', partition))).toEqual(Array(2).fill(['0', 'v']))
  })
})

describe('the leader of a record', () => {
  it('is asked for once by all who want to know it', async () => {
    const { fake, send } = await givenProducer({ a: [1] })

    await Promise.all([send('a', '1'), send('a', '2'), send('a', '3')])

    expect(fake.lookups).toBe(1)
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

  it('that is not told in time fails the call, and no call of a topic whose leaders are known', async () => {
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

  it('is looked for again after a broker said that it leads no more', async () => {
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
