import { expect } from 'vitest'
import { createKeyQueues } from '../kafka/key-queues.ts'
import type { KeyQueues, Queued } from '../kafka/queued.ts'

export interface Item extends Queued {
  /** Its place in the order of arrival. */
  readonly n: number
  readonly partition: number
}

/** What key queues ought to hold, as plain lists. */
export interface QueuesModel {
  readonly slots: number
  /** There may be several tenants, of which none may have all the slots. */
  readonly isShared: boolean
  now: number
  /** Added, and neither removed nor dropped. */
  items: Item[]
  /** What takers hold, as it was handed out. */
  readonly taken: Map<string, { readonly items: readonly Item[]; readonly hasSlot: boolean }>
  /** Tenants of which nothing is to be taken, and until when. */
  readonly resting: Map<string, number>
  arrivals: number
}

export const aModel = (slots: number, isShared: boolean): { model: QueuesModel; real: KeyQueues<Item> } => ({
  model: { slots, isShared, now: 0, items: [], taken: new Map(), resting: new Map(), arrivals: 0 },
  real: createKeyQueues<Item>(slots, () => isShared),
})

export const tenantOf = (key: string): string => key.split(':')[0]!
/** Slots in use, of all tenants or of one. */
export const slotsOf = ({ taken }: QueuesModel, tenant?: string): number =>
  [...taken].filter(([key, { hasSlot }]) => hasSlot && (tenant === undefined || tenantOf(key) === tenant)).length

/** Key number `k` of the tenant `t<k mod 3>`; all records of a key are of one partition number. */
export const anItem = (model: QueuesModel, k: number, fields: Partial<Item> = {}): Item => ({
  n: model.arrivals++,
  key: `t${k % 3}:${k}`,
  tenant: `t${k % 3}`,
  partition: k % 2,
  lane: false,
  bytes: 1,
  dueAt: model.now,
  ...fields,
})

export const itemsOf = ({ items }: QueuesModel, key: string): Item[] => items.filter((item) => item.key === key)
const keysOf = (items: readonly Item[]) => new Set(items.map(({ key }) => key))
export const isDue =
  (now: number) =>
  ({ dueAt }: Item): boolean =>
    dueAt <= now

/** Keys that nobody has and that have a record to handle. */
export const readyKeys = (model: QueuesModel): string[] => [
  ...keysOf(model.items.filter((item) => isDue(model.now)(item) && !model.taken.has(item.key))),
]

/** When the first untaken key with nothing due becomes due, or a tenant's rest is over. */
export const nextDueIn = (model: QueuesModel): number | null => {
  const ready = new Set(readyKeys(model))
  const due = model.items.filter(({ key }) => !model.taken.has(key) && !ready.has(key)).map(({ dueAt }) => dueAt)
  const later = [...due, ...model.resting.values()].filter((at) => at > model.now)
  return later.length === 0 ? null : Math.min(...later)
}
export const isResting = ({ resting, now }: QueuesModel, tenant: string): boolean => (resting.get(tenant) ?? 0) > now

/** Everything that can be asked of the queues without changing them. */
export function expectSame(model: QueuesModel, real: KeyQueues<Item>): void {
  const { items } = model
  const bytesOf = (some: readonly Item[]) => some.reduce((sum, { bytes }) => sum + bytes, 0)
  const ofLane = items.filter(({ lane }) => lane)
  expect([real.size, real.all.bytes]).toEqual([items.length, bytesOf(items)])
  expect([real.lane.records, real.lane.bytes]).toEqual([ofLane.length, bytesOf(ofLane)])
  expect(real.inFlight).toBe(slotsOf(model))
  for (const tenant of ['t0', 't1', 't2', 'unknown']) {
    const own = items.filter((item) => item.tenant === tenant)
    const ownLane = own.filter(({ lane }) => lane)
    expect([real.all.recordsOf(tenant), real.all.bytesOf(tenant)]).toEqual([own.length, bytesOf(own)])
    expect([real.lane.recordsOf(tenant), real.lane.bytesOf(tenant)]).toEqual([ownLane.length, bytesOf(ownLane)])
  }
  expect([...real.all.tenants()].toSorted()).toEqual([...new Set(items.map(({ tenant }) => tenant))].toSorted())
  expect([...real.records()].toSorted((a, b) => a.n - b.n)).toEqual(items)
  const firsts: unknown[] = []
  real.forEachFirst(({ key }) => firsts.push(key))
  expect(new Set(firsts)).toEqual(new Set(items.map(({ key }) => key)))
  expect(firsts).toHaveLength(new Set(firsts).size)
}
