/** Which offsets of one partition were read and which of those have ended; knows what may be committed. */
export interface OffsetTracker {
  /** Takes note of a record that was read. False when it is known already (read again after a rebalance) or below the mark. */
  add(offset: number): boolean
  /** Ends a record. Unknown and ended ones are ignored. */
  end(offset: number): void
  /** Everything up to and with `offset` was read; the gaps that compaction and control records leave hold nothing. */
  readTo(offset: number): void
  /** The offset to commit: that of the first record that has not ended, else the one after the last read. null before any read. */
  lowWaterMark(): number | null
  /** Records read and not ended. */
  pending(): number
  /** Records read past the low-water mark, ended or not. */
  distance(): number
}

/**
 * Offsets come in ascending order and end in any. A queue of what was read and a set of what ended keep every step
 * amortised constant: the mark moves only over the queue's ended head.
 */
export function createOffsetTracker(): OffsetTracker {
  let queue: number[] = []
  let head = 0
  let next: number | null = null
  const open = new Set<number>()

  const advance = () => {
    while (head < queue.length && !open.has(queue[head]!)) head++
    if (head > 1024 && head * 2 > queue.length) {
      queue = queue.slice(head)
      head = 0
    }
  }

  return {
    add(offset) {
      if (next !== null && offset < next) return false
      queue.push(offset)
      open.add(offset)
      next = offset + 1
      return true
    },
    end(offset) {
      if (open.delete(offset)) advance()
    },
    readTo(offset) {
      if (next === null || offset + 1 > next) next = offset + 1
    },
    lowWaterMark: () => queue[head] ?? next,
    pending: () => open.size,
    distance: () => queue.length - head,
  }
}
