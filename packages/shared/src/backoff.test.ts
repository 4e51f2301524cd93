import { describe, expect, it } from 'vitest'
import { backoff, backoffAtLeastHalf, parseRetryAfter } from './backoff.ts'

const NOW = Date.parse('2026-01-01T00:00:00Z')

describe('backoff', () => {
  it.each([
    [0, 0, 0],
    [0, 0.999, 999],
    [1, 0.5, 1_000],
    [3, 0.999, 7_992],
    [6, 0.5, 30_000],
    [1_000_000, 0.5, 30_000],
    [-1, 0.5, 500],
  ])('of attempt %d with chance %d is %d ms', (attempt, chance, expected) => {
    expect(backoff(attempt, { baseMs: 1_000, capMs: 60_000, random: () => chance })).toBe(expected)
  })

  it.each([
    [0, 0, 500],
    [0, 0.5, 750],
    [20, 0, 30_000],
    [20, 1, 60_000],
  ])('at least half: of attempt %d with chance %d is %d ms', (attempt, chance, expected) => {
    expect(backoffAtLeastHalf(attempt, { baseMs: 1_000, capMs: 60_000, random: () => chance })).toBe(expected)
  })
})

describe('Retry-After', () => {
  it.each([
    ['120', 120_000],
    [' 1 ', 1_000],
    ['0.5', 500],
    ['0', 0],
    ['-5', 0],
    ['999999', 300_000],
    ['Thu, 01 Jan 2026 00:00:30 GMT', 30_000],
    ['Thursday, 01-Jan-26 00:00:30 GMT', 30_000],
    ['Thu Jan  1 00:00:30 2026', 30_000],
    ['Wed, 31 Dec 2025 23:00:00 GMT', 0],
    ['Fri, 01 Jan 2027 00:00:00 GMT', 300_000],
    ['soon', undefined],
    ['5 minutes', undefined],
    ['Infinity', undefined],
    ['1e3', undefined],
    ['2026', 300_000],
    ['Thu, nonsense', undefined],
    ['', undefined],
    [undefined, undefined],
    [null, undefined],
  ])('%s means %s ms', (header, expected) => {
    expect(parseRetryAfter(header, NOW, 300_000)).toBe(expected)
  })
})
