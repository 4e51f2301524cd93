import { expect, test } from 'vitest'
import { createRecent } from './recent.ts'

test('a note is known until it is too old, the last of a key alone', () => {
  const recent = createRecent<string>(1_000)
  recent.note('a', 'first', 0)
  recent.note('b', 'other', 100)
  recent.note('a', 'second', 500)

  expect([recent.of('a', 1_499), recent.of('b', 1_099), recent.of('c', 0)]).toEqual(['second', 'other', undefined])
  expect([recent.of('a', 1_500), recent.of('b', 1_100)]).toEqual([undefined, undefined])
})

test('a note that is too old takes no room', () => {
  const recent = createRecent<object>(1_000)
  recent.note('a', {}, 0)
  recent.note('b', {}, 1_000)

  expect(recent.of('a', 0)).toBeUndefined()
})
