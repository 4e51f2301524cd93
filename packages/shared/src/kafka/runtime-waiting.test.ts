import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import { done, retry } from '../outcome.ts'
import { alone, givenRuntime, settle, TOPIC } from '../testing/given-runtime.ts'
import type { CircuitGate } from './circuit-gate.ts'

beforeEach(() => vi.useFakeTimers())
afterEach(() => vi.useRealTimers())

describe('an open circuit', () => {
  it('keeps its tenant waiting without a try, while another tenant goes on, and wakes it when it closes', async () => {
    const { customer, blocked, calls, ends, closeCircuit } = await givenRuntime()
    blocked.add('acme')

    customer('acme:1', '1 a')
    customer('bolt:1', '1 b')
    await vi.advanceTimersByTimeAsync(10_000)
    expect(calls).toEqual([['1 b']])

    closeCircuit('acme')
    await settle()
    expect(ends()).toEqual([
      [1, 'done'],
      [0, 'done'],
    ])
  })

  it('defers what waits too long to the retry lane, so that it does not pin the low-water mark', async () => {
    const { source, customer, blocked, ends, sent } = await givenRuntime()
    blocked.add('acme')

    customer('acme:1', '1 old', '2 new')
    await vi.advanceTimersByTimeAsync(130_000)

    expect(ends()).toEqual([
      [1, 'circuit-open'],
      [0, 'superseded'],
    ])
    expect(sent.map(({ topic, value }) => [topic, value?.toString()])).toEqual([['customer-mapper.retry.v1', '2 new']])
    expect(source.committedOffset(TOPIC, 0)).toBe(2)
  })

  it('keeps those of no group in order, also when it closes while the first of them is being put off', async () => {
    let isOpen = true
    let change: Parameters<CircuitGate['onChange']>[0] = () => {}
    const { source, calls } = await givenRuntime({
      classify: ({ value }) => ({ group: null, version: String(value), targets: ['omnium'] }),
      overrides: {
        circuits: {
          admit(tenant, target) {
            if (!isOpen) return { admitted: true }
            isOpen = false
            queueMicrotask(() => change(tenant, target, 'closed'))
            return { admitted: false, retryAtMs: Date.now() + 5_000 }
          },
          onChange(listener) {
            change = listener
          },
        },
      },
    })

    source.append(TOPIC, 0, [
      { key: 'acme:1', value: '1 first' },
      { key: 'acme:1', value: '2 second' },
    ])
    await settle()

    expect(calls.flat()).toEqual(['1 first', '2 second'])
  })

  it('defers the surplus at once when its tenant fills more than its share of memory', async () => {
    const { source, blocked, sent } = await givenRuntime({ limits: { maxPendingRecords: 40, maxInFlight: 1 } })
    blocked.add('acme')

    source.append(
      TOPIC,
      0,
      Array.from({ length: 30 }, (_, i) => ({ key: `acme:${i}`, value: '1 a' })),
    )
    await vi.advanceTimersByTimeAsync(100)

    expect(sent.length).toBe(20)
  })
})

describe('a thousand keys that wait', () => {
  it('leave the event loop alone, though the circuit says to ask again at once', async () => {
    let asked = 0
    const { source, runtime } = await givenRuntime({
      overrides: {
        circuits: {
          admit: () => {
            asked++
            return { admitted: false, retryAtMs: Date.now() + 1 }
          },
          onChange() {},
        },
      },
      limits: { maxPendingRecords: 10_000 },
    })

    source.append(
      TOPIC,
      0,
      Array.from({ length: 1_000 }, (_, i) => ({ key: `acme:${i}`, value: '1 a' })),
    )
    await vi.advanceTimersByTimeAsync(100)

    expect(asked).toBeGreaterThan(1)
    expect(asked).toBeLessThan(100)
    await runtime.stop(0)
  })
})

describe('a record of the retry lane', () => {
  it('comes back with its origin, in the same queue as the live records of its key', async () => {
    const lanes: (string | null)[] = []
    const { source, customer } = await givenRuntime({
      answer: async (all) => {
        lanes.push(...all.map(({ lane, origin }) => `${lane} ${origin.offset}`))
        return all.map(() => done())
      },
    })
    const headers = { 'lane-why': 'redriven', 'lane-topic': TOPIC, 'lane-partition': '0', 'lane-offset': '7' }

    source.append('customer-mapper.retry.v1', 0, [{ key: 'acme:1', value: '1 a', headers }])
    await settle()
    customer('acme:2', '1 b')
    await settle()

    expect(lanes).toEqual(['redriven 7', 'null 0'])
  })

  it.each([
    ['token-unavailable', 90_000],
    ['throttled', 90_000],
    ['target-failed', 90_000],
    ['removal-pending', 90_000],
    ['child-pending', 90_000],
    ['absence-pending', 90_000],
    ['parent-missing', 300_000],
  ] as const)('that waits as %s again, after ten passes, is due %d ms later', async (reason, expectedMs) => {
    const { source, sent } = await givenRuntime({ answer: async (all) => all.map(() => retry(reason, 90_000)) })
    const headers = {
      ...{ 'lane-why': 'deferred', 'lane-topic': TOPIC, 'lane-partition': '0', 'lane-offset': '7' },
      'lane-passes': '10',
    }
    const at = Date.now()

    source.append('customer-mapper.retry.v1', 0, [{ key: 'acme:1', value: '2026-01-01T00:00:00Z v1', headers }])
    await settle()

    expect(Number(sent[0]?.headers['lane-not-before']) - at).toBe(expectedMs)
  })

  it('that says not where it came from is parked', async () => {
    const { source, ends } = await givenRuntime()

    source.append('customer-mapper.retry.v1', 0, [{ key: 'acme:1', value: '1 a' }])
    await settle()

    expect(ends()).toEqual([[0, 'contract-violation']])
  })
})

