import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import { SyncError } from '../errors.ts'
import { done, retry } from '../outcome.ts'
import { type Answer, givenRuntime, settle, TOPIC } from '../testing/given-runtime.ts'

beforeEach(() => vi.useFakeTimers())
afterEach(() => vi.useRealTimers())

describe('a rebalance', () => {
  it('aborts what was lost and ends nothing of it, and keeps what was kept', async () => {
    const aborted: string[] = []
    const gate = Promise.withResolvers<void>()
    const { source, ends } = await givenRuntime({
      answer: async (all, { call }) => {
        call.signal.addEventListener('abort', () => aborted.push(call.key))
        await gate.promise
        return all.map(() => done())
      },
    })
    source.assign([0, 1])
    await settle()
    source.append(TOPIC, 0, [{ key: 'acme:kept', value: '1 a' }])
    source.append(TOPIC, 1, [{ key: 'acme:lost', value: '1 b' }])
    await settle()

    source.join()
    source.assign([0])
    gate.resolve()
    await vi.advanceTimersByTimeAsync(1_000)

    expect(aborted).toEqual(['acme:lost'])
    expect(ends()).toEqual([[0, 'done']])
    expect(source.committedOffset(TOPIC, 1)).toBe(0)
  })

  it('starts nothing between a join and its assignment', async () => {
    const { source, customer, calls } = await givenRuntime()

    source.join()
    customer('acme:1', '1 a')
    await settle()
    expect(calls).toEqual([])

    source.assign([0])
    await settle()
    expect(calls).toHaveLength(1)
  })

  it('drops what is read again of a kept partition', async () => {
    const { source, calls, customer } = await givenRuntime()
    customer('acme:1', '1 a')
    await settle()

    source.join()
    source.assign([0])
    source.append(TOPIC, 0, [{ key: 'acme:1', value: '1 a' }], 0)
    await settle()

    expect(calls).toHaveLength(1)
  })

  it('starts a partition that nobody released only after the drain deadline, and a released one at once', async () => {
    const { source, calls } = await givenRuntime()
    await source.commit([
      { topic: TOPIC, partition: 1, offset: 0, metadata: 'owned other x' },
      { topic: TOPIC, partition: 2, offset: 0, metadata: 'released' },
    ])

    source.join()
    source.assign([0, 1, 2])
    source.append(TOPIC, 1, [{ key: 'acme:1', value: '1 owned' }])
    source.append(TOPIC, 2, [{ key: 'acme:2', value: '1 released' }])
    await vi.advanceTimersByTimeAsync(19_000)
    expect(calls).toEqual([['1 released']])

    await vi.advanceTimersByTimeAsync(1_001)
    expect(calls).toEqual([['1 released'], ['1 owned']])
  })

  it('hands over no further than what ended is told: a crash now would leave those ends untold for good', async () => {
    const written = Promise.withResolvers<void>()
    let untold = 0
    const outcomes = {
      add: () => void untold++,
      flush: () => written.promise,
      get size() {
        return untold
      },
    }
    const { source } = await givenRuntime({ overrides: { outcomes } })
    source.append(TOPIC, 0, [{ key: 'acme:1', value: '1 a' }])
    await settle()

    source.rebalance()
    expect(source.commits.at(-1)).toMatchObject({
      partition: 0,
      offset: 0,
      metadata: expect.stringContaining('released'),
    })
    source.join()
    source.assign([0])
    await settle()
    expect(source.commits.at(-1)).toMatchObject({ partition: 0, offset: 0, metadata: expect.stringContaining('owned') })

    untold = 0
    written.resolve()
    await vi.advanceTimersByTimeAsync(1_000)
    expect(source.committedOffset(TOPIC, 0)).toBe(1)
  })

  it('releases what is idle before it joins, keeps what is busy, and claims what it kept before it sends again', async () => {
    const gate = Promise.withResolvers<void>()
    const { source, calls } = await givenRuntime({
      answer: async (all) => {
        if (all[0]?.id === 'busy') await gate.promise
        return all.map(() => done())
      },
    })
    source.assign([0, 1])
    source.append(TOPIC, 0, [{ key: 'acme:idle', value: '1 a' }])
    source.append(TOPIC, 1, [{ key: 'acme:busy', value: '1 b' }])
    await settle()
    const before = source.commits.length

    source.rebalance()
    const handedOver = source.commits
      .slice(before)
      .map(({ partition, offset, metadata }) => [partition, offset, metadata.split(' ')[0]])
    source.append(TOPIC, 0, [{ key: 'acme:later', value: '1 c' }])
    await settle()
    expect(handedOver).toEqual([
      [0, 1, 'released'],
      [1, 0, 'owned'],
    ])
    expect(calls).toHaveLength(2)

    source.join()
    source.assign([0, 1])
    expect(source.commits.at(-1)).toMatchObject({ partition: 0, offset: 1, metadata: expect.stringContaining('owned') })
    expect(calls).toHaveLength(2)
    await settle()
    expect(calls).toHaveLength(3)
    gate.resolve()
  })

  it('does not do again what had ended behind a record that waits, when its owner was killed', async () => {
    const records = ['waits', 'b', 'c', 'd'].map((id) => ({ key: `acme:${id}`, value: '1 a' }))
    const answer: Answer = async (all) =>
      all.map(({ id }) => (id === 'waits' ? retry('child-pending', 30_000) : done()))
    const killed = await givenRuntime({ answer })
    killed.source.append(TOPIC, 0, records)
    await vi.advanceTimersByTimeAsync(2_000)
    expect(killed.source.committedOffset(TOPIC, 0)).toBe(0)

    const next = await givenRuntime({ answer, commits: killed.source.commits })
    next.source.append(TOPIC, 0, [...records, { key: 'acme:e', value: '1 new' }])
    await vi.advanceTimersByTimeAsync(25_000)

    expect(next.calls).toEqual([['1 a'], ['1 new']])
    expect(next.ends()).toEqual([[4, 'done']])
    expect(next.source.committedOffset(TOPIC, 0)).toBe(0)
    await vi.advanceTimersByTimeAsync(60_000)
    expect(next.source.committedOffset(TOPIC, 0)).toBe(5)
  })

  it('claims what had ended before it also when that is read before its mark is known, and outcomes are untold', async () => {
    const outcomes = { add() {}, flush: () => new Promise<void>(() => {}), size: 1 }
    const { source, calls } = await givenRuntime({ overrides: { outcomes } })
    await source.commit([{ topic: TOPIC, partition: 1, offset: 0, metadata: 'released\t1-2' }])

    source.assign([0, 1])
    source.append(
      TOPIC,
      1,
      ['a', 'b', 'c'].map((id) => ({ key: `acme:${id}`, value: `1 ${id}` })),
    )
    await settle()

    expect(calls).toEqual([['1 a']])
    expect(source.commits.at(-1)).toMatchObject({ offset: 0, metadata: expect.stringMatching(/^owned .*\t1-2$/) })
  })

  it('leaves a fenced record un-ended and tries again', async () => {
    let fenced = true
    const { customer, ends, calls } = await givenRuntime({
      answer: async (all) => {
        if (fenced) throw new SyncError('fenced', 'sending')
        return all.map(() => done())
      },
    })

    customer('acme:1', '1 a')
    await vi.advanceTimersByTimeAsync(1_000)
    expect(ends()).toEqual([])
    expect(calls.length).toBeGreaterThan(2)

    fenced = false
    await vi.advanceTimersByTimeAsync(1_000)
    expect(ends()).toEqual([[0, 'done']])
  })
})
