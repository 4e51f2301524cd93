import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { backoff, backoffAtLeastHalf, parseRetryAfter } from './backoff.ts'
import { patience, runs } from './testing/runs.ts'

const chance = fc.double({ min: 0, max: 1, maxExcluded: true, noNaN: true })
const attempt = fc.oneof(fc.nat(30), fc.integer(), fc.constantFrom(Number.MAX_SAFE_INTEGER, Number.POSITIVE_INFINITY))
const waits = fc
  .tuple(fc.integer({ min: 1, max: 60_000 }), fc.integer({ min: 0, max: 3_600_000 }))
  .map(([baseMs, more]) => ({ baseMs, capMs: baseMs + more }))

/** All but the last chance: what the wait comes close to. */
const LAST = 1 - Number.EPSILON

describe.each([
  ['backoff', backoff, 0],
  ['backoff of at least half', backoffAtLeastHalf, 1 / 2],
])('%s', (_name, wait, least) => {
  const ceiling = (n: number, { baseMs, capMs }: { baseMs: number; capMs: number }) =>
    Array.from({ length: Math.min(60, Math.max(0, n)) }).reduce<number>((ms) => Math.min(capMs, 2 * ms), baseMs)

  it(
    'is a whole number of ms between its part of the ceiling and the ceiling, which no attempt passes',
    patience,
    () => {
      fc.assert(
        fc.property(attempt, waits, chance, (n, options, random) => {
          const ms = wait(n, { ...options, random: () => random })

          expect(Number.isSafeInteger(ms)).toBe(true)
          expect(ms).toBeGreaterThanOrEqual(Math.floor(least * ceiling(n, options)))
          expect(ms).toBeLessThanOrEqual(ceiling(n, options))
          expect(ms).toBeLessThanOrEqual(options.capMs)
        }),
        runs(500),
      )
    },
  )

  it('has a ceiling that never falls from one attempt to the next, and comes to the cap', patience, () => {
    fc.assert(
      fc.property(waits, (options) => {
        const highest = Array.from({ length: 40 }, (_, n) => wait(n, { ...options, random: () => LAST }))

        expect(highest).toEqual(highest.toSorted((a, b) => a - b))
        expect(highest[0]).toBeGreaterThanOrEqual(options.baseMs - 1)
        expect(highest.at(-1)).toBeGreaterThanOrEqual(options.capMs - 1)
      }),
      runs(200),
    )
  })

  it('spreads over all that it may be', patience, () => {
    fc.assert(
      fc.property(fc.nat(20), waits, fc.tuple(chance, chance), (n, options, [a, b]) => {
        const of = (random: number) => wait(n, { ...options, random: () => random })

        expect(Math.sign(of(a) - of(b)) * Math.sign(a - b)).toBeGreaterThanOrEqual(0)
        expect(of(LAST) - of(0)).toBeGreaterThanOrEqual(Math.floor((1 - least) * ceiling(n, options)) - 1)
      }),
      runs(200),
    )
  })
})

describe('any Retry-After', () => {
  const now = fc.integer({ min: Date.UTC(2020, 0), max: Date.UTC(2060, 0) })
  const cap = fc.integer({ min: 0, max: 3_600_000 })
  const blank = fc.constantFrom('', ' ', '\t', '  ')
  const bounded = (ms: number, capMs: number) => Math.min(capMs, Math.max(0, ms))

  it('of seconds, however many, is so many ms, never negative and never more than the cap', patience, () => {
    const seconds = fc.oneof(fc.integer(), fc.nat(1_000), fc.bigInt({ min: -(10n ** 400n), max: 10n ** 400n }))
    fc.assert(
      fc.property(seconds, fc.constantFrom('', '+'), now, cap, blank, blank, (n, plus, at, capMs, left, right) => {
        const text = n < 0 ? String(n) : `${plus}${n}`

        expect(parseRetryAfter(`${left}${text}${right}`, at, capMs)).toBe(bounded(Number(n) * 1_000, capMs))
      }),
      runs(500),
    )
  })

  it('of a fraction of a second is at least that long, by less than a ms', patience, () => {
    fc.assert(
      fc.property(fc.nat(100), fc.nat(999_999), now, (whole, part, at) => {
        const text = `${whole}.${String(part).padStart(6, '0')}`
        const ms = parseRetryAfter(text, at, 3_600_000)!

        expect(ms).toBeGreaterThanOrEqual(Number(text) * 1_000)
        expect(ms).toBeLessThan(Number(text) * 1_000 + 1)
      }),
      runs(200),
    )
  })

  it('of an HTTP date, in each of its three forms, is the time until then', patience, () => {
    fc.assert(
      fc.property(now, fc.integer({ min: -100_000, max: 100_000 }), cap, (at, inSeconds, capMs) => {
        const dueAt = Math.floor(at / 1_000) * 1_000 + inSeconds * 1_000
        const date = new Date(dueAt)
        const [weekday, day, month, year, time] = date.toUTCString().replace(',', '').split(' ') as string[]
        const long = date.toLocaleDateString('en', { weekday: 'long', timeZone: 'UTC' })
        // A year of two digits is taken for one of this century up to 49.
        const isRfc850 = Number(year) < 2050
        const texts = [
          date.toUTCString(),
          ...(isRfc850 ? [`${long}, ${day}-${month}-${year!.slice(2)} ${time} GMT`] : []),
          `${weekday} ${month} ${String(Number(day)).padStart(2, ' ')} ${time} ${year}`,
        ]

        for (const text of texts) expect(parseRetryAfter(text, at, capMs)).toBe(bounded(dueAt - at, capMs))
      }),
      runs(300),
    )
  })

  it('that is anything else is none, and nothing makes it throw or leave its bounds', patience, () => {
    const garbage = fc.oneof(
      fc.string(),
      fc.string({ unit: 'binary' }),
      fc.string({ unit: fc.constantFrom(...'0123456789+-.eE,: GMTMonThuJan') }),
      fc.date({ noInvalidDate: true }).map((date) => date.toISOString()),
      fc.double().map(String),
    )
    fc.assert(
      fc.property(garbage, now, cap, (text, at, capMs) => {
        const ms = parseRetryAfter(text, at, capMs)

        if (ms === undefined) return
        expect(text.trim()).toMatch(/^([+-]?\d+(\.\d+)?|(Mon|Tue|Wed|Thu|Fri|Sat|Sun).*)$/s)
        expect(Number.isSafeInteger(ms) && ms >= 0 && ms <= capMs).toBe(true)
      }),
      runs(500),
    )
  })
})
