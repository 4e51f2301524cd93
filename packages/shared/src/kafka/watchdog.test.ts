import { expect, test } from 'vitest'
import { isStuck } from './watchdog.ts'

const NOW = 1_000_000
const LONG_AGO = NOW - 61_000
const JUST_NOW = NOW - 1_000
const quiet = { lastEndAt: LONG_AGO, silentSince: null, unexplainedSince: null, unclaimedSince: null }

test.each([
  ['nothing to do', quiet, false],
  ['lag that nothing in memory explains', { ...quiet, unexplainedSince: LONG_AGO }, true],
  ['such lag that has just come up', { ...quiet, unexplainedSince: JUST_NOW }, false],
  ['such lag, but a record has ended just now', { ...quiet, unexplainedSince: LONG_AGO, lastEndAt: JUST_NOW }, false],
  ['lag and a partition that cannot be claimed', { ...quiet, unclaimedSince: LONG_AGO }, true],
  ['such a partition, while other partitions go on', { ...quiet, unclaimedSince: LONG_AGO, lastEndAt: JUST_NOW }, true],
  ['such a partition since a moment ago', { ...quiet, unclaimedSince: JUST_NOW }, false],
  ['a handler that hangs', { ...quiet, silentSince: LONG_AGO }, true],
  ['a handler that has begun or sent something just now', { ...quiet, silentSince: JUST_NOW }, false],
])('with %s it is %o: stuck %s', (_case, progress, stuck) => {
  expect(isStuck(progress, 60_000, NOW)).toBe(stuck)
})