describe('a verify record', () => {
  it('looks when it is due, though a newer live record has ended before', async () => {
    const seen: string[] = []
    const { source, customer } = await givenRuntime({
      answer: async (all) => {
        seen.push(...all.map(({ lane }) => lane ?? 'live'))
        return all.map(() => done())
      },
    })
    const headers = {
      'lane-why': 'verify',
      'lane-topic': TOPIC,
      'lane-partition': '0',
      'lane-offset': '7',
      'lane-not-before': String(Date.now() + 20_000),
    }

    source.append('customer-mapper.retry.v1', 0, [{ key: 'acme:1', value: '2026-01-01T00:00:00Z v1', headers }])
    customer('acme:1', '2026-01-02T00:00:00Z v2')
    await settle()
    expect(seen).toEqual(['live'])

    await vi.advanceTimersByTimeAsync(20_000)
    expect(seen).toEqual(['live', 'verify'])
  })
})

describe('memory', () => {
  it('is bounded by pausing, and reading goes on once half of it is free', async () => {
    const gate = Promise.withResolvers<void>()
    const { source, sent } = await givenRuntime({
      limits: { maxPendingRecords: 20, maxInFlight: 1 },
      overrides: { tenants: () => alone },
      answer: async (all) => {
        await gate.promise
        return all.map(() => done())
      },
    })

    source.append(
      TOPIC,
      0,
      Array.from({ length: 25 }, (_, i) => ({ key: `acme:${i}`, value: '1 a' })),
    )
    await settle()
    expect([...source.pausedPartitions]).toEqual([`${TOPIC}/0`, 'customer-mapper.retry.v1/0'])
    expect(sent).toEqual([])

    gate.resolve()
    await vi.advanceTimersByTimeAsync(100)
    expect([...source.pausedPartitions]).toEqual([])
  })

  it('is freed from the surplus of a tenant that fills it, so that the records behind it are read and handled', async () => {
    const gate = Promise.withResolvers<void>()
    const { source, customer, calls, sent, ends } = await givenRuntime({
      limits: { maxPendingRecords: 40, maxInFlight: 4 },
      answer: async (all) => {
        if (all[0]?.tenant.uid === 'acme') await gate.promise
        return all.map(() => done())
      },
    })

    for (let i = 0; i < 20; i++) customer(`acme:${i}`, '1 old', '2 new')
    await settle()
    expect([...source.pausedPartitions]).toEqual([])
    customer('bolt:1', '1 b')
    await settle()

    expect(calls).toContainEqual(['1 b'])
    // Three quarters of the slots are taken. The other keys are spilled, oldest first, until half of the memory is free.
    const deferred = sent.map(({ key, headers }) => [key?.toString(), headers['lane-reason'], headers['lane-offset']])
    expect(deferred).toEqual(Array.from({ length: 10 }, (_, i) => [`acme:${3 + i}`, 'over-share', String(7 + 2 * i)]))
    expect(ends().filter(([, reason]) => reason === 'superseded')).toHaveLength(10)
    gate.resolve()
  })

  it('is freed from the records of one key of a slow tenant, which are not handled as long as the key is', async () => {
    const { source, customer, calls, ends, sent } = await givenRuntime({
      classify: () => ({ group: null, version: '', targets: ['omnium'] }),
      limits: { maxPendingRecords: 1_000 },
      answer: async (all) => {
        if (all[0]?.tenant.uid === 'acme') await new Promise((resolve) => setTimeout(resolve, 5_000))
        return all.map(() => done())
      },
    })

    customer('acme:1', ...Array.from({ length: 1_000 }, (_, i) => `${i}`))
    await settle()
    expect([...source.pausedPartitions]).toContain(`${TOPIC}/0`)
    // The first 100 of them are handled meanwhile.
    await vi.advanceTimersByTimeAsync(5_000)
    expect([...source.pausedPartitions]).toEqual([])
    customer('bolt:1', 'b')
    await settle()

    expect(calls.flat()).toContain('b')
    expect(calls.map(({ length }) => length)).toEqual([100, 1])
    expect(sent).toHaveLength(900)
    expect(ends()).toHaveLength(1_001)
  })

  it('is bounded while Kafka takes no outcomes, which are held too', async () => {
    const outcomes = { add() {}, flush: async () => {}, size: 20 }
    const { source, customer } = await givenRuntime({ overrides: { outcomes }, limits: { maxPendingRecords: 20 } })

    customer('acme:1', '1 a')
    await settle()
    expect([...source.pausedPartitions]).toEqual([`${TOPIC}/0`, 'customer-mapper.retry.v1/0'])

    outcomes.size = 0
    await vi.advanceTimersByTimeAsync(2_000)
    expect([...source.pausedPartitions]).toEqual([])
  })
})
