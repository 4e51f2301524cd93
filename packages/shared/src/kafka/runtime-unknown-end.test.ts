import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import { SyncError } from '../errors.ts'
import { done, type Outcome } from '../outcome.ts'
import { givenRuntime, settle, TOPIC } from '../testing/given-runtime.ts'
import type { RawMessage } from './ports.ts'

beforeEach(() => vi.useFakeTimers())
afterEach(() => vi.useRealTimers())

const LANE = 'customer-mapper.retry.v1'
const DEADLINE_MS = 10_000
const timedOut = (): Outcome => ({ kind: 'retry', reason: 'target-failed', verify: true })
const isVerify = ({ headers }: RawMessage) => headers['lane-why'] === 'verify'

describe('a write of which nobody knows how it ended', () => {
  it('is tried a bounded number of times when it never ends otherwise, its looks included', async () => {
    const { source, sent, customer, calls, ends } = await givenRuntime({
      overrides: { maxAttempts: 8 },
      answer: async (all) => all.map(timedOut),
    })
    customer('acme:1', '1 a')

    let fed = 0
    for (let second = 0; second < 1_800; second++) {
      await vi.advanceTimersByTimeAsync(1_000)
      const lane = sent.slice(fed).filter(({ topic }) => topic === LANE)
      fed = sent.length
      if (lane.length === 0) continue
      const text = (bytes: Buffer | string | null) => bytes?.toString() ?? null
      source.append(
        LANE,
        0,
        lane.map(({ key, value, headers }) => ({ key: text(key), value: text(value), headers })),
      )
    }

    // Its own eight tries leave a look each, and of those each has the tries that were left: 7 + 6 + … and one for the last.
    expect(calls.flat()).toHaveLength(8 + 28 + 1)
    expect(ends().filter(([, end]) => end === 'attempts-exhausted')).toHaveLength(1 + 8)
    expect(source.committedOffset(LANE, 0)).toBe(sent.filter(({ topic }) => topic === LANE).length)
  })

  it('is looked at again no sooner than it could be executed late, each time', async () => {
    const times: number[] = []
    const { source, sent } = await givenRuntime({
      overrides: { maxAttempts: 3 },
      answer: async (all) => {
        times.push(Date.now())
        return all.map(timedOut)
      },
    })
    const headers = { 'lane-why': 'verify', 'lane-topic': TOPIC, 'lane-partition': '0', 'lane-offset': '7' }

    source.append(LANE, 0, [{ key: 'acme:1', value: '1 a', headers }])
    await settle()
    const next = sent.find(isVerify)!

    expect(times).toHaveLength(1)
    expect(Number(next.headers['lane-not-before'])).toBeGreaterThanOrEqual(times[0]! + 2 * DEADLINE_MS)
    expect(next.headers['lane-attempts']).toBe('1')
    await vi.advanceTimersByTimeAsync(60_000)
    expect(times).toHaveLength(1)
    expect(source.committedOffset(LANE, 0)).toBe(1)
  })

  it.each(['rebalance', 'stop'] as const)('keeps its partition from another at once, on a %s', async (how) => {
    const { source, runtime, customer } = await givenRuntime({ answer: async (all) => all.map(timedOut) })
    customer('acme:1', '1 a')
    await settle()

    if (how === 'rebalance') source.rebalance()
    else void runtime.stop(1_000)
    await settle()

    expect(source.commits.at(-1)?.metadata).toMatch(/^owned /)
  })

  it('lets go of its partition once it is over', async () => {
    let tries = 0
    const { source, customer, ends } = await givenRuntime({
      answer: async (all) => all.map(() => (++tries === 1 ? timedOut() : done())),
    })
    customer('acme:1', '1 a')
    await vi.advanceTimersByTimeAsync(2 * DEADLINE_MS)

    source.rebalance()
    await settle()

    expect(ends()).toEqual([[0, 'done']])
    expect(source.commits.at(-1)?.metadata).toMatch(/^released /)
  })

  it('keeps its partition also when its verify can not be written', async () => {
    const { source, customer } = await givenRuntime({
      overrides: {
        send: async () => {
          throw new SyncError('kafka-unavailable', 'producing')
        },
      },
      answer: async () => {
        throw new SyncError('target-timeout', 'updating', { unknownEnd: true })
      },
    })
    customer('acme:1', '1 a')
    await settle()

    source.rebalance()
    await settle()

    expect(source.commits.at(-1)?.metadata).toMatch(/^owned /)
  })
})

describe('the watchdog', () => {
  const WATCHDOG_MS = 600_000
  const slowly = (sends: boolean) =>
    givenRuntime({
      limits: { watchdogMs: WATCHDOG_MS },
      answer: async (all, { call }) => {
        for (let request = 0; request < 70; request++) {
          await new Promise((resolve) => setTimeout(resolve, 10_000))
          if (sends) call.fence()
        }
        return all.map(() => done())
      },
    })

  it('lets a key work that takes long at a low rate', async () => {
    const { customer, fatal, ends } = await slowly(true)
    customer('acme:1', '1 a')

    await vi.advanceTimersByTimeAsync(700_001)

    expect(fatal).toEqual([])
    expect(ends()).toEqual([[0, 'done']])
  })

  it('ends the process for one that takes long and sends nothing', async () => {
    const { customer, fatal } = await slowly(false)
    customer('acme:1', '1 a')

    await vi.advanceTimersByTimeAsync(WATCHDOG_MS + WATCHDOG_MS / 10)

    expect(fatal[0]?.message).toMatch('no record has ended for 6')
  })
})
