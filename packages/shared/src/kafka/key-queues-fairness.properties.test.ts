import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { aRecord, linedQueues, tenantOf } from '../testing/lined-queues.ts'
import { patience, runs } from '../testing/runs.ts'
import { createKeyQueues } from './key-queues.ts'
import type { Queued } from './queued.ts'

const TENANTS = 4
const arrival = fc.record({
  do: fc.constant('add' as const),
  // The first tenant has most of the keys.
  key: fc.oneof(
    { weight: 3, arbitrary: fc.nat(30).map((k) => `big:${k}`) },
    { weight: 2, arbitrary: fc.tuple(fc.nat(TENANTS - 2), fc.nat(3)).map(([t, k]) => `small${t}:${k}`) },
  ),
  lane: fc.boolean(),
})
const step = fc.oneof(
  { weight: 5, arbitrary: arrival },
  { weight: 4, arbitrary: fc.record({ do: fc.constant('take' as const) }) },
  {
    weight: 3,
    arbitrary: fc.record({ do: fc.constant('finish' as const), pick: fc.nat(), keep: fc.constantFrom(0, 0, 1, 2) }),
  },
  { weight: 1, arbitrary: fc.record({ do: fc.constant('drop' as const), t: fc.nat(TENANTS - 2) }) },
  { weight: 1, arbitrary: fc.record({ do: fc.constant('release untaken' as const), k: fc.nat(30) }) },
  { weight: 1, arbitrary: fc.record({ do: fc.constant('spill' as const), keep: fc.nat(1) }) },
)
const slots = fc.integer({ min: 1, max: 20 })

describe('the order in which keys get a slot', () => {
  it(
    'is that of their coming within a tenant, and no tenant waits for more than one turn of each other',
    patience,
    () => {
      fc.assert(
        fc.property(slots, fc.boolean(), fc.array(step, { maxLength: 200, size: 'max' }), (slots, isShared, steps) => {
          const queues = linedQueues(slots, isShared)
          /** Live keys of others that got a slot while the tenant had a live key in line and nothing under way. */
          const passedOver = new Map<string, number>()
          for (const it of steps) {
            const waiting = [...queues.lines.live.keys()].filter((tenant) => !queues.servedTenants().has(tenant))
            for (const tenant of passedOver.keys()) if (!waiting.includes(tenant)) passedOver.delete(tenant)
            if (it.do === 'add') queues.add(it.key, it.lane)
            if (it.do === 'drop') queues.drop(`small${it.t}`)
            if (it.do === 'release untaken') queues.releaseUntaken(`big:${it.k}`)
            if (it.do === 'spill') queues.spill('big', it.keep)
            if (it.do === 'finish' && queues.taken.size > 0) {
              const key = [...queues.taken.keys()][it.pick % queues.taken.size]!
              queues.finish(key, it.keep)
            }
            if (it.do === 'take') {
              const next = queues.take()
              if (next?.which !== 'live') continue
              for (const tenant of waiting) {
                if (tenant === tenantOf(next.key)) passedOver.delete(tenant)
                else passedOver.set(tenant, (passedOver.get(tenant) ?? 0) + 1)
              }
              expect(Math.max(0, ...passedOver.values())).toBeLessThan(TENANTS)
            }
          }
        }),
        runs(200),
      )
    },
  )

  it('leaves the lane its share of the slots, and not more, while live keys wait', patience, () => {
    fc.assert(
      fc.property(slots, fc.boolean(), fc.array(step, { maxLength: 200, size: 'max' }), (slots, isShared, steps) => {
        const queues = linedQueues(slots, isShared)
        const share = Math.max(1, Math.floor(slots / 8))
        for (const it of steps) {
          if (it.do === 'add') queues.add(it.key, it.lane)
          if (it.do === 'finish' && queues.taken.size > 0) {
            queues.finish([...queues.taken.keys()][it.pick % queues.taken.size]!, it.keep)
          }
          if (it.do !== 'take') continue
          const before = queues.inFlightOf('lane')
          const entitled = { live: queues.isEntitled('live'), lane: queues.isEntitled('lane') }
          const next = queues.take()
          if (next?.which === 'lane' && entitled.live) expect(before).toBeLessThan(share)
          // Where there is but one slot, the two may take turns.
          if (next?.which === 'live' && entitled.lane && slots > 1) expect(before).toBeGreaterThanOrEqual(share)
        }
      }),
      runs(200),
    )
  })

  it(
    'gives at least half of the slots to live keys while some wait, however many there are of the lane',
    patience,
    () => {
      fc.assert(
        fc.property(
          slots,
          fc.integer({ min: 20, max: 60 }),
          fc.array(fc.nat(), { maxLength: 40 }),
          (slots, n, picks) => {
            const queues = linedQueues(slots)
            for (let k = 0; k < n + picks.length; k++) queues.add(`t:lane${k}`, true)
            for (let k = 0; k < n + picks.length; k++) queues.add(`t:live${k}`, false)
            let live = 0
            let lane = 0
            const takeAll = () => {
              for (let next = queues.take(); next !== null; next = queues.take())
                next.which === 'live' ? live++ : lane++
            }

            takeAll()
            for (const pick of picks) {
              const keys = [...queues.taken.keys()]
              queues.finish(keys[pick % keys.length]!, 0)
              takeAll()
            }

            if (slots > 1) expect(queues.inFlightOf('live')).toBeGreaterThanOrEqual(Math.floor(slots / 2))
            // In turns, else the lane would have the only slot for as long as it lasts.
            else expect(live).toBeGreaterThanOrEqual(lane - 1)
          },
        ),
        runs(100),
      )
    },
  )
})

describe('waking a few', () => {
  it('comes to everybody in turn, though those that were woken fall asleep again', patience, () => {
    fc.assert(
      fc.property(fc.integer({ min: 1, max: 12 }), fc.integer({ min: 1, max: 5 }), (keys, most) => {
        const queues = createKeyQueues<Queued>(100)
        for (let k = 0; k < keys; k++) queues.add({ ...aRecord(`t:${k}`, false), dueAt: 1_000 }, 0)
        const woken = new Set<string>()

        for (let turn = 0; turn < Math.ceil(keys / most); turn++) {
          queues.wake('t', () => true, 0, most)
          for (let next = queues.take(0); next !== null; next = queues.take(0)) {
            woken.add(next.key)
            for (const record of next.records) record.dueAt = 1_000
            queues.release(next.key, 0)
          }
        }

        expect(woken.size).toBe(keys)
      }),
      runs(50),
    )
  })
})
