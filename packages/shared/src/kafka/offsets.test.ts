import fc from 'fast-check'
import { describe, expect, it, vi } from 'vitest'
import { encodeRanges } from './ended-ranges.ts'
import { createOffsetTracker } from './offsets.ts'

describe('the low-water mark', () => {
  it('stays before the first record that has not ended, whatever ended after it', () => {
    const tracker = createOffsetTracker()
    for (const offset of [10, 11, 12, 13]) tracker.add(offset)

    tracker.end(11)
    tracker.end(13)
    expect(tracker.lowWaterMark()).toBe(10)

    tracker.end(10)
    expect(tracker.lowWaterMark()).toBe(12)
  })

  it('passes the gaps that compaction left, also at the end of a batch', () => {
    const tracker = createOffsetTracker()
    tracker.add(3)
    tracker.add(9)
    tracker.readTo(14)

    tracker.end(3)
    expect(tracker.lowWaterMark()).toBe(9)
    tracker.end(9)
    expect(tracker.lowWaterMark()).toBe(15)
  })

  it('knows a record that is read again after a rebalance', () => {
    const tracker = createOffsetTracker()
    tracker.add(5)
    tracker.end(5)

    expect(tracker.add(5)).toBe(false)
    expect(tracker.add(6)).toBe(true)
    expect(tracker.add(6)).toBe(false)
  })

  it('is never past a record that has not ended and never before one that has all before it ended', () => {
    fc.assert(
      fc.property(
        fc.array(fc.record({ gap: fc.integer({ min: 1, max: 4 }), ends: fc.double({ min: 0, max: 1, noNaN: true }) }), {
          maxLength: 200,
        }),
        (records) => {
          const tracker = createOffsetTracker()
          const open = new Set<number>()
          let offset = 0
          for (const { gap, ends } of records) {
            offset += gap
            tracker.add(offset)
            open.add(offset)
            const victim = [...open][Math.floor(ends * 2 * open.size)]
            if (victim !== undefined) {
              tracker.end(victim)
              open.delete(victim)
            }
            expect(tracker.lowWaterMark()).toBe(open.size === 0 ? offset + 1 : Math.min(...open))
            expect(tracker.pending()).toBe(open.size)
          }
        },
      ),
    )
  })
})

it('ends what had ended in one pass over the open records, however many ranges there are', () => {
  const tracker = createOffsetTracker()
  const count = 10_000
  for (let offset = 0; offset < count; offset++) tracker.add(offset)
  const ranges = Array.from({ length: count / 2 }, (_, n) => ({ from: 2 * n + 1, to: 2 * n + 2 }))
  const passes = vi.spyOn(Set.prototype, Symbol.iterator)

  tracker.restore(0, encodeRanges(0, ranges, Number.POSITIVE_INFINITY))

  const made = passes.mock.calls.length
  passes.mockRestore()
  expect([tracker.pending(), tracker.isOpen(0), tracker.isOpen(1)]).toEqual([count / 2, true, false])
  expect(made).toBe(1)
})
