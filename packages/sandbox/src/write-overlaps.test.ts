import { expect, test } from 'vitest'
import { createWriteOverlaps } from './write-overlaps.ts'

test('a write that overlaps with another one of the same id is refused, and begins once that is over', () => {
  const overlaps = createWriteOverlaps()
  const end = overlaps.begin(['a'])!

  expect(overlaps.begin(['b', 'a'])).toBeNull()
  expect(overlaps.begin(['b'])).not.toBeNull()
  end()
  const next = overlaps.begin(['a'])
  expect(next).not.toBeNull()

  end()
  expect(overlaps.begin(['a'])).toBeNull()
})
