import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import { done, type Outcome } from '../outcome.ts'
import type { Classified, Delivery } from '../stream.ts'
import { type Given, givenRuntime, settle } from '../testing/given-runtime.ts'

beforeEach(() => vi.useFakeTimers())
afterEach(() => vi.useRealTimers())

const versionOf = ({ value }: Delivery) => String(value).split(' ')[0]!
const classified = (delivery: Delivery, group: string | null): Classified => ({
  ...{ group, version: versionOf(delivery), targets: ['omnium'] },
})
const isBad = ({ value }: Delivery) => String(value).endsWith('bad')

describe.each<[string, NonNullable<Given['classify']>]>([
  [
    'whose classification throws',
    (delivery) => {
      if (isBad(delivery)) throw new TypeError('a bug')
      return classified(delivery, 'customer')
    },
  ],
  [
    'whose classification throws, where records do not supersede each other',
    (delivery) => {
      if (isBad(delivery)) throw new TypeError('a bug')
      return classified(delivery, null)
    },
  ],
  [
    'of which no plan can be made',
    (delivery) => ({
      ...classified(delivery, 'customer'),
      ...(isBad(delivery) && { version: undefined as unknown as string }),
    }),
  ],
])('a record %s', (_what, classify) => {
  it('is tried RETRY_MAX_ATTEMPTS times and then parked as a bug, while other records of its key are handled', async () => {
    const { customer, ends, sent, runtime } = await givenRuntime({ classify })

    customer('acme:1', '2026-01-01T00:00:00Z good', '2026-01-02T00:00:00Z bad')
    customer('acme:2', '2026-01-01T00:00:00Z good')
    await settle()
    expect(ends()).toEqual(
      expect.arrayContaining([
        [0, 'done'],
        [2, 'done'],
      ]),
    )

    await vi.advanceTimersByTimeAsync(60_000)
    expect(ends()).toContainEqual([1, 'bug'])
    expect(sent.map(({ topic, headers }) => [topic, headers?.['dl-attempts']])).toEqual([
      ['customer-mapper.dead-letters.v1', '3'],
    ])
    expect(runtime.status().pending).toBe(0)
  })

  it('is parked also when it is alone', async () => {
    const { customer, ends, sent } = await givenRuntime({ classify })

    customer('acme:1', '2026-01-02T00:00:00Z bad')
    await vi.advanceTimersByTimeAsync(60_000)

    expect(ends()).toEqual([[0, 'bug']])
    expect(sent).toHaveLength(1)
  })

  it('is parked, and does not stop what comes for its key meanwhile', async () => {
    const { customer, ends } = await givenRuntime({ classify })

    customer('acme:1', '2026-01-02T00:00:00Z bad', '2026-01-03T00:00:00Z bad')
    await settle()
    customer('acme:1', '2026-01-04T00:00:00Z good')
    await settle()

    expect(ends()).toContainEqual([2, 'done'])
    await vi.advanceTimersByTimeAsync(60_000)
    expect(ends()).toEqual(
      expect.arrayContaining([
        [0, 'bug'],
        [1, 'bug'],
      ]),
    )
  })
})

describe('a handler', () => {
  it.each<[string, unknown]>([
    ['no outcome', undefined],
    ['an unknown outcome', { kind: 'nonsense' }],
    ['an unknown reason to skip', { kind: 'skipped', reason: 'nonsense' }],
    ['an unknown reason to retry', { kind: 'retry', reason: 'nonsense' }],
    ['a wait that is no number', { kind: 'retry', reason: 'throttled', afterMs: Number.NaN }],
    ['a wait without an end', { kind: 'retry', reason: 'throttled', afterMs: Number.POSITIVE_INFINITY }],
    ['an unknown reason to park', { kind: 'park', reason: 'nonsense', message: 'a text' }],
    ['a park without a message', { kind: 'park', reason: 'refused' }],
    ['an effect that cannot be read', { kind: 'done', effect: { operation: 'updated', changed: 1 } }],
    ['notes that cannot be read', { kind: 'done', notes: null }],
  ])('that answers %s has its record parked as a bug after RETRY_MAX_ATTEMPTS tries', async (_what, outcome) => {
    const { customer, calls, ends, runtime } = await givenRuntime({
      // A run without end must not keep the test from its failure.
      answer: async (all) => all.map(() => (calls.length > 10 ? done() : (outcome as Outcome))),
    })
    customer('acme:1', '1 a')
    await vi.advanceTimersByTimeAsync(60_000)

    expect({ ends: ends(), calls: calls.length }).toEqual({ ends: [[0, 'bug']], calls: 3 })
    expect(runtime.status().pending).toBe(0)
  })
})

describe('a classification', () => {
  it.each<[string, unknown]>([
    ['without an end', { end: undefined }],
    ['with an unknown end', { end: { kind: 'nonsense' } }],
    ['with an end that is none', { end: { kind: 'retry', reason: 'throttled' } }],
    ['that names an unknown target', { group: 'customer', version: '1', targets: ['nonsense'] }],
  ])('%s has the record parked as a bug, and the others of the key are handled', async (_what, answer) => {
    const { customer, ends } = await givenRuntime({
      classify: (delivery) => (isBad(delivery) ? (answer as Classified) : classified(delivery, 'customer')),
    })
    customer('acme:1', '1 bad', '2 good')
    await settle()
    expect(ends()).toEqual([[1, 'done']])

    await vi.advanceTimersByTimeAsync(60_000)
    expect(ends()).toEqual([
      [1, 'done'],
      [0, 'bug'],
    ])
  })
})
