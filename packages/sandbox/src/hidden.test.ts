import { expect, test } from 'vitest'
import { isHidden } from './hidden.ts'

const IDS = Array.from({ length: 1_000 }, (_, i) => String(1_000 + i))

test('a share hides about that part of the customers, the same ones each time', () => {
  const hidden = IDS.filter((id) => isHidden(id, { ids: [], share: 0.5 }))

  expect(hidden.length).toBeGreaterThan(430)
  expect(hidden.length).toBeLessThan(570)
  expect(IDS.filter((id) => isHidden(id, { ids: [], share: 0.5 }))).toEqual(hidden)
  expect(IDS.filter((id) => isHidden(id, { ids: [], share: 0 }))).toEqual([])
  expect(IDS.filter((id) => isHidden(id, { ids: [], share: 1 }))).toEqual(IDS)
})

test('named customers are hidden, and no others', () => {
  expect(IDS.filter((id) => isHidden(id, { ids: ['1001'], share: 0 }))).toEqual(['1001'])
  expect(isHidden('1001', null)).toBe(false)
})
