import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { createDueHeap } from './due-heap.ts'

describe('a heap that was pruned', () => {
  it('answers the values that were kept, earliest first, and those that came later', () => {
    const times = fc.array(fc.nat(100), { maxLength: 50 })
    fc.assert(
      fc.property(times, times, (before, after) => {
        const heap = createDueHeap<number>()
        for (const dueAt of before) heap.push(dueAt, dueAt)

        heap.prune((value) => value % 2 === 0)
        for (const dueAt of after) heap.push(dueAt, dueAt)

        const kept = [...before.filter((dueAt) => dueAt % 2 === 0), ...after].sort((a, b) => a - b)
        expect(heap.size).toBe(kept.length)
        const popped: number[] = []
        for (let first = heap.peek(); first !== null; first = heap.peek()) {
          popped.push(first.value)
          heap.pop()
        }
        expect(popped).toEqual(kept)
      }),
      { numRuns: 200 },
    )
  })
})
