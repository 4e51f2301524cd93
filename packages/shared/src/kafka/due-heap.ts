/** A binary min-heap of values by time; what became obsolete is left in and recognised by its owner when it surfaces. */
export interface DueHeap<V> {
  push(dueAt: number, value: V): void
  /** The earliest time, or null when empty. */
  peek(): { readonly dueAt: number; readonly value: V } | null
  pop(): void
  /** Forgets the values for which `isCurrent` does not hold. */
  prune(isCurrent: (value: V) => boolean): void
  readonly size: number
}

export function createDueHeap<V>(): DueHeap<V> {
  let heap: { dueAt: number; value: V }[] = []
  const swap = (a: number, b: number) => {
    const held = heap[a]!
    heap[a] = heap[b]!
    heap[b] = held
  }
  return {
    push(dueAt, value) {
      heap.push({ dueAt, value })
      let at = heap.length - 1
      while (at > 0) {
        const parent = (at - 1) >> 1
        if (heap[parent]!.dueAt <= heap[at]!.dueAt) break
        swap(at, parent)
        at = parent
      }
    },
    peek: () => heap[0] ?? null,
    pop() {
      const last = heap.pop()
      if (last === undefined || heap.length === 0) return
      heap[0] = last
      let at = 0
      for (;;) {
        const left = 2 * at + 1
        const right = left + 1
        let least = at
        if (left < heap.length && heap[left]!.dueAt < heap[least]!.dueAt) least = left
        if (right < heap.length && heap[right]!.dueAt < heap[least]!.dueAt) least = right
        if (least === at) break
        swap(at, least)
        at = least
      }
    },
    prune(isCurrent) {
      // A list in ascending order is a heap.
      heap = heap.filter(({ value }) => isCurrent(value)).sort((a, b) => a.dueAt - b.dueAt)
    },
    get size() {
      return heap.length
    },
  }
}
