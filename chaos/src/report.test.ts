import { expect, it } from 'vitest'
import { holds, notEmpty, report } from './report.ts'

it('a check that had nothing to look at does not hold, unless it may be so', () => {
  const empty = { name: 'writes in order', counted: 0, wrong: [] }

  expect(holds([notEmpty({ ...empty, counted: 1 })])).toBe(true)
  expect(holds([notEmpty({ ...empty, mayBeEmpty: true })])).toBe(true)
  expect(holds([notEmpty(empty)])).toBe(false)
  expect(report([notEmpty(empty)])).toMatch(/writes in order +0 +1 {2}WRONG/)
})
