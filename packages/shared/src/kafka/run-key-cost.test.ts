import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import { SyncError } from '../errors.ts'
import { done, retry, skipped } from '../outcome.ts'
import type { FakeRecord } from '../testing/fake-source.ts'
import { alone, type Given, givenRuntime, settle, TOPIC } from '../testing/given-runtime.ts'

const RETRY = 'customer-mapper.retry.v1'
const MANY = 2_000

beforeEach(() => vi.useFakeTimers())
afterEach(() => vi.useRealTimers())

const verifyRecord = (dueAt: number): FakeRecord => ({
  key: 'acme:1',
  value: '1 a',
  headers: {
    'lane-why': 'verify',
    'lane-topic': TOPIC,
    'lane-partition': '0',
    'lane-offset': '7',
    'lane-not-before': String(dueAt),
  },
})

/** Many records of one key that are due in an hour, and the counts of their decodings and classifications. */
const given = async () => {
  const counts = { decoded: 0, classified: 0 }
  const runtime = await givenRuntime({
    limits: { maxPendingRecords: 10 * MANY, maxPendingBytes: 1e9 },
    classify: (delivery) => {
      counts.classified++
      return { group: null, version: String(delivery.value), targets: [] }
    },
    overrides: {
      tenants: () => alone,
      decode: async (_topic, bytes) => {
        counts.decoded++
        return bytes.toString()
      },
    },
    answer: async (all) => all.map(() => done()),
  })
  const dueAt = Date.now() + 3_600_000
  runtime.source.append(
    RETRY,
    0,
    Array.from({ length: MANY }, () => verifyRecord(dueAt)),
  )
  return { ...runtime, counts }
}

describe('a key with very many records that are not due', () => {
  it('has each of them decoded and classified once at most, however often another record of the key is due', async () => {
    const { customer, counts, calls } = await given()

    for (let n = 0; n < 10; n++) {
      customer('acme:1', `${n} a`)
      await settle()
    }

    expect(calls).toHaveLength(10)
    expect(counts.decoded).toBeLessThanOrEqual(MANY + 10)
    expect(counts.classified).toBeLessThanOrEqual(MANY + 10)
  })
})

describe('the decoded value of a record', () => {
  it('counts in the bound of memory until its key has been handled', async () => {
    const gate = Promise.withResolvers<void>()
    const { source, customer, ends } = await givenRuntime({
      limits: { maxPendingBytes: 40_000 },
      overrides: { tenants: () => alone },
      answer: async (all) => {
        await gate.promise
        return all.map(() => done())
      },
    })

    customer('acme:1', '1'.padEnd(10_000))
    await settle()
    customer('acme:2', '1 a')
    expect([...source.pausedPartitions]).toContain(`${TOPIC}/0`)

    gate.resolve()
    await settle()
    expect(ends()).toHaveLength(2)
    expect([...source.pausedPartitions]).toEqual([])
  })

  it('is decoded again for a record that waited, when the record is due', async () => {
    const values: unknown[] = []
    const { customer } = await givenRuntime({
      answer: async (all) => {
        values.push(...all.map(({ value }) => value))
        return all.map(() => (values.length === 1 ? retry('target-failed') : done()))
      },
    })

    customer('acme:1', '1 a')
    await vi.advanceTimersByTimeAsync(5_000)

    expect(values).toEqual(['1 a', '1 a'])
  })
})

describe('a record that waits and cannot be decoded when it is due', () => {
  it('waits again, and a later record of its key is handled after it', async () => {
    let isRegistryDown = false
    let tries = 0
    const { customer, calls } = await givenRuntime({
      classify: ({ value }) => ({ group: null, version: String(value), targets: [] }),
      overrides: {
        decode: async (_topic, bytes) => {
          if (isRegistryDown) throw new SyncError('registry-unavailable', 'decoding')
          return bytes.toString()
        },
      },
      answer: async (all) => all.map(() => (++tries === 1 ? retry('target-failed') : done())),
    })
    customer('acme:1', '1 first')
    await settle()
    isRegistryDown = true
    await vi.advanceTimersByTimeAsync(2_000)
    isRegistryDown = false
    customer('acme:1', '2 second')
    await vi.advanceTimersByTimeAsync(5_000)

    expect(calls.flat()).toEqual(['1 first', '1 first', '2 second'])
  })
})

describe('a key with very many records', () => {
  it.each<[string, NonNullable<Given['classify']>]>([
    ['that the newest one supersedes', () => ({ group: 'customer', version: '1', targets: [] })],
    ['that end without being handled', () => ({ end: skipped('ignored') })],
  ])('%s lets the event loop handle other work while they are classified and ended', async (_what, classify) => {
    // Each look at the clock says that a piece is over.
    let at = 0
    const { customer, ends } = await givenRuntime({
      limits: { maxPendingRecords: 10 * MANY, maxPendingBytes: 1e9 },
      classify,
      overrides: { tenants: () => alone, now: () => (at += 10) },
    })

    customer('acme:1', ...Array.from({ length: MANY }, (_, n) => String(n)))
    let turns = 0
    for (; turns < MANY && ends().length < MANY; turns++) await vi.advanceTimersToNextTimerAsync()

    expect(ends()).toHaveLength(MANY)
    expect(turns).toBeGreaterThan((1.5 * MANY) / 100)
  })
})
