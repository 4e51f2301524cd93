import { afterEach, beforeEach, expect, it, vi } from 'vitest'
import { steadyNow } from './steady-now.ts'

const HOUR_MS = 3_600_000

beforeEach(() => vi.useFakeTimers({ toFake: ['Date'] }))
afterEach(() => vi.useRealTimers())

it('goes on evenly when the wall clock is set back or forward', () => {
  const before = steadyNow()

  vi.setSystemTime(Date.now() - HOUR_MS)
  const afterStepBack = steadyNow()
  vi.setSystemTime(Date.now() + 24 * HOUR_MS)
  const afterStepForward = steadyNow()

  expect(afterStepBack).toBeGreaterThanOrEqual(before)
  expect(afterStepForward).toBeGreaterThanOrEqual(afterStepBack)
  expect(afterStepForward).toBeLessThan(before + HOUR_MS)
})
