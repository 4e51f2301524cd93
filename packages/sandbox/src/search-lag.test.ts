import { expect, test } from 'vitest'
import { createSearchLag } from './search-lag.ts'

const drawn = (searchLagSeed: number | null, searchLagMs = 1_000) => {
  const lag = createSearchLag()
  return Array.from({ length: 200 }, () => lag.draw('1', { searchLagMs, searchLagSeed }))
}

test('the lags are drawn up to the longest one, the same for the same seed', () => {
  const lags = drawn(7)

  expect(Math.min(...lags)).toBeGreaterThanOrEqual(0)
  expect(Math.max(...lags)).toBeLessThanOrEqual(1_000)
  expect(new Set(lags).size).toBeGreaterThan(50)
  expect(drawn(7)).toEqual(lags)
  expect(drawn(8)).not.toEqual(lags)
  expect(new Set(drawn(7, 0))).toEqual(new Set([0]))
})

test('without a seed each lag is the longest one', () => {
  expect(new Set(drawn(null))).toEqual(new Set([1_000]))
})

test('a fixed lag holds for its customer alone, until the lag is the tenant’s again', () => {
  const lag = createSearchLag()
  const settings = { searchLagMs: 10, searchLagSeed: null }
  lag.fix('1', 300_000)

  expect([lag.draw('1', settings), lag.draw('2', settings)]).toEqual([300_000, 10])
  lag.fix('1', null)
  expect(lag.draw('1', settings)).toBe(10)
})
