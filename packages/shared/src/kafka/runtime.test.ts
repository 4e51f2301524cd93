import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import { SyncError } from '../errors.ts'
import { done, park, retry } from '../outcome.ts'
import { createTenants } from '../tenants.ts'
import { givenRuntime, settle, TOPIC, tenants } from '../testing/given-runtime.ts'

beforeEach(() => vi.useFakeTimers())
afterEach(() => vi.useRealTimers())

describe('a key', () => {
  it('is handled once for all its pending records: the newest, by version', async () => {
    const { calls, customer, ends } = await givenRuntime()

    customer('acme:1', '2026-01-01T00:00:00Z a', '2026-01-03T00:00:00Z c', '2026-01-02T00:00:00Z b')
    await settle()

    expect(calls).toEqual([['2026-01-03T00:00:00Z c']])
    expect(ends()).toEqual([
      [1, 'done'],
      [2, 'superseded'],
      [0, 'superseded'],
    ])
  })

  it('is work of the retry topic only if all its records come from there', async () => {
    const classes: Record<string, boolean | undefined> = {}
    const { source } = await givenRuntime({
      classify: () => ({ group: null, version: '', targets: [] }),
      answer: async (all, { call }) => {
        classes[call.key] = call.isRetryTopic
        return all.map(() => done())
      },
    })
    const headers = { 'lane-why': 'deferred', 'lane-topic': TOPIC, 'lane-partition': '0', 'lane-offset': '9' }
    const deferred = ['acme:retried', 'acme:both'].map((key) => ({ key, value: '1 a', headers }))

    source.append('customer-mapper.retry.v1', 0, deferred)
    source.append(
      TOPIC,
      0,
      ['acme:both', 'acme:live'].map((key) => ({ key, value: '2 b' })),
    )
    await settle()

    expect(classes).toEqual({ 'acme:retried': true, 'acme:both': false, 'acme:live': false })
  })

  it('falls back to the next older record when the newest is parked, whatever the timing', async () => {
    const { calls, customer, ends, sent } = await givenRuntime({
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
    const { calls, customer } = await givenRuntime({
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

  it('of very many records that do not supersede each other is handed over in parts, which end one by one', async () => {
    const gate = Promise.withResolvers<void>()
    const { calls, customer, ends } = await givenRuntime({
      classify: () => ({ group: null, version: '', targets: [] }),
      limits: { maxPendingRecords: 5_000 },
      answer: async (all) => {
        if (calls.length === 2) await gate.promise
        return all.map(() => done())
      },
    })

    customer('acme:1', ...Array.from({ length: 250 }, (_, i) => `${i}`))
    await settle()

    expect(calls.map(({ length }) => length)).toEqual([100, 100])
    expect(ends()).toHaveLength(100)
    gate.resolve()
    await settle()
    expect(calls.map(({ length }) => length)).toEqual([100, 100, 50])
  })
})

describe('a failing record', () => {
  it('is tried RETRY_MAX_ATTEMPTS times and then parked, while the others go on', async () => {
    const { customer, ends, sent } = await givenRuntime({
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
    const { customer, calls, ends } = await givenRuntime({
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
    const { customer, ends } = await givenRuntime({
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
    const { customer, sent, ends } = await givenRuntime({
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

describe('what cannot be handled', () => {
  it.each([
    ['a broken value', 'acme:1', 'broken', 'contract-violation'],
    ['a key without a tenant', 'acme', '1 a', 'contract-violation'],
    ['no key', null, '1 a', 'contract-violation'],
  ])('%s is parked with its bytes, and the others go on', async (_case, key, value, reason) => {
    const { source, ends, sent } = await givenRuntime()

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

  it('an unknown tenant is waited for, since another process may have read the file before, and is then parked', async () => {
    let known = createTenants(tenants.all().slice(0, 1))
    const { customer, ends, sent } = await givenRuntime({ overrides: { tenants: () => known } })

    customer('bolt:1', '1 a')
    customer('nobody:1', '1 b')
    await vi.advanceTimersByTimeAsync(5_000)
    expect(ends()).toEqual([])
    known = tenants
    await vi.advanceTimersByTimeAsync(2_000)
    expect(ends()).toEqual([[0, 'done']])
    await vi.advanceTimersByTimeAsync(5_000)

    expect(ends()).toEqual([
      [0, 'done'],
      [1, 'unknown-tenant'],
    ])
    expect(sent[0]?.value?.toString()).toBe('1 b')
  })

  it('a tombstone is skipped', async () => {
    const { customer, ends } = await givenRuntime()

    customer('acme:1', null)
    await settle()

    expect(ends()).toEqual([[0, 'deleted']])
  })
})

it('needs no tenants at all to be assigned', async () => {
  const { source } = await givenRuntime({ overrides: { tenants: () => createTenants([]) } })

  source.assign([])

  expect(source.commits).toEqual([])
})
