import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import type { SyncOutcome } from '../contracts/sync-outcome.ts'
import { SyncError } from '../errors.ts'
import { createLogger } from '../logger.ts'
import { done, type Outcome, park, retry, skipped } from '../outcome.ts'
import type { Delivery, HandlerContext, StreamHandler } from '../stream.ts'
import { createTenants, parseTenants } from '../tenants.ts'
import { createFakeSource } from '../testing/fake-source.ts'
import type { CommitRequest, RawMessage } from './ports.ts'
import { createRuntime } from './runtime.ts'
import type { RuntimeOptions } from './runtime-options.ts'

const TOPIC = 'flow.customers.v1'
const tenants = parseTenants(
  JSON.stringify(
    ['acme', 'bolt'].map((uid) => ({
      uid,
      countryCode: 'NO',
      webhookSecrets: ['s'],
      flow: { baseUrl: 'http://127.0.0.1:1', token: 't' },
      omnium: { baseUrl: 'http://127.0.0.1:1', clientId: 'c', clientSecret: 's' },
    })),
  ),
  {},
)

const alone = createTenants(tenants.all().slice(0, 1))

/** Values are `version text`; what a handler answers is decided by the test, call by call. */
type Answer = (deliveries: readonly Delivery[], context: HandlerContext) => Promise<readonly Outcome[]>
const versionOf = (delivery: Delivery) => (delivery.value as unknown as string).split(' ')[0]!

interface Given {
  readonly answer?: Answer
  readonly overrides?: Partial<RuntimeOptions>
  readonly limits?: Partial<RuntimeOptions['limits']>
  /** What the group had committed before. */
  readonly commits?: readonly CommitRequest[]
}

async function given({
  answer = async (all) => all.map(() => done()),
  overrides = {},
  limits = {},
  commits = [],
}: Given = {}) {
  const source = createFakeSource([TOPIC, 'customer-mapper.retry.v1'])
  source.commits.push(...commits)
  const outcomes: SyncOutcome[] = []
  const sent: RawMessage[] = []
  const calls: string[][] = []
  const fatal: Error[] = []
  const listeners: Parameters<RuntimeOptions['circuits']['onChange']>[0][] = []
  const blocked = new Set<string>()
  const handler: StreamHandler = {
    service: 'customer-mapper',
    topics: [TOPIC],
    classify: (delivery) =>
      delivery.value === null
        ? { end: skipped('deleted') }
        : { group: 'customer', version: versionOf(delivery), targets: ['omnium'] },
    handle(deliveries, context) {
      calls.push(deliveries.map(({ value }) => value as unknown as string))
      return answer(deliveries, context)
    },
  }
  const runtime = createRuntime({
    service: 'customer-mapper',
    handler,
    prefix: '',
    instanceId: 'one',
    source,
    decode: async (_topic, bytes) => {
      if (bytes.toString() === 'broken') throw new SyncError('contract-violation', 'decoding')
      return bytes.toString()
    },
    send: async (messages, fence) => {
      fence?.()
      sent.push(...messages)
    },
    tenants: () => tenants,
    circuits: {
      admit: (tenant) =>
        blocked.has(tenant) ? { admitted: false, retryAtMs: Date.now() + 30_000 } : { admitted: true },
      onChange: (listener) => listeners.push(listener),
    },
    outcomes: { add: (outcome) => outcomes.push(outcome), flush: async () => {}, size: 0 },
    maxAttempts: 3,
    metrics: { ended() {}, parked() {}, endToEnd() {} },
    observeHandling() {},
    logger: createLogger({ service: 'test', level: 'silent' }),
    now: Date.now,
    random: () => 0.5,
    onFatal: (error) => fatal.push(error),
    ...overrides,
    limits: {
      maxInFlight: 10,
      maxPendingRecords: 1_000,
      maxPendingBytes: 1e6,
      maxDistance: 10_000,
      deferAfterMs: 60_000,
      commitIntervalMs: 1_000,
      sessionTimeoutMs: 30_000,
      requestDeadlineMs: 10_000,
      watchdogMs: 0,
      ...limits,
    },
  })
  await runtime.start()
  source.assign([0])
  const customer = (key: string, ...values: (string | null)[]) =>
    source.append(
      TOPIC,
      0,
      values.map((value) => ({ key, value })),
    )
  const ends = () => outcomes.map(({ offset, outcome, reason }) => [Number(offset), reason ?? outcome])
  const closeCircuit = (tenant: string) => {
    blocked.delete(tenant)
    for (const listener of listeners) listener(tenant, 'omnium', 'closed')
  }
  return { source, runtime, outcomes, sent, calls, fatal, blocked, customer, ends, closeCircuit }
}

