import fc from 'fast-check'
import { expect } from 'vitest'
import type { KeyQueues } from '../kafka/queued.ts'
import {
  anItem,
  expectSame,
  type Item,
  isDue,
  isResting,
  itemsOf,
  nextDueIn,
  type QueuesModel,
  readyKeys,
  slotsOf,
  tenantOf,
} from './modelled-queues.ts'

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
  const ready = readyKeys(model).filter((key) => !isResting(model, tenantOf(key)))
  if (slotsOf(model) >= model.slots || ready.length === 0) return true
  return model.isShared && ready.every((key) => slotsOf(model, tenantOf(key)) > 0)
}

/** Takes the next key, and holds it against the model; null when there was none. */
export const takeOne = (model: QueuesModel, real: KeyQueues<Item>): string | null => {
  const wasReady = readyKeys(model)
  const next = real.take(model.now)
  if (next === null) {
    expect(mayRefuse(model)).toBe(true)
    if (slotsOf(model) < model.slots) expect(real.nextDueAt()).toBe(nextDueIn(model))
    return null
  }
  expect(wasReady).toContain(next.key)
  expect(isResting(model, tenantOf(next.key))).toBe(false)
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
const takeSurplus = fc.tuple(fc.nat(2), fc.boolean()).map(([t, ofLane]) =>
  step(`take surplus of t${t}${ofLane ? ', of the lane' : ''}`, (model, real) => {
    const next = ofLane ? real.takeOfLane(`t${t}`, ({ lane }) => lane) : real.takeSurplus(`t${t}`)
    if (next === null) return
    expect(model.taken.has(next.key)).toBe(false)
    expect(next.records.some(({ lane }) => lane === ofLane)).toBe(true)
    expect(tenantOf(next.key)).toBe(`t${t}`)
    expect(next.records).toEqual(itemsOf(model, next.key))
    model.taken.set(next.key, { items: next.records, hasSlot: false })
  }),
)
const takeKey = fc.nat(7).map((k) =>
  step(`take key ${k}`, (model, real) => {
    const key = `t${k % 3}:${k}`
    const isThere = itemsOf(model, key).length > 0 && !model.taken.has(key)
    const next = real.takeKey(key)
    expect(next?.records ?? null).toEqual(isThere ? itemsOf(model, key) : null)
    if (next !== null) model.taken.set(key, { items: next.records, hasSlot: false })
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
const wake = fc.tuple(fc.nat(2), fc.constantFrom(undefined, 1, 2)).map(([t, most = Number.POSITIVE_INFINITY]) =>
  step(`wake ${most} of t${t}`, (model, real) => {
    const before = new Map(model.items.map((item) => [item, item.dueAt]))
    const inLine = new Set(readyKeys(model))
    real.wake(`t${t}`, () => true, model.now, most)
    const woken = model.items.filter((item) => item.dueAt !== before.get(item))
    expect(woken.every(({ tenant, dueAt }) => tenant === `t${t}` && dueAt === model.now)).toBe(true)
    const keys = new Set(woken.map(({ key }) => key))
    // Those in line get their turn anyway.
    expect([...keys].filter((key) => !inLine.has(key)).length).toBeLessThanOrEqual(most)
    const asleep = model.items.filter((item) => item.tenant === `t${t}` && !isDue(model.now)(item))
    expect(asleep.filter(({ key }) => keys.has(key) || keys.size < most)).toEqual([])
    if (woken.length > 0) model.resting.delete(`t${t}`)
  }),
)
const rest = fc.tuple(fc.nat(2), fc.constantFrom(0, 1, 20)).map(([t, ms]) =>
  step(`let t${t} rest for ${ms}`, (model, real) => {
    model.resting.set(`t${t}`, model.now + ms)
    real.rest(`t${t}`, model.now + ms)
  }),
)
const pass = fc.constantFrom(1, 2, 10, 100).map((ms) =>
  step(`pass ${ms}`, (model) => {
    model.now += ms
  }),
)

/** Anything that a runtime may do, and time. */
export const queueSteps = fc.commands(
  [
    ...[add, add, add, take, take, take, takeSurplus, takeKey],
    ...[remove, postpone, release, release, releaseUntaken, drop, wake, rest, pass],
  ],
  { maxCommands: 120, size: 'max' },
)
