import { expect, test } from 'vitest'
import { type ListSettings, pageBounds, totalOf, withBrokenItem } from './list-modes.ts'

const OFF: ListSettings = { maxPageLength: null, pagesBegin: 'returned', maxTotal: null, brokenListItem: null }

test.each<[Partial<ListSettings>, number, number, { start: number; end: number; length: number }]>([
  [{}, 2, 100, { start: 200, end: 300, length: 100 }],
  [{ maxPageLength: 50 }, 2, 100, { start: 100, end: 150, length: 50 }],
  [{ maxPageLength: 50 }, 2, 10, { start: 20, end: 30, length: 10 }],
  [{ maxPageLength: 50, pagesBegin: 'asked' }, 2, 100, { start: 200, end: 250, length: 50 }],
])('with %o page %i of %i is %o', (modes, page, size, bounds) => {
  expect(pageBounds(page, size, { ...OFF, ...modes })).toEqual(bounds)
})

test('totals stop at their maximum', () => {
  expect([totalOf(12_000, OFF), totalOf(12_000, { ...OFF, maxTotal: 10_000 })]).toEqual([12_000, 10_000])
  expect(totalOf(3, { ...OFF, maxTotal: 10_000 })).toBe(3)
})

test('one item of a page is broken: the first, or the one that is named', () => {
  const items = [{ id: 'a' }, { id: 'b', name: 'B' }]
  const page = (brokenListItem: ListSettings['brokenListItem']) =>
    withBrokenItem(items, 'id', { ...OFF, brokenListItem })

  expect(page(null)).toBe(items)
  expect(page({ how: 'text' })).toEqual([expect.any(String), items[1]])
  expect(page({ how: 'null', id: 'b' })).toEqual([items[0], null])
  expect(page({ how: 'no-id', id: 'b' })).toEqual([items[0], { name: 'B' }])
  expect(page({ how: 'id-object', id: 'b' })).toEqual([items[0], { id: {}, name: 'B' }])
  expect(page({ how: 'null', id: 'c' })).toBe(items)
})
