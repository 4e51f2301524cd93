import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import { SyncError } from '../errors.ts'
import { createLogger } from '../logger.ts'
import { done } from '../outcome.ts'
import { givenRuntime, settle, TOPIC } from '../testing/given-runtime.ts'
import type { RawMessage } from './ports.ts'

beforeEach(() => vi.useFakeTimers())
afterEach(() => vi.useRealTimers())

describe('the committed offset', () => {
  it('never passes a record that has not ended', async () => {
    const gate = Promise.withResolvers<void>()
    const { source, customer } = await givenRuntime({
      answer: async (all) => {
        if (all[0]?.key === 'acme:slow') await gate.promise
        return all.map(() => done())
      },
    })

    customer('acme:1', '1 a')
    customer('acme:slow', '1 b')
    customer('acme:2', '1 c')
    await vi.advanceTimersByTimeAsync(1_000)
    expect(source.committedOffset(TOPIC, 0)).toBe(1)

    gate.resolve()
    await vi.advanceTimersByTimeAsync(1_000)
    expect(source.committedOffset(TOPIC, 0)).toBe(3)
  })

  it('stays before a parked record until its dead letter is acknowledged', async () => {
    let broker = false
    const sent: RawMessage[] = []
    const { source, customer } = await givenRuntime({
      overrides: {
        send: async (messages) => {
          if (!broker) throw new SyncError('kafka-unavailable', 'producing')
          sent.push(...messages)
        },
      },
    })

    customer('acme:1', 'broken')
    await vi.advanceTimersByTimeAsync(5_000)
    expect(source.committedOffset(TOPIC, 0)).toBe(0)

    broker = true
    await vi.advanceTimersByTimeAsync(5_000)
    expect(source.committedOffset(TOPIC, 0)).toBe(1)
    expect(sent).toHaveLength(1)
    expect(sent[0]?.value?.toString()).toBe('broken')
  })

  it('waits for the outcomes to be acknowledged', async () => {
    let acknowledged = false
    const { source, customer } = await givenRuntime({
      overrides: {
        outcomes: {
          add() {},
          flush: async () => {
            if (!acknowledged) throw new SyncError('kafka-unavailable', 'producing')
          },
          size: 0,
        },
      },
    })

    customer('acme:1', '1 a')
    await vi.advanceTimersByTimeAsync(3_000)
    expect(source.committedOffset(TOPIC, 0)).toBe(0)

    acknowledged = true
    await vi.advanceTimersByTimeAsync(1_000)
    expect(source.committedOffset(TOPIC, 0)).toBe(1)
  })

  it('does not count what ends while the outcomes of the others are on their way', async () => {
    const acknowledged = Promise.withResolvers<void>()
    let flushes = 0
    const { source, customer } = await givenRuntime({
      overrides: {
        outcomes: { add() {}, flush: () => (++flushes === 1 ? acknowledged.promise : Promise.resolve()), size: 0 },
      },
    })
    customer('acme:1', '1 a')
    await vi.advanceTimersByTimeAsync(1_000)

    customer('acme:2', '1 b')
    await settle()
    acknowledged.resolve()
    await settle()

    expect(source.committedOffset(TOPIC, 0)).toBe(1)
    await vi.advanceTimersByTimeAsync(1_000)
    expect(source.committedOffset(TOPIC, 0)).toBe(2)
  })
})

describe('stopping', () => {
  it('lets what runs end, commits it, and releases the partitions', async () => {
    const gate = Promise.withResolvers<void>()
    const { source, runtime, customer } = await givenRuntime({
      answer: async (all) => {
        await gate.promise
        return all.map(() => done())
      },
    })
    customer('acme:1', '1 a')
    await settle()

    const stopped = runtime.stop(5_000)
    gate.resolve()
    await settle()
    await stopped

    expect(source.commits.at(-1)).toEqual({
      topic: TOPIC,
      partition: 0,
      offset: 1,
      metadata: expect.stringMatching(/^released /),
    })
  })

  it('aborts what does not end in time, and does not commit it', async () => {
    const { source, runtime, customer } = await givenRuntime({
      answer: (_all, { call }) =>
        new Promise((_resolve, reject) =>
          call.signal.addEventListener('abort', () => reject(new SyncError('aborted', 'updating'))),
        ),
    })
    customer('acme:1', '1 a')
    await settle()

    const stopped = runtime.stop(5_000)
    await vi.advanceTimersByTimeAsync(5_000)
    await stopped

    expect(source.commits.at(-1)).toMatchObject({ offset: 0, metadata: expect.stringMatching(/^released /) })
  })
})

