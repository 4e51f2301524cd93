import { describe, expect, it } from 'vitest'
import { type Item, item } from '../testing/queued-item.ts'
import { createKeyQueues } from './key-queues.ts'

describe('slots among several tenants', () => {
  const takeAll = (queues: ReturnType<typeof createKeyQueues<Item>>) => {
    const taken: string[] = []
    for (let next = queues.take(0); next !== null; next = queues.take(0)) taken.push(next.key.split(':')[0]!)
    return taken.length
  }

  it('are never all of one, nor of however many that hang: there is one left for a tenant that comes anew', () => {
    const queues = createKeyQueues<Item>(100, () => true)
    const share = (tenant: string) => {
      for (let n = 0; n < 200; n++) queues.add(item(`${tenant}:${n}`), 0)
      return takeAll(queues)
    }

    expect(['a', 'b', 'c', 'd', 'e', 'f'].map(share)).toEqual([75, 18, 5, 1, 1, 0])
  })

  it('are all of the only one there can be', () => {
    const queues = createKeyQueues<Item>(100)
    for (let n = 0; n < 200; n++) queues.add(item(`a:${n}`), 0)

    expect(takeAll(queues)).toBe(100)
  })
})

describe('a surplus key', () => {
  it('is the first key of its tenant, takes no slot, and cannot be taken again meanwhile', () => {
    const queues = createKeyQueues<Item>(1)
    for (const n of [1, 2, 3]) queues.add(item(`a:${n}`), 0)
    queues.add(item('b:4'), 0)

    const surplus = queues.takeSurplus('a')
    queues.add(item('a:1'), 0)

    expect(surplus?.key).toBe('a:1')
    expect(queues.inFlight).toBe(0)
    expect(queues.take(0)?.key).toBe('a:2')
    expect(queues.takeSurplus('a')?.key).toBe('a:3')
    expect(queues.takeSurplus('a')).toBeNull()
    for (const record of surplus!.records) queues.remove(record)
    queues.release('a:1', 0)
    expect(queues.takeSurplus('a')?.key).toBe('a:1')
  })

  it('has a live record, which need not be due', () => {
    const queues = createKeyQueues<Item>(1)
    queues.add(item('a:1', { lane: true }), 0)
    queues.add(item('a:2', { dueAt: 1_000 }), 0)

    expect(queues.takeSurplus('a')?.key).toBe('a:2')
    expect(queues.takeSurplus('a')).toBeNull()
  })

  it('whose records could not be written is not tried again before it is due', () => {
    const queues = createKeyQueues<Item>(1)
    queues.add(item('a:1', { dueAt: 1_000 }), 0)
    queues.takeSurplus('a')

    queues.release('a:1', 0)

    expect(queues.takeSurplus('a')).toBeNull()
    expect(queues.take(1_000)?.key).toBe('a:1')
    queues.release('a:1', 1_000)
    expect(queues.takeSurplus('a')?.key).toBe('a:1')
  })
})

it('waking a record whose key is in line already for another one makes it due too', () => {
  const queues = createKeyQueues<Item>(1)
  const waits = item('a:1', { dueAt: 30_000 })
  queues.add(waits, 100)
  queues.add(item('a:1'), 100)

  queues.wake('a', (record) => record === waits, 100)

  expect(waits.dueAt).toBe(100)
})

describe('a tenant that rests', () => {
  const resting = () => {
    const queues = createKeyQueues<Item>(1)
    const first = item('a:1')
    queues.add(first, 0)
    queues.add(item('b:1'), 0)
    queues.rest('a', 100)
    return { queues, first }
  }

  it('has no key taken until its rest is over, while others go on', () => {
    const { queues } = resting()

    expect(queues.take(0)?.key).toBe('b:1')
    queues.release('b:1', 0)
    expect(queues.nextDueAt()).toBe(100)
    expect(queues.take(100)?.key).toBe('a:1')
  })

  it('is not waited for while no slot is free', () => {
    const { queues } = resting()
    queues.take(0)

    expect(queues.take(100)).toBeNull()
    expect(queues.nextDueAt()).toBeNull()
  })

  it('goes on at once when its records are woken', () => {
    const { queues, first } = resting()
    queues.take(0)
    queues.release('b:1', 0)
    first.dueAt = 50

    queues.wake('a', () => true, 10)

    expect(queues.take(10)?.key).toBe('a:1')
  })
})
