import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import { done } from '../outcome.ts'
import type { FakeRecord } from '../testing/fake-source.ts'
import { givenRuntime, TOPIC } from '../testing/given-runtime.ts'
import { createPacedLogs, type PacedLogs } from '../testing/paced-logs.ts'
import type { RawHeaders } from './ports.ts'

const RETRY = 'customer-mapper.retry.v1'
const MINUTE_MS = 60_000
/**
 * A quarter of these may be of the retry topic. One record stands for 250, because a service has 100,000 in memory. So 4,000 stand for
 * a million, and 120 a second for 30,000 a second.
 */
const BOUND = 400
const MILLION = 4_000
const MANY = 500

beforeEach(() => vi.useFakeTimers())
afterEach(() => vi.useRealTimers())

const deferred = (key: string, notBefore: number, more: RawHeaders = {}): FakeRecord => ({
  key,
  value: '1 a',
  headers: {
    'lane-why': 'deferred',
    'lane-reason': 'circuit-open',
    'lane-topic': TOPIC,
    'lane-partition': '0',
    'lane-offset': '0',
    'lane-not-before': String(notBefore),
    'lane-first-seen-at': String(Date.now()),
    ...more,
  },
})

/** At most 120 records a second are read. A write takes 5 ms. The target of acme takes half a second for a record. */
const given = async () => {
  const ended = new Map<string, number>()
  let logs: PacedLogs | undefined
  let most = 0
  const runtime = await givenRuntime({
    limits: { maxPendingRecords: BOUND, maxPendingBytes: 1e9, maxDistance: BOUND, maxInFlight: 20 },
    overrides: {
      async send(messages) {
        await new Promise((resolve) => setTimeout(resolve, 5))
        logs?.send(messages)
      },
    },
    answer: async (all) => {
      if (all[0]!.tenant.uid === 'acme') await new Promise((resolve) => setTimeout(resolve, 500))
      for (const { key } of all) ended.set(key, Date.now())
      return all.map(() => done())
    },
  })
  const onRead = () => {
    most = Math.max(most, runtime.runtime.status().pending)
  }
  logs = createPacedLogs({ source: runtime.source, recordsPerRead: 12, readEveryMs: 100, onRead })
  const flood = (count: number, notBefore: number) => {
    const records = Array.from({ length: count }, (_, n) => deferred(`acme:${n}`, notBefore))
    logs.append(RETRY, records)
    return records.map(({ key }) => key!)
  }
  const untilEnded = async (key: string, withinMs: number) => {
    for (let ms = 0; ms < withinMs && !ended.has(key); ms += 100) await vi.advanceTimersByTimeAsync(100)
    return ended.has(key)
  }
  return { ...runtime, logs, ended, flood, untilEnded, mostPending: () => most }
}

describe('a million records of one tenant in the retry topic', () => {
  it.each([
    ['that are not due for an hour', 3_600_000],
    ['that are due, at a slow target,', 0],
  ])('%s do not keep the record of another tenant behind them from being handled within a minute', async (_, inMs) => {
    const { logs, flood, untilEnded, mostPending } = await given()
    flood(MILLION, inMs === 0 ? 0 : Date.now() + inMs)
    logs.append(RETRY, [deferred('bolt:1', 0)])

    expect(await untilEnded('bolt:1', MINUTE_MS)).toBe(true)
    expect(mostPending()).toBeLessThan(BOUND)
  })
})

describe('an outage of one tenant with many records in the retry topic', () => {
  it('has them written again at growing intervals, and handles each of them in the end', async () => {
    const { logs, blocked, closeCircuit, flood, ended } = await given()
    blocked.add('acme')
    const keys = flood(MANY, Date.now() + 10_000)

    await vi.advanceTimersByTimeAsync(10 * MINUTE_MS)
    const after10 = logs.written(RETRY)
    await vi.advanceTimersByTimeAsync(10 * MINUTE_MS)
    const after20 = logs.written(RETRY)

    expect(after10).toBeLessThan(10 * MANY)
    expect(after20 - after10).toBeLessThan(5 * MANY)
    closeCircuit('acme')
    await vi.advanceTimersByTimeAsync(15 * MINUTE_MS)
    expect(keys.filter((key) => !ended.has(key))).toEqual([])
  })

  it('does not keep a record of another tenant that is deferred much later from being handled within a minute', async () => {
    const { customer, logs, blocked, closeCircuit, flood, ended, untilEnded } = await given()
    blocked.add('acme')
    flood(MANY, Date.now() + 10_000)
    await vi.advanceTimersByTimeAsync(17 * MINUTE_MS)

    blocked.add('bolt')
    customer('bolt:1', '1 a')
    const isDeferred = () => logs.lastWritten(RETRY)?.key === 'bolt:1'
    for (let ms = 0; ms < 2 * MINUTE_MS && !isDeferred(); ms += 5) await vi.advanceTimersByTimeAsync(5)
    const dueAt = Number(logs.lastWritten(RETRY)?.headers?.['lane-not-before'])
    closeCircuit('bolt')

    expect(await untilEnded('bolt:1', dueAt - Date.now() + MINUTE_MS)).toBe(true)
    expect(ended.size).toBe(1)
  })

  it('does not keep a record that another process writes (a redrive) from being handled within a minute', async () => {
    const { logs, blocked, flood, untilEnded } = await given()
    blocked.add('acme')
    flood(MANY, Date.now() + 10_000)
    await vi.advanceTimersByTimeAsync(5 * MINUTE_MS)

    logs.append(RETRY, [deferred('bolt:1', 0, { 'lane-why': 'redriven' })])

    expect(await untilEnded('bolt:1', MINUTE_MS)).toBe(true)
  })
})
