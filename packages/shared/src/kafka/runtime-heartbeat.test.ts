import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import { done } from '../outcome.ts'
import { givenRuntime, TOPIC } from '../testing/given-runtime.ts'
import type { CircuitGate } from './circuit-gate.ts'

beforeEach(() => vi.useFakeTimers())
afterEach(() => vi.useRealTimers())

const KEYS = 10_000
/** The session lasts 30 s and a request 10 s. */
const TOO_OLD_MS = 20_000

/** A runtime that counts decodes, questions to the circuits, and questions for the age of the heartbeat. */
async function givenCounts(admit: CircuitGate['admit'] = () => ({ admitted: true })) {
  const counts = { decoded: 0, admitted: 0, aged: 0 }
  const listeners: Parameters<CircuitGate['onChange']>[0][] = []
  const given = await givenRuntime({
    answer: async (all, { call }) => {
      call.fence()
      return all.map(() => done())
    },
    limits: { maxPendingRecords: 2 * KEYS, maxDistance: 2 * KEYS, maxPendingBytes: 1e8 },
    overrides: {
      decode: async (_topic, bytes) => {
        counts.decoded++
        return bytes.toString()
      },
      circuits: {
        admit(...asked) {
          counts.admitted++
          return admit(...asked)
        },
        onChange: (listener) => listeners.push(listener),
      },
    },
  })
  const { source } = given
  source.heartbeatAgeMs = () => {
    counts.aged++
    return source.heartbeatAge
  }
  const halfOpen = () => {
    for (const listener of listeners) listener('acme', 'omnium', 'half-open')
  }
  const appendKeys = (count: number) =>
    source.append(
      TOPIC,
      0,
      Array.from({ length: count }, (_, n) => ({ key: `acme:${n}`, value: '1 a' })),
    )
  return { ...given, counts, halfOpen, appendKeys }
}

describe('while the heartbeat is so old that the fence stops every request', () => {
  it('no key is taken, decoded or admitted, and all keys are handled once heartbeats return', async () => {
    const { source, calls, counts, ends, appendKeys } = await givenCounts()
    source.heartbeatAge = TOO_OLD_MS

    appendKeys(KEYS)
    await vi.advanceTimersByTimeAsync(60_000)
    expect(calls).toHaveLength(0)
    expect(counts).toMatchObject({ decoded: 0, admitted: 0 })

    source.heartbeatAge = 0
    await vi.advanceTimersByTimeAsync(10_000)
    expect(ends()).toHaveLength(KEYS)
  })

  it('the work of the runtime does not grow with the number of pending keys', async () => {
    const { source, counts, appendKeys } = await givenCounts()
    source.heartbeatAge = TOO_OLD_MS
    appendKeys(KEYS)
    await vi.advanceTimersByTimeAsync(1_000)
    const timers = vi.getTimerCount()
    counts.aged = 0

    await vi.advanceTimersByTimeAsync(60_000)

    expect(counts.aged).toBeLessThanOrEqual(60 * 5)
    expect(vi.getTimerCount()).toBe(timers)
  })

  it('a half-open circuit keeps its trials for keys that may send', async () => {
    const trials = new Set<string>()
    const { source, counts, ends, halfOpen, appendKeys } = await givenCounts((_tenant, _target, key) => {
      const isTrial = trials.has(key) || trials.size < 1
      if (isTrial) trials.add(key)
      return isTrial ? { admitted: true } : { admitted: false, retryAtMs: Date.now() + 5_000 }
    })
    source.heartbeatAge = TOO_OLD_MS
    appendKeys(50)

    halfOpen()
    await vi.advanceTimersByTimeAsync(10_000)
    expect([...trials]).toEqual([])
    expect(counts.admitted).toBe(0)

    source.heartbeatAge = 0
    await vi.advanceTimersByTimeAsync(1_000)
    expect(ends()).toHaveLength(1)
  })

  it('nothing is spilled to the retry topic, and the spilling goes on after the heartbeats', async () => {
    const { source, sent, counts, appendKeys } = await givenCounts(() => ({
      admitted: false,
      retryAtMs: Date.now() + 30_000,
    }))
    source.heartbeatAge = TOO_OLD_MS
    appendKeys(3 * KEYS)
    await vi.advanceTimersByTimeAsync(10_000)
    expect(sent).toEqual([])
    expect(counts.decoded).toBe(0)

    source.heartbeatAge = 0
    await vi.advanceTimersByTimeAsync(1_000)
    expect(sent.length).toBeGreaterThan(0)
  })
})

it('a key that was taken before the heartbeat was too old stays pending and is handled afterwards', async () => {
  let fenced = true
  const { source, customer, calls, ends } = await givenRuntime({
    answer: async (all, { call }) => {
      if (fenced) source.heartbeatAge = TOO_OLD_MS
      call.fence()
      return all.map(() => done())
    },
  })

  customer('acme:1', '1 a')
  await vi.advanceTimersByTimeAsync(30_000)
  expect(calls).toHaveLength(1)
  expect(ends()).toEqual([])

  fenced = false
  source.heartbeatAge = 0
  await vi.advanceTimersByTimeAsync(1_000)
  expect(ends()).toEqual([[0, 'done']])
})
