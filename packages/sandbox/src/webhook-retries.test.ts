import { describe, expect, test } from 'vitest'
import { flowRetries, omniumRetries } from './webhook-retries.ts'

describe('Flow', () => {
  test.each([
    { status: 200, retried: false },
    { status: 202, retried: false },
    { status: 301, retried: true },
    { status: 400, retried: false },
    { status: 401, retried: false },
    { status: 404, retried: false },
    { status: 429, retried: false },
    { status: 499, retried: false },
    { status: 500, retried: true },
    { status: 503, retried: true },
    { status: null, retried: true },
  ])('after $status retries: $retried', ({ status, retried }) => {
    expect(flowRetries(10)(1, status) !== null).toBe(retried)
  })

  test('retries ten times, with growing delays', () => {
    const retries = flowRetries(1000, 60_000)

    const delays = Array.from({ length: 11 }, (_, index) => retries(index + 1, 503))

    expect(delays).toEqual([1000, 2000, 4000, 8000, 16_000, 32_000, 60_000, 60_000, 60_000, 60_000, null])
  })
})

describe('Omnium', () => {
  test.each([
    { status: 200, retried: false },
    { status: 202, retried: false },
    { status: 299, retried: false },
    { status: 302, retried: true },
    { status: 400, retried: false },
    { status: 401, retried: true },
    { status: 404, retried: false },
    { status: 413, retried: true },
    { status: 429, retried: false },
    { status: 500, retried: true },
    { status: 503, retried: true },
    { status: null, retried: true },
  ])('after $status retries: $retried', ({ status, retried }) => {
    expect(omniumRetries()(1, status) !== null).toBe(retried)
  })

  test('retries three times, after 1, 5 and 15 seconds', () => {
    const delays = [1, 2, 3, 4].map((attempt) => omniumRetries()(attempt, 500))

    expect(delays).toEqual([1000, 5000, 15_000, null])
  })
})
