import { InvalidArgumentError } from 'commander'
import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest'
import { parseCount, parsePosition, parseTime } from './selectors.ts'

const NOW = Date.parse('2026-11-25T12:00:00Z')
const at = (text: string) => new Date(parseTime(text, NOW)).toISOString()

describe('a time', () => {
  // Elsewhere local time might be UTC.
  beforeAll(() => void vi.stubEnv('TZ', 'America/New_York'))
  afterAll(() => void vi.unstubAllEnvs())

  test.each([
    ['2026-11-25', '2026-11-25T00:00:00.000Z'],
    ['2026-11-25T21:00', '2026-11-25T21:00:00.000Z'],
    ['2026-11-25T21:00:30', '2026-11-25T21:00:30.000Z'],
    ['2026-11-25T21:00:30.125', '2026-11-25T21:00:30.125Z'],
    ['2026-11-25 21:00', '2026-11-25T21:00:00.000Z'],
  ])('%s names no offset, so it is UTC', (text, expected) => {
    expect(at(text)).toBe(expected)
  })

  test.each([
    ['2026-11-25T21:00:00Z', '2026-11-25T21:00:00.000Z'],
    ['2026-11-25T21:00+01:00', '2026-11-25T20:00:00.000Z'],
    ['2026-11-25T21:00:00+0100', '2026-11-25T20:00:00.000Z'],
    ['2026-11-25T21:00:00-01:30', '2026-11-25T22:30:00.000Z'],
    ['2026-11-25T21:00:00.1234567Z', '2026-11-25T21:00:00.123Z'],
  ])('%s is what its offset says', (text, expected) => {
    expect(at(text)).toBe(expected)
  })

  test.each([
    ['0s', '2026-11-25T12:00:00.000Z'],
    ['90s', '2026-11-25T11:58:30.000Z'],
    ['15m', '2026-11-25T11:45:00.000Z'],
    ['2h', '2026-11-25T10:00:00.000Z'],
    ['7d', '2026-11-18T12:00:00.000Z'],
    ['2w', '2026-11-11T12:00:00.000Z'],
  ])('%s is an age, counted back from now', (text, expected) => {
    expect(at(text)).toBe(expected)
  })

  test.each([
    '',
    'yesterday',
    'latest',
    '2h ago',
    '-2h',
    '1.5h',
    '2H',
    '2y',
    '1764104400000',
    '2026-11',
    '2026-13-01',
    '2026-11-32',
    '2026-11-25T21',
    '2026-11-25T25:00',
    '2026-11-25T21:00+99:99',
    '25.11.2026',
    ' 2026-11-25',
  ])('%j is refused', (text) => {
    expect(() => parseTime(text, NOW)).toThrow(InvalidArgumentError)
    expect(() => parseTime(text, NOW)).toThrow('such as 2026-11-25T21:00:00Z, or an age such as 2h')
  })
})

describe('a position', () => {
  test.each(['earliest', 'latest'] as const)('%s is an end of the topic', (end) => {
    expect(parsePosition(end)).toEqual({ end })
  })

  test.each([
    ['0', 0],
    ['1200', 1200],
  ])('%s alone is an offset of every partition', (text, all) => {
    expect(parsePosition(text)).toEqual({ offsets: new Map(), all })
  })

  test.each<[string, [number, number][]]>([
    ['3:95', [[3, 95]]],
    [
      '0:120,3:95',
      [
        [0, 120],
        [3, 95],
      ],
    ],
  ])('%s names offsets by partition, and leaves the others out', (text, offsets) => {
    expect(parsePosition(text)).toEqual({ offsets: new Map(offsets) })
  })

  test('anything else is a time', () => {
    expect(parsePosition('2026-11-25T21:00')).toEqual({ time: Date.parse('2026-11-25T21:00:00Z') })
  })

  test('an age is a time before now', () => {
    const before = Date.now()

    const position = parsePosition('1h')

    expect(position).toEqual({ time: expect.any(Number) })
    const { time } = position as { time: number }
    expect(time).toBeGreaterThanOrEqual(before - 3_600_000)
    expect(time).toBeLessThanOrEqual(Date.now() - 3_600_000)
  })

  test.each(['', 'first', '-5', '1.5', '0:', ':5', '0:1,', '0:1,2', '0:1;1:2', '0:-1', '2026-13-01'])(
    '%j is refused with all that it may be',
    (text) => {
      expect(() => parsePosition(text)).toThrow(InvalidArgumentError)
      expect(() => parsePosition(text)).toThrow('earliest, latest, an offset, or offsets such as 0:120,3:95')
    },
  )
})

describe('a count', () => {
  test.each([
    ['1', 1],
    ['999999999', 999_999_999],
  ])('%s is a whole number above 0', (text, expected) => {
    expect(parseCount(text)).toBe(expected)
  })

  test.each(['', '0', '007', '-1', '1.5', '1e3', '0x10', ' 1', '1000000000'])('%j is refused', (text) => {
    expect(() => parseCount(text)).toThrow(InvalidArgumentError)
  })
})
