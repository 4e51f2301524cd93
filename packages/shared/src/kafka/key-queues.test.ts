import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { type Item, item } from '../testing/queued-item.ts'
import { createKeyQueues } from './key-queues.ts'

describe('taking keys', () => {
  it('hands out all records of a key at once, oldest first, and what comes later only after the release', () => {
    const queues = createKeyQueues<Item>(10)
    const [first, second, late] = [item('t:a'), item('t:a'), item('t:a')]
    queues.add(first, 0)
    queues.add(second, 0)

    const taken = queues.take(0)
    queues.add(late, 0)

    expect(taken?.records).toEqual([first, second])
    expect(queues.take(0)).toBeNull()
    queues.remove(first)
    queues.remove(second)
    queues.release('t:a', 0)
    expect(queues.take(0)?.records).toEqual([late])
  })

  it('gives tenants turns, so that one with a thousand keys does not hold up another', () => {
    const queues = createKeyQueues<Item>(3)
    for (let i = 0; i < 1000; i++) queues.add(item(`big:${i}`), 0)
    queues.add(item('small:1'), 0)

    const tenants = [queues.take(0), queues.take(0)].map((taken) => taken?.records[0]?.tenant)

    expect(tenants).toContain('small')
  })

  it('lets live keys go first when slots are short, and keeps a slot for the lane', () => {
    const queues = createKeyQueues<Item>(8)
    for (let i = 0; i < 8; i++) queues.add(item(`t:lane${i}`, { lane: true }), 0)
    for (let i = 0; i < 20; i++) queues.add(item(`t:live${i}`), 0)

    const taken = Array.from({ length: 8 }, () => queues.take(0)?.records[0]?.lane)

    expect(taken.filter((lane) => lane)).toHaveLength(1)
  })

  it('keeps a lane record and a live one of the same key in one queue, in the live line', () => {
    const queues = createKeyQueues<Item>(1)
    queues.add(item('t:a', { lane: true }), 0)
    queues.add(item('t:a'), 0)

    expect(queues.take(0)?.records).toHaveLength(2)
  })

  it('leaves a record alone until it is due, and says when that is', () => {
    const queues = createKeyQueues<Item>(1)
    queues.add(item('t:a', { dueAt: 500 }), 0)

    expect(queues.take(499)).toBeNull()
    expect(queues.nextDueAt()).toBe(500)
    expect(queues.take(500)).not.toBeNull()
  })

  it('wakes what waits', () => {
    const queues = createKeyQueues<Item>(1)
    queues.add(item('t:a', { dueAt: 500 }), 0)

    queues.wake('t', () => true, 100)

    expect(queues.take(100)).not.toBeNull()
  })

  it('wakes a few at a time, and others the next time', () => {
    const queues = createKeyQueues<Item>(10)
    for (const key of ['t:a', 't:b', 't:c']) queues.add(item(key, { dueAt: 500 }), 0)

    queues.wake('t', () => true, 100, 2)
    const first = [queues.take(100)?.key, queues.take(100)?.key, queues.take(100)?.key]
    queues.wake('t', () => true, 100, 2)
    const second = queues.take(100)?.key

    expect(first).toEqual(['t:a', 't:b', undefined])
    expect(second).toBe('t:c')
  })

  it('wakes each key of a tenant in turn, also when another tenant is woken between', () => {
    const queues = createKeyQueues<Item>(10)
    for (const key of ['t:a', 't:b', 't:c', 'u:a', 'u:b']) queues.add(item(key, { dueAt: 500 }), 0)

    for (const tenant of ['t', 'u', 't', 'u', 't']) queues.wake(tenant, () => true, 100, 1)
    const woken = new Set(Array.from({ length: 5 }, () => queues.take(100)?.key))

    expect(woken).toEqual(new Set(['t:a', 't:b', 't:c', 'u:a', 'u:b']))
  })

  it('keeps a dropped key taken until its release, so that no two run at once', () => {
    const queues = createKeyQueues<Item>(5)
    queues.add(item('t:a'), 0)
    queues.take(0)

    queues.drop(() => true)
    queues.add(item('t:a'), 0)

    expect(queues.take(0)).toBeNull()
    queues.release('t:a', 0)
    expect(queues.take(0)).not.toBeNull()
  })
})

describe('any interleaving of arrivals, ends, retries and drops', () => {
  const step = fc.oneof(
    fc.record({
      do: fc.constant('add' as const),
      key: fc.integer({ min: 0, max: 6 }),
      lane: fc.boolean(),
      delay: fc.integer({ min: 0, max: 3 }),
    }),
    fc.record({ do: fc.constant('take' as const) }),
    fc.record({
      do: fc.constant('end' as const),
      pick: fc.nat(),
      keep: fc.integer({ min: 0, max: 2 }),
      delay: fc.integer({ min: 0, max: 3 }),
    }),
    fc.record({ do: fc.constant('drop' as const), key: fc.integer({ min: 0, max: 6 }) }),
    fc.record({ do: fc.constant('tick' as const) }),
  )

  it('keeps order and exclusion per key, loses nothing, and stays within the slots', () => {
    fc.assert(
      fc.property(fc.array(step, { maxLength: 300 }), fc.integer({ min: 1, max: 4 }), (steps, slots) => {
        const queues = createKeyQueues<Item>(slots)
        const waiting = new Set<Item>()
        const taken = new Map<string, readonly Item[]>()
        let now = 0

        for (const s of steps) {
          if (s.do === 'tick') now++
          if (s.do === 'add') {
            const added = item(`t${s.key % 3}:${s.key}`, { lane: s.lane, dueAt: now + s.delay })
            waiting.add(added)
            queues.add(added, now)
          }
          if (s.do === 'take') {
            const next = queues.take(now)
            if (next !== null) {
              expect(taken.has(next.key)).toBe(false)
              expect(next.records.map(({ n }) => n)).toEqual(next.records.map(({ n }) => n).toSorted((a, b) => a - b))
              expect(next.records.some(({ dueAt }) => dueAt <= now)).toBe(true)
              taken.set(next.key, next.records)
              expect(taken.size).toBeLessThanOrEqual(slots)
            } else {
              const ready = [...waiting].some(({ key, dueAt }) => dueAt <= now && !taken.has(key))
              expect(ready && taken.size < slots).toBe(false)
            }
          }
          if (s.do === 'end' && taken.size > 0) {
            const key = [...taken.keys()][s.pick % taken.size]!
            for (const [index, record] of taken.get(key)!.entries()) {
              if (index < s.keep) record.dueAt = now + s.delay
              else {
                queues.remove(record)
                waiting.delete(record)
              }
            }
            taken.delete(key)
            queues.release(key, now)
          }
          if (s.do === 'drop') {
            for (const dropped of queues.drop(({ key }) => key.endsWith(`:${s.key}`))) waiting.delete(dropped)
          }
          expect(queues.size).toBe(waiting.size)
        }
        for (const key of taken.keys()) queues.release(key, now)

        const drained: Item[] = []
        for (let next = queues.take(now + 10); next !== null; next = queues.take(now + 10)) {
          drained.push(...next.records)
          for (const record of next.records) queues.remove(record)
          queues.release(next.key, now + 10)
        }
        expect(new Set(drained)).toEqual(waiting)
        expect(queues.size).toBe(0)
      }),
      { numRuns: 300 },
    )
  })
})
