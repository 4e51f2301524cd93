import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { patience, runs } from '../testing/runs.ts'
import { decodeRanges } from './ended-ranges.ts'
import { createOffsetTracker } from './offsets.ts'

/** A partition as a plain list: what there is, what was read of it by its owner of now, and what has ended. */
const aModel = (first: number) => {
  const log: number[] = []
  let from = 0
  let position = 0
  let next: number | null = null
  let end = first
  let ended = new Set<number>()
  const read = () => log.slice(from, position)
  const open = () => read().filter((offset) => !ended.has(offset))
  const mark = () => (open().length > 0 ? Math.min(...open()) : next)
  return {
    read,
    open,
    mark,
    pending: () => open().length,
    distance: () => read().filter((offset) => offset >= (mark() ?? 0)).length,
    endedPastMark: () => log.filter((offset) => offset >= (mark() ?? 0) && ended.has(offset)),
    hasEnded: (offset: number) => ended.has(offset),
    /** The next one of the log, or a new one. */
    readNext(gap: number): number {
      if (position === log.length) log.push(end + gap)
      const offset = log[position++]!
      next = offset + 1
      end = Math.max(end, next)
      return offset
    },
    end: (offset: number) => void (read().includes(offset) && ended.add(offset)),
    /** There is nothing up to the next record of the log; null: nothing was read yet. */
    readTo(ahead: number): number | null {
      if (next === null) return null
      const last = Math.min(next - 2 + ahead, (log[position] ?? Number.POSITIVE_INFINITY) - 1)
      next = Math.max(next, last + 1)
      end = Math.max(end, next)
      return last
    },
    /** The next owner begins at the mark, and knows of no end yet. */
    handOver() {
      const at = mark()!
      from = log.filter((offset) => offset < at).length
      position = from
      next = null
      ended = new Set()
    },
    learn(told: Iterable<number>) {
      ended = new Set(told)
    },
  }
}

const step = fc.oneof(
  { weight: 3, arbitrary: fc.record({ do: fc.constant('read' as const), gap: fc.constantFrom(0, 0, 0, 1, 7, 1_000) }) },
  { weight: 3, arbitrary: fc.record({ do: fc.constant('end' as const), pick: fc.nat() }) },
  // What ended already, or was never read: a late end of another tenure.
  { weight: 1, arbitrary: fc.record({ do: fc.constant('end any' as const), offset: fc.nat(40) }) },
  { weight: 1, arbitrary: fc.record({ do: fc.constant('rewind' as const), pick: fc.nat() }) },
  { weight: 1, arbitrary: fc.record({ do: fc.constant('read to' as const), ahead: fc.nat(5) }) },
  {
    weight: 1,
    arbitrary: fc.record({
      do: fc.constant('hand over' as const),
      maxLength: fc.constantFrom(0, 8, 3_000),
      readBefore: fc.nat(3),
    }),
  },
)

describe('the tracker of any partition', () => {
  it(
    'knows what a list would know: what may be committed, what is pending, and that for the next owner',
    patience,
    () => {
      fc.assert(
        fc.property(fc.nat(20), fc.array(step, { maxLength: 150, size: 'max' }), (first, steps) => {
          let real = createOffsetTracker()
          const model = aModel(first)
          const readNext = (gap: number) => {
            const offset = model.readNext(gap)
            expect(real.add(offset)).toBe(!model.hasEnded(offset))
          }
          for (const it of steps) {
            const before = real.lowWaterMark()
            if (it.do === 'read') readNext(it.gap)
            if (it.do === 'end' && model.open().length > 0) {
              const offset = model.open()[it.pick % model.open().length]!
              real.end(offset)
              model.end(offset)
            }
            if (it.do === 'end any') {
              real.end(it.offset)
              model.end(it.offset)
            }
            if (it.do === 'rewind' && model.read().length > 0) {
              // From the committed offset, or any before: what was read is known, ended or not.
              const again = model.read().slice(it.pick % model.read().length)
              expect(again.filter((offset) => real.add(offset))).toEqual([])
            }
            if (it.do === 'read to') {
              const last = model.readTo(it.ahead)
              if (last !== null) real.readTo(last)
            }
            if (it.do === 'hand over' && before !== null) {
              const text = real.endedPastMark(it.maxLength)
              expect(text.length).toBeLessThanOrEqual(it.maxLength)
              const ranges = decodeRanges(before, text)
              const isTold = (offset: number) => ranges.some(({ from, to }) => offset >= from && offset < to)
              expect(model.open().filter(isTold)).toEqual([])
              const told = model.endedPastMark().filter(isTold)
              if (it.maxLength === 3_000) expect(told).toEqual(model.endedPastMark())
              // What had ended may be known only after some was read.
              real = createOffsetTracker()
              model.handOver()
              const early = Array.from({ length: Math.min(it.readBefore, told.length) }, () => model.readNext(0))
              expect(early.filter((offset) => real.add(offset))).toEqual(early)
              real.restore(before, text)
              model.learn(told)
              expect(early.filter(real.isOpen)).toEqual(early.filter((offset) => !told.includes(offset)))
            }

            const mark = real.lowWaterMark()
            expect(mark).toBe(model.mark())
            if (before !== null && mark !== null) expect(mark).toBeGreaterThanOrEqual(before)
            for (const offset of model.open()) expect(mark).toBeLessThanOrEqual(offset)
            expect([real.pending(), real.distance()]).toEqual([model.pending(), model.distance()])
          }
        }),
        runs(200),
      )
    },
  )

  it('comes to the end of what was read when all has ended, in whatever order, also over thousands', patience, () => {
    fc.assert(
      fc.property(fc.integer({ min: 1, max: 4_000 }), fc.integer({ min: 1, max: 4_001 }), fc.nat(), (count, by, at) => {
        const tracker = createOffsetTracker()
        for (let offset = 0; offset < count; offset++) tracker.add(3 * offset)
        tracker.readTo(3 * count)

        // Steps of a prime come to every offset once, here and there.
        const stride = by % 4_001 === 0 ? 1 : by
        let lowest = 0
        const ended = new Set<number>()
        for (let i = 0; i < 4_001; i++) {
          const n = (at + i * stride) % 4_001
          if (n >= count) continue
          tracker.end(3 * n)
          ended.add(n)
          while (ended.has(lowest)) lowest++
          if (lowest < count) expect(tracker.lowWaterMark()).toBe(3 * lowest)
        }

        expect([tracker.lowWaterMark(), tracker.pending(), tracker.distance()]).toEqual([3 * count + 1, 0, 0])
      }),
      { numRuns: 20 },
    )
  })
})
