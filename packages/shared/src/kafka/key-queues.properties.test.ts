import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { aModel, expectSame, type Item, nextDueIn } from '../testing/modelled-queues.ts'
import { queueSteps, takeOne } from '../testing/queue-steps.ts'
import { patience, runs } from '../testing/runs.ts'

describe('any interleaving of arrivals, takers, ends, retries, revokes, wakes and time', () => {
  it(
    'keeps order and exclusion per key and its counts right, and hands out in the end all that is left',
    patience,
    () => {
      fc.assert(
        fc.property(fc.integer({ min: 1, max: 9 }), fc.boolean(), queueSteps, (slots, isShared, commands) => {
          const { model, real } = aModel(slots, isShared)
          fc.modelRun(() => ({ model, real }), commands)

          model.now += 1_000
          for (const key of model.taken.keys()) real.release(key, model.now)
          model.taken.clear()
          const seen: Item[] = []
          const expected = [...model.items]
          for (let key = takeOne(model, real); key !== null; key = takeOne(model, real)) {
            const batch = model.taken.get(key)!.items
            seen.push(...batch)
            for (const item of batch) real.remove(item)
            model.items = model.items.filter((item) => !batch.includes(item))
            model.taken.delete(key)
            real.release(key, model.now)
            expectSame(model, real)
          }

          expect(seen.toSorted((a, b) => a.n - b.n)).toEqual(expected)
          expect([real.size, real.all.bytes, real.inFlight, real.nextDueAt()]).toEqual([0, 0, 0, null])
        }),
        runs(200),
      )
    },
  )

  it('name, once nothing more can be taken, a time to look again that is yet to come', patience, () => {
    fc.assert(
      fc.property(fc.integer({ min: 1, max: 9 }), fc.boolean(), queueSteps, (slots, isShared, commands) => {
        const { model, real } = aModel(slots, isShared)
        fc.modelRun(() => ({ model, real }), commands)

        while (takeOne(model, real) !== null);

        expect(real.nextDueAt()).toBe(nextDueIn(model))
      }),
      runs(100),
    )
  })
})
