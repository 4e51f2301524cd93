import { expect, test } from 'vitest'
import { createIndexedTable } from './search-index.ts'

function setUp(lags: Record<string, number>) {
  let nowMs = 1_000
  const index = createIndexedTable<string>({ now: () => nowMs, lagMs: (id) => lags[id] ?? 0 })
  return {
    ...index,
    pass: (ms: number) => {
      nowMs += ms
    },
  }
}

test('a write is in the copy after its lag, and by id at once', () => {
  const { rows, indexed, pass } = setUp({ a: 100 })
  rows.set('a', 'one')

  pass(99)
  expect([rows.get('a'), indexed().get('a')]).toEqual(['one', undefined])
  pass(1)
  expect(indexed().get('a')).toBe('one')
})

test('a deleted row stays in the copy for its lag', () => {
  const { rows, indexed, seed, pass } = setUp({ a: 100 })
  seed('a', 'one')
  expect(rows.delete('a')).toBe(true)

  expect([rows.get('a'), indexed().get('a')]).toEqual([undefined, 'one'])
  pass(100)
  expect(indexed().all()).toEqual([])
  expect(rows.delete('a')).toBe(false)
})

test('a write never appears before an earlier write of the same id', () => {
  const lags = { a: 100 }
  const { rows, indexed, pass } = setUp(lags)
  rows.set('a', 'one')
  lags.a = 10
  rows.set('a', 'two')

  pass(99)
  expect(indexed().get('a')).toBeUndefined()
  pass(1)
  expect(indexed().get('a')).toBe('two')
})

test('a changed lag holds for the writes that do not show yet', () => {
  const lags = { a: 60_000, b: 60_000 }
  const { rows, indexed, lagChanged, completeAt, pass } = setUp(lags)
  rows.set('a', 'one')
  rows.set('b', 'one')
  pass(10)
  expect(completeAt()).toBe(61_000)

  lags.a = 0
  lagChanged('a')

  expect(indexed().all()).toEqual(['one'])
  pass(60_000)
  expect(indexed().all()).toEqual(['one', 'one'])
  expect(completeAt()).toBeNull()
})

test('a seeded row shows at once', () => {
  const { rows, indexed, seed } = setUp({ a: 100 })
  rows.set('a', 'one')
  seed('a', 'two')

  expect(indexed().get('a')).toBe('two')
})
