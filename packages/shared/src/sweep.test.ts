import { describe, expect, test } from 'vitest'
import type { SweepCursor } from './contracts/sweep-cursor.ts'
import { justAfter, type Listed, nextMark, requireOrder, sweepFrom } from './sweep.ts'

const NOW = Date.parse('2026-02-01T00:00:00Z')
const cursorAt = (mark: string): SweepCursor => ({
  ...{ tenant: 'acme', source: 'flow', entity: 'customers', mark },
  sweptAt: '2026-01-31T23:55:00.000Z',
})

test('a sweep begins at its mark less the overlap, the first one a quarter of an hour before now', () => {
  const limits = { overlapMs: 120_000, deepLookbackMs: 3_600_000 }
  const cursor = cursorAt('2026-01-20T10:00:00.000Z')

  expect(sweepFrom(cursor, limits, NOW)).toBe('2026-01-20T09:58:00.000Z')
  expect(sweepFrom(null, limits, NOW)).toBe('2026-01-31T23:43:00.000Z')
})

test('a deep sweep begins its depth before now, whatever the mark', () => {
  const limits = { overlapMs: 120_000, deepLookbackMs: 3_600_000 }

  for (const cursor of [null, cursorAt('2026-01-20T10:00:00.000Z'), cursorAt('2026-01-31T23:59:00.000Z')]) {
    expect(sweepFrom(cursor, limits, NOW, 'deep')).toBe('2026-01-31T23:00:00.000Z')
  }
})

describe('the next mark', () => {
  const MARK = '2026-01-20T10:00:00.000Z'
  const FROM = '2026-01-20T09:58:00.000Z'

  test.each<[string, string | null, string | null, string]>([
    ['is the newest that was seen', MARK, '2026-01-25T12:00:00Z', '2026-01-25T12:00:00.000Z'],
    ['stays when nothing was seen', MARK, null, MARK],
    ['never goes back', MARK, '2026-01-20T09:59:00Z', MARK],
    ['never passes the clock', MARK, '2099-01-01T00:00:00Z', '2026-02-01T00:00:00.000Z'],
    ['is where the first sweep began, when it saw nothing', null, null, FROM],
    ['reads a time without an offset as UTC', MARK, '2026-01-25T12:00:00.1234567', '2026-01-25T12:00:00.123Z'],
    ['reads offsets', MARK, '2026-01-25T14:00:00+02:00', '2026-01-25T12:00:00.000Z'],
    ['passes over what is no time', MARK, 'yesterday', MARK],
  ])('%s', (_case, mark, newest, expected) => {
    expect(nextMark(mark === null ? null : cursorAt(mark), FROM, newest, NOW)).toBe(expected)
  })
})

test('just after is the next millisecond, whatever the precision', () => {
  expect(justAfter('2026-01-25T12:00:00.9999999Z')).toBe('2026-01-25T12:00:01.000Z')
})

test('a page that is not sorted as asked is an error; ties and records without a time are not', () => {
  const page = (...versions: (string | null)[]): Listed[] => versions.map((version, i) => ({ id: String(i), version }))
  const sorted = page('2026-01-03T00:00:00Z', null, '2026-01-02T00:00:00Z', '2026-01-02T01:00:00+01:00')

  expect(() => requireOrder(sorted, 'descending', 'flow')).not.toThrow()
  expect(() => requireOrder(sorted, 'ascending', 'flow')).toThrow(/not sorted/)
  expect(() => requireOrder(sorted.toReversed(), 'ascending', 'omnium')).not.toThrow()
})
