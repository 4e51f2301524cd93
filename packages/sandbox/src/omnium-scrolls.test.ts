import { expect, test } from 'vitest'
import { createScrolls } from './omnium-scrolls.ts'

function setUp(maxOpen?: number) {
  let nowMs = 0
  return {
    ...createScrolls<string>(() => nowMs, maxOpen),
    pass: (ms: number) => {
      nowMs += ms
    },
  }
}
const SAME = { changesId: false }

test('a scroll goes through the rows that were there when it was opened, until a page is empty', () => {
  const { open, next } = setUp()
  const rows = ['a', 'b', 'c']

  const first = open(rows, 2)

  expect(first.rows).toEqual(['a', 'b'])
  expect(next(first.scrollId, SAME)).toEqual({ scrollId: first.scrollId, rows: ['c'] })
  expect(next(first.scrollId, SAME)).toEqual({ scrollId: first.scrollId, rows: [] })
})

test('a scroll whose id changes goes on under the new id alone', () => {
  const { open, next } = setUp()
  const { scrollId } = open(['a', 'b', 'c'], 1)

  const second = next(scrollId, { changesId: true })!

  expect(second).toEqual({ scrollId: expect.not.stringMatching(`^${scrollId}$`), rows: ['b'] })
  expect(next(scrollId, SAME)).toBeNull()
  expect(next(second.scrollId, SAME)?.rows).toEqual(['c'])
})

test('a scroll that is idle for more than five minutes is closed', () => {
  const { open, next, pass } = setUp()
  const { scrollId } = open(['a', 'b', 'c'], 1)

  pass(300_000)
  expect(next(scrollId, SAME)?.rows).toEqual(['b'])
  pass(300_001)
  expect(next(scrollId, SAME)).toBeNull()
})

test('too many open scrolls close the oldest', () => {
  const { open, next } = setUp(1)
  const { scrollId } = open(['a', 'b'], 1)

  open([], 1)

  expect(next(scrollId, SAME)).toBeNull()
})
