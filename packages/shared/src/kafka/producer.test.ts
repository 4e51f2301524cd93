import { describe, expect, it } from 'vitest'
import { SyncError } from '../errors.ts'
import { createFakeProduceCluster, ERRORS, errorOf } from '../testing/fake-produce-cluster.ts'
import { DEADLINE_MS, endsOf, givenProducer } from '../testing/given-producer.ts'
import { createManualTime, settle } from '../testing/manual-time.ts'
import { createClusterProducer } from './producer.ts'

describe('records that are sent at once, each by its own call', () => {
  it('leave in one request to each leader', async () => {
    const { send, sent, fake } = await givenProducer({ a: [1, 2], b: [1, 2] })
    await Promise.all([send('a', '0'), send('b', '0')])
    fake.requests.length = 0

    const calls = [send('a', '1'), send('a', '2', { partition: 1 }), send('b', '3'), send('a', '4')]
    await Promise.all(calls)

    expect(fake.requests.map(({ nodeId }) => nodeId)).toEqual([1, 2])
    expect(sent()).toEqual([['a 1', 'a 4', 'b 3'], ['a 2']])
  })

  it('leave with the next request while one is under way', async () => {
    const { send, sent, fake } = await givenProducer({ a: [1] })
    await send('a', '0')
    fake.broker(1).isHung = true
    const first = send('a', '1')
    await settle()
    const others = [send('a', '2'), send('a', '3')]
    await settle()

    fake.goOn(1)
    await Promise.all([first, ...others])

    expect(sent()).toEqual([['a 0'], ['a 1'], ['a 2', 'a 3']])
    expect(fake.values('a')).toEqual(['0', '1', '2', '3'])
  })

  it('leave in several requests when they are large', async () => {
    const { send, sent } = await givenProducer({ a: [1] })
    await send('a', '0')
    const large = 'v'.repeat(300 * 1024)

    await Promise.all([send('a', '1'), send('a', large), send('a', large), send('a', '2'), send('a', large.repeat(3))])

    expect(sent().map((records) => records.length)).toEqual([1, 2, 2, 1])
  })
})

describe('the fence', () => {
  it('is asked when the bytes leave, for each call by itself', async () => {
    const { fake, send } = await givenProducer({ a: [1] })
    await send('a', '0')
    fake.broker(1).isBusy = true
    let isOwned = true
    const fence = () => {
      if (!isOwned) throw new SyncError('fenced', 'the partition is not ours')
    }

    const calls = [send('a', 'fenced', { fence }), send('a', 'free')]
    const all = Promise.allSettled(calls)
    await settle()
    isOwned = false
    fake.stopBeingBusy(1)

    expect(endsOf(await all)).toEqual(['fenced: the partition is not ours', 'stored'])
    expect(fake.values('a')).toEqual(['0', 'free'])
  })

  it('that stops all of a batch lets nothing leave, and is no failure of the broker', async () => {
    const { fake, send, producer, results } = await givenProducer({ a: [1] })
    const fence = () => {
      throw new SyncError('fenced', 'the partition is not ours')
    }

    await expect(send('a', '1', { fence })).rejects.toMatchObject({ code: 'fenced' })

    expect(fake.requests).toEqual([])
    expect([producer.isHealthy(), producer.problem(), results]).toEqual([true, null, []])
  })
})

describe('a record that the broker refuses', () => {
  it('fails no other record of its batch', async () => {
    const { fake, send, results, producer } = await givenProducer({ a: [1, 1] })
    fake.refusal = (_topic, values) => (values.includes('large') ? ERRORS.tooLarge : 0)

    const calls = [send('a', '1'), send('a', 'large'), send('a', '2'), send('a', '3', { partition: 1 })]

    expect(endsOf(await Promise.allSettled(calls))).toEqual([
      'stored',
      'contract-violation: producing to kafka: the record is refused (too large, or no such partition?)',
      ...['stored', 'stored'],
    ])
    expect([0, 1].map((partition) => fake.values('a', partition))).toEqual([['1', '2'], ['3']])
    expect(results[0]).toBe('refused')
    expect(producer.isHealthy()).toBe(true)
    expect(new Set(fake.requests.map(({ request }) => request.epoch))).toEqual(new Set([0]))
  })

  it('is a record for a partition that a new lookup of the topic does not find either', async () => {
    const { time, fake, send } = await givenProducer({ a: [1] })
    await send('a', '0')

    await expect(send('a', '1', { partition: 7 })).rejects.toMatchObject({ code: 'contract-violation' })
    fake.leaders.set('a', Array(8).fill(1))
    await time.advance(100)
    await send('a', '2', { partition: 7 })

    expect(fake.values('a', 7)).toEqual(['2'])
  })
})

