import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import {
  aModel,
  anItem,
  expectSame,
  type Item,
  isDue,
  isLive,
  itemsOf,
  nextDueIn,
  type QueuesModel,
  readyKeys,
  slotsOf,
  tenantOf,
} from '../testing/modelled-queues.ts'
import { patience, runs } from '../testing/runs.ts'
import type { KeyQueues } from './key-queues.ts'

type Step = fc.Command<QueuesModel, KeyQueues<Item>>
const step = (
  name: string,
  run: (model: QueuesModel, real: KeyQueues<Item>) => void,
  check: (model: QueuesModel) => boolean = () => true,
): Step => ({
  check,
  run(model, real) {
    run(model, real)
    expectSame(model, real)
  },
  toString: () => name,
})

const someTaken = ({ taken }: QueuesModel) => taken.size > 0
const pickTaken = ({ taken }: QueuesModel, pick: number) => [...taken.keys()][pick % taken.size]!
const forget = (model: QueuesModel, gone: (item: Item) => boolean) => {
  model.items = model.items.filter((item) => !gone(item))
}

/** May nothing be handed out now? Among several tenants a free slot may be kept from one that has some. */
const mayRefuse = (model: QueuesModel): boolean => {
  const ready = readyKeys(model)
  if (slotsOf(model) >= model.slots || ready.length === 0) return true
  return model.isShared && ready.every((key) => slotsOf(model, tenantOf(key)) > 0)
}

const takeOne = (model: QueuesModel, real: KeyQueues<Item>): string | null => {
  const wasReady = readyKeys(model)
  const next = real.take(model.now)
  if (next === null) {
    expect(mayRefuse(model)).toBe(true)
    if (slotsOf(model) < model.slots) expect(real.nextDueAt()).toBe(nextDueIn(model))
    return null
  }
  expect(wasReady).toContain(next.key)
  expect(next.records).toEqual(itemsOf(model, next.key))
  model.taken.set(next.key, { items: next.records, hasSlot: true })
  expect(slotsOf(model)).toBeLessThanOrEqual(model.slots)
  const own = slotsOf(model, tenantOf(next.key))
  const leftByOthers = model.slots - (slotsOf(model) - own)
  if (model.isShared) expect(own).toBeLessThanOrEqual(Math.max(1, Math.floor((leftByOthers * 3) / 4)))
  return next.key
}

const add = fc
  .record({
    k: fc.nat(7),
    lane: fc.boolean(),
    delay: fc.constantFrom(0, 0, 0, 1, 3, 50),
    bytes: fc.integer({ min: 0, max: 9 }),
  })
  .map(({ k, lane, delay, bytes }) =>
    step(`add ${k}${lane ? ' of the lane' : ''}, due in ${delay}`, (model, real) => {
      const item = anItem(model, k, { lane, bytes, dueAt: model.now + delay })
      model.items.push(item)
      real.add(item, model.now)
    }),
  )
