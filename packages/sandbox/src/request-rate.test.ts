import { expect, test } from 'vitest'
import { createRequestRate } from './request-rate.ts'

test('a second of requests is allowed at once, the next one has to wait', () => {
  const rate = createRequestRate()

  const answers = Array.from({ length: 6 }, () => rate.refusedForSeconds('acme', 5, 1000))

  expect(answers).toEqual([null, null, null, null, null, 1])
})

test('requests are earned back with time', () => {
  const rate = createRequestRate()
  for (let sent = 0; sent < 5; sent += 1) rate.refusedForSeconds('acme', 5, 1000)

  expect(rate.refusedForSeconds('acme', 5, 1199)).toBe(1)
  expect(rate.refusedForSeconds('acme', 5, 1200)).toBe(null)
})

test('below one request a second it says how many seconds to wait', () => {
  const rate = createRequestRate()
  rate.refusedForSeconds('acme', 0.25, 1000)

  expect(rate.refusedForSeconds('acme', 0.25, 1000)).toBe(4)
})

test('one tenant does not use up what another has', () => {
  const rate = createRequestRate()
  rate.refusedForSeconds('acme', 1, 1000)

  expect(rate.refusedForSeconds('other', 1, 1000)).toBe(null)
})