describe('a topic that no ACL lets us write', () => {
  const refused =
    'kafka-unavailable: producing to kafka: no ACL allows us WRITE on topic orders (npx syncctl topics acls lists what is needed)'

  it('is no fault of its record, and takes no other of the batch with it', async () => {
    const { fake, send, sent, producer } = await givenProducer({ inbox: [1], orders: [1] })
    fake.refusal = (topic) => (topic === 'orders' ? ERRORS.notAuthorized : 0)
    await send('inbox', '0')
    await send('orders', '0').catch(() => {})
    fake.requests.length = 0

    const calls = [send('inbox', '1'), send('orders', '2'), send('orders', '3'), send('inbox', '4')]

    expect(endsOf(await Promise.allSettled(calls))).toEqual(['stored', refused, refused, 'stored'])
    expect(sent()).toEqual([['inbox 1', 'inbox 4', 'orders 2', 'orders 3']])
    expect(producer.isHealthy()).toBe(true)
  })

  it('is told as the problem until a write is acknowledged', async () => {
    const { fake, send, producer } = await givenProducer({ orders: [1] })
    expect(producer.problem()).toBeNull()
    fake.refusal = () => ERRORS.notAuthorized

    await send('orders', '1').catch(() => {})
    expect(producer.problem()).toContain('no ACL allows us WRITE on topic orders')
    fake.refusal = () => 0
    await send('orders', '1')

    expect(producer.problem()).toBeNull()
  })

  it('may be hidden by the broker as well', async () => {
    const { send, producer } = await givenProducer({ orders: errorOf(ERRORS.notAuthorized), inbox: [1] })

    expect(endsOf(await Promise.allSettled([send('orders', '1'), send('inbox', '2')]))).toEqual([refused, 'stored'])
    expect(producer.isHealthy()).toBe(true)
  })
})

describe('a batch that has failed', () => {
  it('needs no new epoch if the broker had too few replicas to append it', async () => {
    const { fake, send, producer } = await givenProducer({ a: [1] })
    fake.refusal = () => ERRORS.notEnoughReplicas

    await expect(send('a', '1')).rejects.toMatchObject({ code: 'kafka-unavailable' })
    expect(producer.isHealthy()).toBe(false)
    fake.refusal = () => 0
    await send('a', '2')

    expect(fake.requests.map(({ request }) => request.epoch)).toEqual([0, 0])
    expect(fake.values('a')).toEqual(['2'])
  })

  it.each([
    ['notLeader', ERRORS.notLeader],
    ['timedOut', ERRORS.timedOut],
  ])('needs a new epoch after %s, because the broker may have appended it', async (_name, code) => {
    const { fake, send } = await givenProducer({ a: [1] })
    fake.refusal = () => code
    fake.refusesAfterAppend = true

    await expect(send('a', '1')).rejects.toMatchObject({ code: 'kafka-unavailable' })
    fake.refusal = () => 0
    await send('a', '2')

    expect(fake.values('a')).toEqual(['1', '2'])
  })
})

it('a metric that cannot be counted fails no write', async () => {
  const observe = () => {
    throw new Error('no such label')
  }
  const { fake, send } = await givenProducer({ a: [1] }, { observe })

  await send('a', '1')
  await send('a', '2')

  expect(fake.values('a')).toEqual(['1', '2'])
})

it('a record without a key and a partition goes anywhere', async () => {
  const { fake, sendAll } = await givenProducer({ a: [1, 1, 1, 1] })

  await Promise.all(Array.from({ length: 40 }, () => sendAll([{ topic: 'a', key: null }])))

  expect([0, 1, 2, 3].map((partition) => fake.values('a', partition).length > 0)).toEqual(Array(4).fill(true))
})

describe('a broker that still loads what it needs to give a producer id', () => {
  const given = (problems: readonly number[]) => {
    const time = createManualTime()
    const fake = createFakeProduceCluster({ a: [1] })
    fake.idProblems.push(...problems.map(errorOf))
    const producer = createClusterProducer({
      ...{ cluster: fake.cluster, deadlineMs: DEADLINE_MS, now: time.now, schedule: time.schedule },
    })
    const connected = producer.connect()
    connected.catch(() => {})
    return { time, fake, producer, connected }
  }

  it('is asked again', async () => {
    const { time, fake, producer, connected } = given([ERRORS.loading, ERRORS.loading])
    await time.advance(DEADLINE_MS)
    await connected

    await producer.send([{ topic: 'a', key: 'k', value: Buffer.from('v'), headers: {} }])

    expect(fake.values('a')).toEqual(['v'])
  })

  it('is asked again until the deadline, and not again for a refusal', async () => {
    const loading = given(Array(100).fill(ERRORS.loading))
    await loading.time.advance(2 * DEADLINE_MS)
    const refused = given([ERRORS.notAuthorized, ERRORS.notAuthorized])

    await expect(loading.connected).rejects.toMatchObject({ type: 'GROUP_LOAD_IN_PROGRESS' })
    expect(100 - loading.fake.idProblems.length).toBeLessThan(10)
    await expect(refused.connected).rejects.toMatchObject({ type: 'TOPIC_AUTHORIZATION_FAILED' })
    expect(refused.fake.idProblems).toHaveLength(1)
  })
})
