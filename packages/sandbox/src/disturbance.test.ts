import { expect, test } from 'vitest'
import { fateOf, seededChance } from './disturbance.ts'

test('without a disturbance every delivery is delivered', () => {
  expect(fateOf(null)).toBe('deliver')
})

test.each([
  { draw: 0, fate: 'drop' },
  { draw: 0.09, fate: 'drop' },
  { draw: 0.1, fate: 'duplicate' },
  { draw: 0.29, fate: 'duplicate' },
  { draw: 0.31, fate: 'reorder' },
  { draw: 0.59, fate: 'reorder' },
  { draw: 0.61, fate: 'deliver' },
])('a draw of $draw means $fate', ({ draw, fate }) => {
  expect(fateOf({ chance: () => draw, drop: 0.1, duplicate: 0.2, reorder: 0.3 })).toBe(fate)
})

test('the same seed gives the same draws, from 0 to 1', () => {
  const [one, same, other] = [seededChance(7), seededChance(7), seededChance(8)]

  const draws = Array.from({ length: 1000 }, () => one())

  expect(draws).toEqual(Array.from({ length: 1000 }, () => same()))
  expect(draws.slice(0, 3)).not.toEqual([other(), other(), other()])
  expect(Math.min(...draws)).toBeGreaterThanOrEqual(0)
  expect(Math.max(...draws)).toBeLessThan(1)
})