describe('stopping while the broker does not answer', () => {
  it('does not wait for the last commit without end', async () => {
    const { source, runtime, customer } = await givenRuntime()
    customer('acme:1', '1 a')
    await settle()
    source.commit = () => new Promise(() => {})
    let isStopped = false

    void runtime.stop(5_000).then(() => {
      isStopped = true
    })
    await vi.advanceTimersByTimeAsync(10_000)

    expect(isStopped).toBe(true)
  })

  it('releases nothing once it has given up, also when an answer comes while it leaves', async () => {
    const answered = Promise.withResolvers<void>()
    const { source, runtime, customer } = await givenRuntime({
      overrides: { outcomes: { add() {}, flush: () => answered.promise, size: 1 } },
    })
    const left = Promise.withResolvers<void>()
    source.stop = () => left.promise
    customer('acme:1', '1 a')
    await settle()

    const stopped = runtime.stop(5_000)
    await vi.advanceTimersByTimeAsync(4_000)
    answered.resolve()
    await settle()
    left.resolve()
    await stopped

    expect(source.commits.at(-1)).toMatchObject({ offset: 0, metadata: expect.stringMatching(/^owned /) })
  })

  it('releases nothing of what it could not write the end of', async () => {
    const { source, runtime, customer } = await givenRuntime({
      answer: () => new Promise(() => {}),
    })
    customer('acme:1', '1 a')
    await settle()

    const stopped = runtime.stop(5_000)
    await vi.advanceTimersByTimeAsync(10_000)
    await stopped

    expect(source.commits.at(-1)).toMatchObject({ offset: 0, metadata: expect.stringMatching(/^owned /) })
  })
})

describe('the watchdog', () => {
  it('gives up a process in which a handler hangs and nothing ends', async () => {
    const { customer, fatal } = await givenRuntime({
      answer: () => new Promise(() => {}),
      limits: { watchdogMs: 60_000 },
    })

    customer('acme:1', '1 a')
    await vi.advanceTimersByTimeAsync(59_000)
    expect(fatal).toEqual([])

    await vi.advanceTimersByTimeAsync(12_000)
    expect(fatal[0]?.message).toContain('no record has ended')
  })

  it('is quiet while all that can be read has ended, and an open transaction of another writer holds up the rest', async () => {
    const { source, customer, fatal, runtime } = await givenRuntime({ limits: { watchdogMs: 60_000 } })
    source.extend(TOPIC, 0, 5)
    // Brokers answer the end of the last transaction that has ended.
    source.offsets = async () => new Map([[TOPIC, new Map([[0, { low: 0, end: 1 }]])]])
    customer('acme:1', '1 a')

    await vi.advanceTimersByTimeAsync(3_600_000)

    expect(runtime.lag().find(({ topic }) => topic === TOPIC)).toMatchObject({ records: 4, readable: 0 })
    expect(fatal).toEqual([])
  })

  it('is quiet while records wait on purpose', async () => {
    const { customer, blocked, fatal } = await givenRuntime({ limits: { watchdogMs: 10_000, deferAfterMs: 3_600_000 } })
    blocked.add('acme')

    customer('acme:1', '1 a')
    await vi.advanceTimersByTimeAsync(100_000)

    expect(fatal).toEqual([])
  })
})

it('that hangs is told of once, when it fails', async () => {
  const lines: string[] = []
  const logger = createLogger({ service: 'test', level: 'warn', destination: { write: (line) => lines.push(line) } })
  const { source, customer } = await givenRuntime({ overrides: { logger } })
  const hung = Promise.withResolvers<void>()
  customer('acme:0', '1 a')
  await vi.advanceTimersByTimeAsync(2_000)
  source.commit = () => hung.promise

  customer('acme:1', '1 a')
  await vi.advanceTimersByTimeAsync(30_000)
  source.commit = async () => {}
  hung.reject(new Error('no answer'))
  await settle()

  expect(lines.map((line) => JSON.parse(line).msg)).toEqual(['committing failed, trying again'])
})

it('sets no timer when it is stopped before it has started', async () => {
  const { source, runtime } = await givenRuntime()
  const started = Promise.withResolvers<void>()
  source.start = () => started.promise

  const starting = runtime.start()
  await runtime.stop(0)
  started.resolve()
  await starting

  expect(vi.getTimerCount()).toBe(0)
})

it('sets no timer for a former owner that is found after the stop', async () => {
  const answer = Promise.withResolvers<void>()
  const { source, runtime } = await givenRuntime()
  const { committed } = source
  source.committed = async (names) => {
    await answer.promise
    return committed.call(source, names)
  }
  source.commits.push({ topic: TOPIC, partition: 1, offset: 0, metadata: 'owned other x' })
  source.assign([0, 1])
  await settle()
  source.append(TOPIC, 1, [{ key: 'acme:9', value: '1 a' }])

  const stopped = runtime.stop(1_000)
  await vi.advanceTimersByTimeAsync(10_000)
  await stopped
  answer.resolve()
  await vi.advanceTimersByTimeAsync(1)

  expect(vi.getTimerCount()).toBe(0)
})
