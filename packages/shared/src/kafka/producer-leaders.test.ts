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
