import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { decodeRanges, encodeRanges } from './ended-ranges.ts'
import { createOffsetTracker } from './offsets.ts'

const ranges = fc
  .array(fc.tuple(fc.integer({ min: 1, max: 5_000 }), fc.integer({ min: 1, max: 5_000 })), { maxLength: 50 })
  .map((steps) => {
    let at = 1_000_000_000
    return steps.map(([distance, length]) => {
      const from = at + distance
      at = from + length
      return { from, to: at }
    })
  })

describe('ranges as text', () => {
  it('come back, or the first of them when there is no room for all', () => {
    fc.assert(
      fc.property(ranges, fc.integer({ min: 0, max: 300 }), (all, maxLength) => {
        const text = encodeRanges(1_000_000_000, all, maxLength)

        const back = decodeRanges(1_000_000_000, text)
        expect(text.length).toBeLessThanOrEqual(maxLength)
        expect(back).toEqual(all.slice(0, back.length))
        if (maxLength >= 10 * all.length) expect(back).toHaveLength(all.length)
      }),
    )
  })

  it.each(['', 'owned by somebody', '1', '1-', '1-2.', 'ZZ-1', '1-2;3-4', `${'z'.repeat(400)}-1`])(
    'are none in %j',
    (text) => expect(decodeRanges(5, text)).toEqual([]),
  )
})

describe('what had ended past the mark', () => {
  const life = fc.record({
    gaps: fc.array(fc.integer({ min: 1, max: 3 }), { minLength: 1, maxLength: 60 }),
    ended: fc.infiniteStream(fc.boolean()),
    readAgain: fc.constantFrom(0, 0.2, 0.5, 1),
  })

  it('is not done again by the next owner, nor by the one after that, and nothing else is left out', () => {
    fc.assert(
      fc.property(life, fc.constantFrom(0, 5, 20, 3_000), ({ gaps, ended, readAgain }, maxLength) => {
        const offsets = gaps.map((_, i) => gaps.slice(0, i + 1).reduce((sum, gap) => sum + gap, 100))
        const hasEnded = new Set(offsets.filter(() => ended.next().value))
        const first = createOffsetTracker()
        for (const offset of offsets) first.add(offset)
        for (const offset of hasEnded) first.end(offset)

        const next = (before: ReturnType<typeof createOffsetTracker>, part: number) => {
          const mark = before.lowWaterMark()!
          const tracker = createOffsetTracker()
          tracker.restore(mark, before.endedPastMark(maxLength))
          const toRead = offsets.filter((offset) => offset >= mark)
          const again = toRead.slice(0, Math.ceil(toRead.length * part)).filter((offset) => tracker.add(offset))
          return { tracker, again }
        }

        const second = next(first, readAgain)
        const third = next(second.tracker.lowWaterMark() === null ? first : second.tracker, 1)
        const open = offsets.filter((offset) => !hasEnded.has(offset))
        expect(third.again.filter((offset) => !hasEnded.has(offset))).toEqual(open)
        if (maxLength === 3_000) expect(third.again).toEqual(open)
        if (open.length > 0) expect(third.tracker.lowWaterMark()).toBe(open[0])
      }),
    )
  })

  it('is found out for records that were read before the commit of their former owner was', () => {
    const tracker = createOffsetTracker()
    for (const offset of [5, 6, 7, 8]) tracker.add(offset)

    tracker.restore(5, encodeRanges(5, [{ from: 6, to: 8 }], 100))

    expect([5, 6, 7, 8].filter(tracker.isOpen)).toEqual([5, 8])
    tracker.end(5)
    expect(tracker.lowWaterMark()).toBe(8)
  })
})
