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
