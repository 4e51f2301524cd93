import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import { done, type Outcome, retry } from '../outcome.ts'
import { type Given, givenRuntime, settle, TOPIC } from '../testing/given-runtime.ts'

beforeEach(() => vi.useFakeTimers())
afterEach(() => vi.useRealTimers())

const HOUR_MS = 3_600_000
const LANE = 'customer-mapper.retry.v1'

/** A runtime whose wall clock steps by `clock.stepMs`. The fake clock of the timers is its steady clock. */
async function givenClock({ overrides, ...given }: Given = {}) {
  const clock = { stepMs: 0 }
  const wallNow = () => Date.now() + clock.stepMs
  return { ...(await givenRuntime({ ...given, overrides: { wallNow, ...overrides } })), clock, wallNow }
}
const once = (first: Outcome) => {
  let calls = 0
  return async (all: readonly unknown[]) => all.map(() => (calls++ === 0 ? first : done()))
}

describe.each([
  ['back', -HOUR_MS],
  ['forward', HOUR_MS],
])('a wall clock that steps an hour %s', (_direction, stepMs) => {
  it('makes no wait of a record longer or shorter', async () => {
    const { clock, customer, calls } = await givenClock({ answer: once(retry('child-pending', 5_000)) })
    customer('acme:1', '1 a')
    await settle()

    clock.stepMs = stepMs
    customer('acme:2', '1 b')
    await vi.advanceTimersByTimeAsync(4_000)
    expect(calls).toEqual([['1 a'], ['1 b']])
    await vi.advanceTimersByTimeAsync(1_100)

    expect(calls).toEqual([['1 a'], ['1 b'], ['1 a']])
  })

  it('makes no record older or younger, for a handler that bounds its wait', async () => {
    const ages: number[] = []
    const { clock, customer } = await givenClock({
      answer: async (deliveries, { now }) => {
        ages.push(Math.round((now() - deliveries[0]!.firstSeenAt) / 1_000))
        // While the handler waits for an answer.
        if (ages.length === 3) clock.stepMs = stepMs
        ages.push(Math.round((now() - deliveries[0]!.firstSeenAt) / 1_000))
        return deliveries.map(() => (ages.length < 6 ? retry('child-pending', 5_000) : done()))
      },
    })
    customer('acme:1', '1 a')
    await settle()

    await vi.advanceTimersByTimeAsync(5_100)
    clock.stepMs = stepMs / 2
    await vi.advanceTimersByTimeAsync(5_100)

    expect(ages).toEqual([0, 0, 5, 5, 10, 10])
  })

  it('makes no deferred record older or younger that this process read before', async () => {
    const ages: number[] = []
    const { clock, source, wallNow } = await givenClock({
      answer: async (deliveries, { now }) => {
        ages.push(Math.round((now() - deliveries[0]!.firstSeenAt) / 1_000))
        return deliveries.map(() => (ages.length === 1 ? retry('child-pending', 5_000) : done()))
      },
    })
    const headers = {
      ...{ 'lane-why': 'deferred', 'lane-topic': TOPIC, 'lane-partition': '0', 'lane-offset': '7' },
      'lane-first-seen-at': String(wallNow() - 20_000),
    }
    source.append(LANE, 0, [{ key: 'acme:1', value: '1 a', headers }])
    await settle()

    clock.stepMs = stepMs
    await vi.advanceTimersByTimeAsync(5_100)

    expect(ages).toEqual([20, 25])
  })

  it('does not park a record of an unknown tenant early, nor late', async () => {
    const { clock, customer, ends } = await givenClock()
    customer('nobody:1', '1 a')
    await settle()

    clock.stepMs = stepMs
    await vi.advanceTimersByTimeAsync(8_000)
    expect(ends()).toEqual([])
    await vi.advanceTimersByTimeAsync(4_000)

    expect(ends()).toEqual([[0, 'unknown-tenant']])
  })

  it('neither ends the wait for a former owner nor makes it longer', async () => {
    const { clock, source, calls } = await givenClock()
    await source.commit([{ topic: TOPIC, partition: 1, offset: 0, metadata: 'owned other x' }])
    source.join()
    source.assign([0, 1])
    await settle()

    clock.stepMs = stepMs
    source.append(TOPIC, 1, [{ key: 'acme:1', value: '1 owned' }])
    await vi.advanceTimersByTimeAsync(19_000)
    expect(calls).toEqual([])
    await vi.advanceTimersByTimeAsync(1_100)

    expect(calls).toEqual([['1 owned']])
  })

  it('does not release a partition whose former owner may still be writing', async () => {
    const { clock, source, runtime } = await givenClock()
    await source.commit([{ topic: TOPIC, partition: 1, offset: 0, metadata: 'owned other x' }])
    source.join()
    source.assign([0, 1])
    await settle()

    clock.stepMs = stepMs
    await runtime.stop(0)

    expect(source.commits.filter(({ partition }) => partition === 1)).toHaveLength(1)
  })

  it('keeps the time of a deferred record on the wall clock, and its wait in memory off it', async () => {
    const { clock, source, sent, calls, wallNow } = await givenClock({
      answer: once(retry('parent-missing', 90_000)),
    })
    clock.stepMs = stepMs

    source.append(TOPIC, 0, [{ key: 'acme:1', value: '1 a' }])
    await settle()
    const headers = sent[0]!.headers
    const notBefore = Number(headers['lane-not-before'])
    expect(notBefore - wallNow()).toBeGreaterThan(80_000)
    expect(notBefore - wallNow()).toBeLessThan(100_000)
    expect(Number(headers['lane-first-seen-at'])).toBe(wallNow() - 1)

    source.append(LANE, 0, [{ key: 'acme:1', value: '1 a', headers }])
    await settle()
    clock.stepMs = 0
    await vi.advanceTimersByTimeAsync(notBefore - stepMs - wallNow() - 1_000)
    expect(calls).toHaveLength(1)
    await vi.advanceTimersByTimeAsync(1_100)
    expect(calls).toHaveLength(2)
  })

  it('reports the end of a record by the wall clock', async () => {
    const { clock, customer, outcomes, wallNow } = await givenClock({ answer: once(retry('child-pending', 5_000)) })
    customer('acme:1', '1 a')
    await settle()

    clock.stepMs = stepMs
    await vi.advanceTimersByTimeAsync(5_000)

    expect(Math.abs(Date.parse(outcomes[0]!.endedAt) - wallNow())).toBeLessThan(1_000)
  })

  it('neither triggers the watchdog nor delays it', async () => {
    const { clock, customer, fatal } = await givenClock({
      answer: () => new Promise(() => {}),
      limits: { watchdogMs: 60_000 },
    })
    customer('acme:1', '1 a')
    await settle()

    clock.stepMs = stepMs
    await vi.advanceTimersByTimeAsync(50_000)
    expect(fatal).toEqual([])
    await vi.advanceTimersByTimeAsync(20_000)
    expect(fatal).not.toEqual([])
  })

  it('does not change how old the oldest record is', async () => {
    const { clock, blocked, customer, runtime } = await givenClock()
    blocked.add('acme')
    customer('acme:1', '1 a')
    await settle()

    clock.stepMs = stepMs
    await vi.advanceTimersByTimeAsync(10_000)

    expect(Math.round(runtime.status().oldestPendingMs / 1_000)).toBe(10)
  })
})