const take = fc.constant(step('take', takeOne))
const takeSurplus = fc.nat(2).map((t) =>
  step(`take surplus of t${t}`, (model, real) => {
    const next = real.takeSurplus(`t${t}`)
    if (next === null) return
    expect(readyKeys(model).filter((key) => isLive(model, key))).toContain(next.key)
    expect(tenantOf(next.key)).toBe(`t${t}`)
    expect(next.records).toEqual(itemsOf(model, next.key))
    model.taken.set(next.key, { items: next.records, hasSlot: false })
  }),
)
const remove = fc.tuple(fc.nat(), fc.nat()).map(([pick, which]) =>
  step(
    `remove ${which} of taken ${pick}`,
    (model, real) => {
      const batch = model.taken.get(pickTaken(model, pick))!.items
      const item = batch[which % batch.length]!
      // It may have ended or been dropped before.
      forget(model, (each) => each === item)
      real.remove(item)
    },
    someTaken,
  ),
)
const postpone = fc.tuple(fc.nat(), fc.nat(), fc.constantFrom(0, 1, 5, 50)).map(([pick, which, delay]) =>
  step(
    `postpone ${which} of taken ${pick} by ${delay}`,
    (model) => {
      const batch = model.taken.get(pickTaken(model, pick))!.items
      batch[which % batch.length]!.dueAt = model.now + delay
    },
    someTaken,
  ),
)
const release = fc.nat().map((pick) =>
  step(
    `release taken ${pick}`,
    (model, real) => {
      const key = pickTaken(model, pick)
      model.taken.delete(key)
      real.release(key, model.now)
    },
    someTaken,
  ),
)
const releaseUntaken = fc.nat(7).map((k) =>
  step(
    `release ${k}, which nobody has`,
    (model, real) => real.release(`t${k % 3}:${k}`, model.now),
    ({ taken }) => !taken.has(`t${k % 3}:${k}`),
  ),
)
const drop = fc.nat(1).map((partition) =>
  step(`drop partition ${partition}`, (model, real) => {
    const gone = (item: Item) => item.partition === partition
    const dropped = real.drop(gone)
    expect(dropped.toSorted((a, b) => a.n - b.n)).toEqual(model.items.filter(gone))
    forget(model, gone)
  }),
)
const wake = fc.tuple(fc.nat(2), fc.constantFrom(undefined, 1, 2)).map(([t, most]) =>
  step(`wake ${most ?? 'all'} of t${t}`, (model, real) => {
    const before = new Map(model.items.map((item) => [item, item.dueAt]))
    const inLine = new Set(readyKeys(model))
    real.wake(({ tenant }) => tenant === `t${t}`, model.now, most)
    const ready = new Set(readyKeys(model))
    const woken = model.items.filter((item) => item.dueAt !== before.get(item))
    const keys = new Set(woken.map(({ key }) => key))
    expect(woken.every(({ tenant, dueAt }) => tenant === `t${t}` && dueAt === model.now)).toBe(true)
    // Those in line get their turn anyway.
    expect([...keys].filter((key) => !inLine.has(key)).length).toBeLessThanOrEqual(most ?? Number.POSITIVE_INFINITY)
    const asleep = new Set(
      model.items
        .filter((item) => item.tenant === `t${t}` && !isDue(model.now)(item) && !ready.has(item.key))
        .map(({ key }) => key),
    )
    if (keys.size < (most ?? Number.POSITIVE_INFINITY)) expect([...asleep]).toEqual([])
  }),
)
const pass = fc.constantFrom(1, 2, 10, 100).map((ms) =>
  step(`pass ${ms}`, (model) => {
    model.now += ms
  }),
)

describe('any interleaving of arrivals, takers, ends, retries, revokes, wakes and time', () => {
  const steps = fc.commands(
    [
      add,
      add,
      add,
      take,
      take,
      take,
      takeSurplus,
      remove,
      postpone,
      release,
      release,
      releaseUntaken,
      drop,
      wake,
      pass,
    ],
    { maxCommands: 120, size: 'max' },
  )

  it(
    'keeps order and exclusion per key and its counts right, and hands out in the end all that is left',
    patience,
    () => {
      fc.assert(
        fc.property(fc.integer({ min: 1, max: 9 }), fc.boolean(), steps, (slots, isShared, commands) => {
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
          expect([real.size, real.bytes, real.inFlight, real.nextDueAt()]).toEqual([0, 0, 0, null])
        }),
        runs(200),
      )
    },
  )

  it('name, once nothing more can be taken, a time to look again that is yet to come', patience, () => {
    fc.assert(
      fc.property(fc.integer({ min: 1, max: 9 }), fc.boolean(), steps, (slots, isShared, commands) => {
        const { model, real } = aModel(slots, isShared)
        fc.modelRun(() => ({ model, real }), commands)

        while (takeOne(model, real) !== null);

        expect(real.nextDueAt()).toBe(nextDueIn(model))
      }),
      runs(100),
    )
  })
})
