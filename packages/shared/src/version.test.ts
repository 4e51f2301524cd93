import fc from 'fast-check'
import { expect, test } from 'vitest'
import { compareVersions, newerVersion } from './version.ts'

test.each<[string | null | undefined, -1 | 0 | 1, string | null | undefined]>([
  ['2026-01-01T00:00:00Z', 0, '2026-01-01T00:00:00.000Z'],
  ['2026-01-01T00:00:00Z', 0, '2026-01-01T01:00:00+01:00'],
  ['2026-01-01T00:00:00Z', 0, '2025-12-31T19:00:00-0500'],
  ['2026-01-01T00:00:00Z', 0, '2026-01-01T05:30:00+05:30'],
  ['2026-01-01T00:00:00Z', 0, '2026-01-01T01:00:00+01'],
  ['2026-01-01T00:00:00', 0, '2026-01-01T00:00:00Z'],
  ['2026-01-01T00:00Z', 0, '2026-01-01 00:00:00,000z'],
  ['2026-01-01T00:00:00.12Z', 0, '2026-01-01T00:00:00.1200000Z'],
  ['2026-01-01T00:00:00.123456Z', -1, '2026-01-01T00:00:00.123457Z'],
  ['2026-01-01T00:00:00.1234561Z', 1, '2026-01-01T00:00:00.123456Z'],
  ['2026-01-01T00:00:00.9Z', 1, '2026-01-01T00:00:00.10Z'],
  ['2026-01-01T00:00:00Z', -1, '2026-01-01T00:00:00.0000001Z'],
  ['2026-01-01T02:00:00+02:00', -1, '2026-01-01T00:00:01Z'],
  ['2025-12-31T23:59:59.999Z', -1, '2026-01-01T00:00:00Z'],
  ['2026-03-29T00:30:00+01:00', 1, '2026-03-28T23:29:59Z'],
  ['0001-01-01T00:00:00', -1, '1926-01-01T00:00:00Z'],
  ['10:00', -1, '2026-01-01T00:00:00Z'],
  ['2', 1, '10'],
  [null, -1, '2026-01-01T00:00:00Z'],
  [undefined, -1, 'x'],
  ['', 0, null],
  [undefined, 0, null],
])('%s against %s %s', (a, expected, b) => {
  expect(compareVersions(a, b)).toBe(expected)
  expect(compareVersions(b, a)).toBe(0 - expected)
})

test('versions of any shape have one order', () => {
  const offset = fc.constantFrom('Z', '', '+00:00', '+01:00', '-0330', '+13')
  const time = fc
    .tuple(
      fc.date({ min: new Date('1970-01-01'), max: new Date('2100-01-01'), noInvalidDate: true }),
      fc.nat(9999999),
      offset,
    )
    .map(([date, fraction, zone]) => `${date.toISOString().slice(0, 19)}.${fraction}${zone}`)
  const version = fc.oneof(time, fc.string(), fc.constantFrom(null, ''))

  fc.assert(
    fc.property(version, version, version, (a, b, c) => {
      expect(compareVersions(a, b)).toBe(0 - compareVersions(b, a))
      const [x, y, z] = [a, b, c].toSorted(compareVersions)
      expect(compareVersions(x, y)).toBeLessThanOrEqual(0)
      expect(compareVersions(y, z)).toBeLessThanOrEqual(0)
      expect(compareVersions(x, z)).toBeLessThanOrEqual(0)
    }),
  )
})

test('the newer version keeps its spelling, the first of two equal ones wins', () => {
  expect(newerVersion('2026-01-01T01:00:00+01:00', '2026-01-01T00:00:00Z')).toBe('2026-01-01T01:00:00+01:00')
  expect(newerVersion('2026-01-01T00:00:00Z', '2026-01-02T00:00:00Z')).toBe('2026-01-02T00:00:00Z')
  expect(newerVersion(null, undefined)).toBeNull()
})
