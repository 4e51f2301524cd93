import { expect, test } from 'vitest'
import { createOmniumLimits, type LimitedRequest, type OmniumLimitSettings } from './omnium-limits.ts'

const DOCUMENTED: OmniumLimitSettings = {
  perApiUser: 20,
  perTenant: 40,
  batches: 4,
  bucket: 12_000,
  gain: 1_000,
  gainEveryMs: 10_000,
}
const ONE: LimitedRequest = { tenant: 'acme', clientId: 'one', isBatch: false }

function setUp(settings: Partial<OmniumLimitSettings> = {}) {
  let nowMs = 0
  const limits = createOmniumLimits(() => nowMs)
  const enter = (request: Partial<LimitedRequest> = {}) =>
    limits.enter({ ...ONE, ...request }, { ...DOCUMENTED, ...settings })
  const many = (count: number, request: Partial<LimitedRequest> = {}) =>
    Array.from({ length: count }, () => enter(request))
  return {
    limits,
    enter,
    many,
    pass: (ms: number) => {
      nowMs += ms
    },
    refused: (entered: readonly unknown[]) => entered.filter((it) => typeof it === 'number').length,
  }
}

test('the 21st request of an API user at the same time is refused, until one of the others is over', () => {
  const { enter, many } = setUp()
  const [first] = many(20)

  expect(enter()).toBe(1)
  ;(first as { end(): void }).end()
  ;(first as { end(): void }).end()
  expect(enter()).toMatchObject({ end: expect.any(Function) })
  expect(enter()).toBe(1)
})

test('the 41st request of a tenant at the same time is refused, whoever sends it', () => {
  const { enter, many, refused } = setUp()
  expect(refused([...many(20), ...many(20, { clientId: 'two' })])).toBe(0)

  expect(enter({ clientId: 'three' })).toBe(1)
  expect(enter({ tenant: 'other' })).toMatchObject({ end: expect.any(Function) })
})

test('the fifth batch call of an API user at the same time is refused, and other requests are not', () => {
  const { enter, many, refused } = setUp()
  expect(refused(many(4, { isBatch: true }))).toBe(0)

  expect(enter({ isBatch: true })).toBe(1)
  expect(enter({ isBatch: true, clientId: 'two' })).toMatchObject({ end: expect.any(Function) })
  expect(enter()).toMatchObject({ end: expect.any(Function) })
})

test('an empty bucket refuses until its next gain, and holds no more than its size', () => {
  const { enter, pass, refused } = setUp({ bucket: 3, gain: 2 })
  const overAtOnce = (count: number) =>
    Array.from({ length: count }, () => {
      const entered = enter()
      if (typeof entered !== 'number') entered.end()
      return entered
    })
  expect(refused(overAtOnce(3))).toBe(0)

  pass(4_500)
  expect(enter()).toBe(6)
  pass(5_500)
  expect(refused(overAtOnce(3))).toBe(1)
  pass(1_000_000)
  expect(refused(overAtOnce(5))).toBe(2)
})

test('without limits nothing is refused, and all is counted', () => {
  const { limits } = setUp()
  for (let i = 0; i < 50; i++) limits.enter(ONE, null)

  expect(limits.counts().acme).toMatchObject({ requests: 50, refused: 0, maxConcurrent: 50 })
})

test('the counts tell requests, refusals, the most at the same time and fetched tokens, per API user and tenant', () => {
  const { limits, many } = setUp({ perApiUser: 2 })
  many(2)
  many(3, { clientId: 'two', isBatch: true })
  limits.tokenFetched('acme', 'one')

  const one = { requests: 2, refused: 0, maxConcurrent: 2, tokenFetches: 1, maxBatches: 0 }
  const two = { requests: 3, refused: 1, maxConcurrent: 3, tokenFetches: 0, maxBatches: 3 }
  expect(limits.counts('acme')).toEqual({
    acme: { requests: 5, refused: 1, maxConcurrent: 5, tokenFetches: 1, apiUsers: { one, two } },
  })
  expect(limits.counts('other')).toEqual({})
})

test('a reset begins the counts anew, and keeps the requests that are there', () => {
  const { limits, enter, many } = setUp({ perApiUser: 2 })
  many(2)
  limits.reset('other')
  expect(limits.counts().acme).toMatchObject({ requests: 2 })

  limits.reset('acme')

  expect(limits.counts().acme).toMatchObject({ requests: 0, apiUsers: { one: { maxConcurrent: 0 } } })
  expect(enter()).toBe(1)
})
