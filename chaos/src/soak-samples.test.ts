import { describe, expect, it } from 'vitest'
import { change, isFlat } from './soak-samples.ts'

describe('a series', () => {
  it('has the slope and the mean of its line', () => {
    expect(change([10, 12, 14, 16])).toEqual({ perWindow: 2, mean: 13 })
    expect(change([5])).toEqual({ perWindow: 0, mean: 5 })
  })

  it.each([
    ['rests', [100, 101, 99, 100], true],
    ['falls', [100, 80, 60, 40], true],
    ['jumps and comes back', [100, 180, 100, 100, 100], true],
    ['leaks', [100, 110, 120, 130, 140], false],
  ])('that %s', (_, series, flat) => {
    expect(isFlat(series)).toBe(flat)
  })

  it('of a few more is flat where a few more do not matter', () => {
    expect(isFlat([5, 6, 7, 8])).toBe(false)
    expect(isFlat([5, 6, 7, 8], 10)).toBe(true)
  })
})
