import { expect, test } from 'vitest'
import { isStuck } from './watchdog.ts'

const NOW = 1_000_000
const LONG_AGO = NOW - 61_000
const quiet = { lastEndAt: LONG_AGO, oldestRunAt: null, pending: 0, lag: 0 }

test.each([
  ['nothing to do', quiet, false],
  ['lag that nothing in memory explains', { ...quiet, lag: 5 }, true],
  ['lag, but records waiting on purpose', { ...quiet, lag: 5, pending: 5 }, false],
  ['lag, but a record has ended just now', { ...quiet, lag: 5, lastEndAt: NOW - 1_000 }, false],
  ['a handler that hangs', { ...quiet, lag: 1, pending: 1, oldestRunAt: LONG_AGO }, true],
  ['a handler that has just begun', { ...quiet, lag: 1, pending: 1, oldestRunAt: NOW - 1_000 }, false],
])('with %s it is %o: stuck %s', (_case, progress, stuck) => {
  expect(isStuck(progress, 60_000, NOW)).toBe(stuck)
})