const settle = () => vi.advanceTimersByTimeAsync(1)

beforeEach(() => vi.useFakeTimers())
afterEach(() => vi.useRealTimers())

describe('a key', () => {
  it('is handled once for all its pending records: the newest, by version', async () => {
    const { calls, customer, ends } = await given()

    customer('acme:1', '2026-01-01T00:00:00Z a', '2026-01-03T00:00:00Z c', '2026-01-02T00:00:00Z b')
    await settle()

    expect(calls).toEqual([['2026-01-03T00:00:00Z c']])
    expect(ends()).toEqual([
      [1, 'done'],
      [2, 'superseded'],
      [0, 'superseded'],
    ])
  })

  it('falls back to the next older record when the newest is parked, whatever the timing', async () => {
    const { calls, customer, ends, sent } = await given({
      answer: async ([lead]) => [String(lead?.value).endsWith('bad') ? park('refused', '422') : done()],
    })

    customer('acme:1', '2026-01-01T00:00:00Z good', '2026-01-02T00:00:00Z bad')
    await settle()

    expect(calls).toEqual([['2026-01-02T00:00:00Z bad'], ['2026-01-01T00:00:00Z good']])
    expect(ends()).toEqual([
      [1, 'refused'],
      [0, 'done'],
    ])
    expect(sent.map(({ topic }) => topic)).toEqual(['customer-mapper.dead-letters.v1'])
  })

  it('takes what arrived while it was handled in its next turn', async () => {
    const gate = Promise.withResolvers<void>()
    const { calls, customer } = await given({
      answer: async (all) => {
        await gate.promise
        return all.map(() => done())
      },
    })

    customer('acme:1', '2026-01-01T00:00:00Z a')
    await settle()
    customer('acme:1', '2026-01-02T00:00:00Z b', '2026-01-03T00:00:00Z c')
    await settle()
    expect(calls).toHaveLength(1)

    gate.resolve()
    await settle()
    expect(calls).toEqual([['2026-01-01T00:00:00Z a'], ['2026-01-03T00:00:00Z c']])
  })
})

