import { describe, expect, it } from 'vitest'
import { createKeyQueues } from './key-queues.ts'
import type { Queued } from './queued.ts'

describe('a key with very many records', () => {
  /** Counts how often the queues look at a record. */
  const counted = (dueAt: number, lane = false) => {
    const looks = { count: 0 }
    const make = (): Queued =>
      Object.defineProperty({ key: 't:hot', tenant: 't', lane, bytes: 1, dueAt }, 'dueAt', {
        get: () => {
          looks.count++
          return dueAt
        },
      })
    return { looks, make }
  }

  it.each([
    ['that are due', 0, false],
    ['that are due, of the lane', 0, true],
    ['that are not due', 1_000, false],
  ])('%s is not walked through for each record more', (_, dueAt, lane) => {
    const queues = createKeyQueues<Queued>(10)
    const { looks, make } = counted(dueAt, lane)
    const count = 3_000

    for (let i = 0; i < count; i++) queues.add(make(), 10)

    expect(queues.size).toBe(count)
    expect(looks.count).toBeLessThan(5 * count)
  })
})

describe('the circuits of many tenants that close at once', () => {
  it('each wake the waiting records of their own tenant, and look at no others', () => {
    const queues = createKeyQueues<Queued>(10)
    const [tenants, keys] = [100, 50]
    let looks = 0
    for (let n = 0; n < tenants * keys; n++) {
      const tenant = `t${n % tenants}`
      queues.add({ key: `${tenant}:${n}`, tenant, lane: false, bytes: 1, dueAt: 1_000 }, 10)
    }

    for (let t = 0; t < tenants; t++) {
      const look = () => {
        looks++
        return true
      }
      queues.wake(`t${t}`, look, 10)
    }

    expect(looks).toBeLessThanOrEqual(2 * tenants * keys)
    expect([...queues.records()].every(({ dueAt }) => dueAt === 10)).toBe(true)
  })
})

describe('a half-open circuit of a tenant with many waiting keys', () => {
  it('wakes a few keys without a look at the others', () => {
    const queues = createKeyQueues<Queued>(10)
    const [keys, most] = [3_000, 20]
    for (let n = 0; n < keys; n++) queues.add({ key: `t:${n}`, tenant: 't', lane: false, bytes: 1, dueAt: 1_000 }, 10)
    let looks = 0
    const look = () => {
      looks++
      return true
    }

    for (let n = 0; n < keys / most; n++) queues.wake('t', look, 10, most)

    expect([...queues.records()].every(({ dueAt }) => dueAt === 10)).toBe(true)
    expect(looks).toBeLessThanOrEqual(3 * keys)
  })
})