describe('the committed offset', () => {
  it('never passes a record that has not ended', async () => {
    const gate = Promise.withResolvers<void>()
    const { source, customer } = await given({
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
    const { source, customer } = await given({
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
    const { source, customer } = await given({
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
})

describe('a failing record', () => {
  it('is tried RETRY_MAX_ATTEMPTS times and then parked, while the others go on', async () => {
    const { customer, ends, sent } = await given({
      answer: async ([lead]) => [lead?.id === 'poison' ? retry('target-failed') : done()],
    })

    customer('acme:poison', '1 a')
    customer('acme:2', '1 b')
    await settle()
    expect(ends()).toEqual([[1, 'done']])

    await vi.advanceTimersByTimeAsync(30_000)
    expect(ends()).toEqual([
      [1, 'done'],
      [0, 'attempts-exhausted'],
    ])
    expect(sent[0]?.headers).toMatchObject({ 'dl-reason': 'attempts-exhausted', 'dl-attempts': '3' })
  })

  it('is tried once when there are to be no retries', async () => {
    const { customer, calls, ends } = await given({
      answer: async () => [retry('target-failed')],
      overrides: { maxAttempts: 0 },
    })

    customer('acme:1', '1 a')
    await settle()

    expect(calls).toHaveLength(1)
    expect(ends()).toEqual([[0, 'attempts-exhausted']])
  })

  it('does not count tries against a target that is down', async () => {
    let down = true
    const { customer, ends } = await given({
      answer: async () => {
        if (down) throw new SyncError('target-failed', 'reading', { outage: true })
        return [done()]
      },
    })

    customer('acme:1', '1 a')
    await vi.advanceTimersByTimeAsync(30_000)
    expect(ends()).toEqual([])

    down = false
    await vi.advanceTimersByTimeAsync(5_000)
    expect(ends()).toEqual([[0, 'done']])
  })

  it('leaves a verify record behind when the end of its write is unknown', async () => {
    let first = true
    const { customer, sent, ends } = await given({
      answer: async () => {
        if (!first) return [done()]
        first = false
        throw new SyncError('target-timeout', 'updating', { unknownEnd: true })
      },
    })

    customer('acme:1', '1 a')
    const failedAt = Date.now()
    await vi.advanceTimersByTimeAsync(5_000)

    expect(ends()).toEqual([[0, 'done']])
    expect(sent).toHaveLength(1)
    expect(sent[0]).toMatchObject({
      topic: 'customer-mapper.retry.v1',
      partition: 0,
      headers: { 'lane-why': 'verify', 'lane-offset': '0' },
    })
    expect(Number(sent[0]?.headers['lane-not-before'])).toBeGreaterThanOrEqual(failedAt + 20_000)
  })
})

describe('an open circuit', () => {
  it('keeps its tenant waiting without a try, while another tenant goes on, and wakes it when it closes', async () => {
    const { customer, blocked, calls, ends, closeCircuit } = await given()
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
    const { source, customer, blocked, ends, sent } = await given()
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

  it('defers the surplus at once when its tenant fills more than its share of memory', async () => {
    const { source, blocked, sent } = await given({ limits: { maxPendingRecords: 40, maxInFlight: 1 } })
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
    vi.useRealTimers()
    let asked = 0
    const { source, runtime } = await given({
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
    const turns: number[] = []
    for (let last = performance.now(), i = 0; i < 20; i++) {
      await new Promise((resolve) => setTimeout(resolve, 5))
      turns.push(performance.now() - last)
      last = performance.now()
    }

    expect(turns).toHaveLength(20)
    expect(asked).toBeLessThan(5_000)
    await runtime.stop(0)
  })
})

describe('a record of the retry lane', () => {
  it('comes back with its origin, in the same queue as the live records of its key', async () => {
    const lanes: (string | null)[] = []
    const { source, customer } = await given({
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

  it('that says not where it came from is parked', async () => {
    const { source, ends } = await given()

    source.append('customer-mapper.retry.v1', 0, [{ key: 'acme:1', value: '1 a' }])
    await settle()

    expect(ends()).toEqual([[0, 'contract-violation']])
  })
})

describe('a verify record', () => {
  it('looks when it is due, though a newer live record has ended before', async () => {
    const seen: string[] = []
    const { source, customer } = await given({
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

describe('what cannot be handled', () => {
  it.each([
    ['a broken value', 'acme:1', 'broken', 'contract-violation'],
    ['a key without a tenant', 'acme', '1 a', 'contract-violation'],
    ['no key', null, '1 a', 'contract-violation'],
    ['an unknown tenant', 'nobody:1', '1 a', 'unknown-tenant'],
  ])('%s is parked with its bytes, and the others go on', async (_case, key, value, reason) => {
    const { source, ends, sent } = await given()

    source.append(TOPIC, 0, [
      { key, value },
      { key: 'acme:2', value: '1 b' },
    ])
    await settle()

    expect(ends().toSorted()).toEqual([
      [0, reason],
      [1, 'done'],
    ])
    expect(sent[0]?.value?.toString()).toBe(value)
  })

  it('a tombstone is skipped', async () => {
    const { customer, ends } = await given()

    customer('acme:1', null)
    await settle()

    expect(ends()).toEqual([[0, 'deleted']])
  })
})

describe('a rebalance', () => {
  it('aborts what was lost and ends nothing of it, and keeps what was kept', async () => {
    const aborted: string[] = []
    const gate = Promise.withResolvers<void>()
    const { source, ends } = await given({
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
    const { source, customer, calls } = await given()

    source.join()
    customer('acme:1', '1 a')
    await settle()
    expect(calls).toEqual([])

    source.assign([0])
    await settle()
    expect(calls).toHaveLength(1)
  })

  it('drops what is read again of a kept partition', async () => {
    const { source, calls, customer } = await given()
    customer('acme:1', '1 a')
    await settle()

    source.join()
    source.assign([0])
    source.append(TOPIC, 0, [{ key: 'acme:1', value: '1 a' }], 0)
    await settle()

    expect(calls).toHaveLength(1)
  })

  it('starts a partition that nobody released only after the drain deadline, and a released one at once', async () => {
    const { source, calls } = await given()
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

  it('releases what is idle before it joins, keeps what is busy, and claims what it kept before it sends again', async () => {
    const gate = Promise.withResolvers<void>()
    const { source, calls } = await given({
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
    const killed = await given({ answer })
    killed.source.append(TOPIC, 0, records)
    await vi.advanceTimersByTimeAsync(2_000)
    expect(killed.source.committedOffset(TOPIC, 0)).toBe(0)

    const next = await given({ answer, commits: killed.source.commits })
    next.source.append(TOPIC, 0, [...records, { key: 'acme:e', value: '1 new' }])
    await vi.advanceTimersByTimeAsync(25_000)

    expect(next.calls).toEqual([['1 a'], ['1 new']])
    expect(next.ends()).toEqual([[4, 'done']])
    expect(next.source.committedOffset(TOPIC, 0)).toBe(0)
    await vi.advanceTimersByTimeAsync(60_000)
    expect(next.source.committedOffset(TOPIC, 0)).toBe(5)
  })

  it('leaves a fenced record un-ended and tries again', async () => {
    let fenced = true
    const { customer, ends, calls } = await given({
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

describe('memory', () => {
  it('is bounded by pausing, and reading goes on once half of it is free', async () => {
    const gate = Promise.withResolvers<void>()
    const { source, sent } = await given({
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
    expect([...source.pausedPartitions]).toEqual([`${TOPIC}/0`])
    expect(sent).toEqual([])

    gate.resolve()
    await vi.advanceTimersByTimeAsync(100)
    expect([...source.pausedPartitions]).toEqual([])
  })

  it('is left by the surplus of a tenant that fills it, so that what is behind that is read and handled', async () => {
    const gate = Promise.withResolvers<void>()
    const { source, customer, calls, sent, ends } = await given({
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
    // Three quarters of the slots run; of the others, half of the memory goes, newest keys first.
    const deferred = sent.map(({ key, headers }) => [key?.toString(), headers['lane-reason'], headers['lane-offset']])
    expect(deferred).toEqual(Array.from({ length: 10 }, (_, i) => [`acme:${19 - i}`, 'over-share', String(39 - 2 * i)]))
    expect(ends().filter(([, reason]) => reason === 'superseded')).toHaveLength(10)
    gate.resolve()
  })

  it('is bounded while Kafka takes no outcomes, which are held too', async () => {
    const outcomes = { add() {}, flush: async () => {}, size: 20 }
    const { source, customer } = await given({ overrides: { outcomes }, limits: { maxPendingRecords: 20 } })

    customer('acme:1', '1 a')
    await settle()
    expect([...source.pausedPartitions]).toEqual([`${TOPIC}/0`])

    outcomes.size = 0
    await vi.advanceTimersByTimeAsync(2_000)
    expect([...source.pausedPartitions]).toEqual([])
  })
})

describe('stopping', () => {
  it('lets what runs end, commits it, and releases the partitions', async () => {
    const gate = Promise.withResolvers<void>()
    const { source, runtime, customer } = await given({
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

    expect(source.commits.at(-1)).toEqual({ topic: TOPIC, partition: 0, offset: 1, metadata: 'released' })
  })

  it('aborts what does not end in time, and does not commit it', async () => {
    const { source, runtime, customer } = await given({
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

    expect(source.commits.at(-1)).toMatchObject({ offset: 0, metadata: 'released' })
  })
})

describe('the watchdog', () => {
  it('gives up a process in which a handler hangs and nothing ends', async () => {
    const { customer, fatal } = await given({ answer: () => new Promise(() => {}), limits: { watchdogMs: 60_000 } })

    customer('acme:1', '1 a')
    await vi.advanceTimersByTimeAsync(59_000)
    expect(fatal).toEqual([])

    await vi.advanceTimersByTimeAsync(12_000)
    expect(fatal[0]?.message).toContain('no record has ended')
  })

  it('is quiet while records wait on purpose', async () => {
    const { customer, blocked, fatal } = await given({ limits: { watchdogMs: 10_000, deferAfterMs: 3_600_000 } })
    blocked.add('acme')

    customer('acme:1', '1 a')
    await vi.advanceTimersByTimeAsync(100_000)

    expect(fatal).toEqual([])
  })
})

it('needs no tenants at all to be assigned', async () => {
  const { source } = await given({ overrides: { tenants: () => createTenants([]) } })

  source.assign([])

  expect(source.commits).toEqual([])
})
