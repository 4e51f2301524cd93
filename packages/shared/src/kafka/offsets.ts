import { decodeRanges, encodeRanges, type OffsetRange } from './ended-ranges.ts'

/** Which offsets of one partition were read and which of those have ended; knows what may be committed. */
export interface OffsetTracker {
  /**
   * Takes note of a record that was read. False when there is nothing to do for it: it is known already (read again after
   * a rebalance), below the mark, or had ended before by `restore`.
   */
  add(offset: number): boolean
  /** Ends a record. Unknown and ended ones are ignored. */
  end(offset: number): void
  /** Read and not ended. */
  isOpen(offset: number): boolean
  /** Everything up to and with `offset` was read; the gaps that compaction and control records leave hold nothing. */
  readTo(offset: number): void
  /** The offset to commit: that of the first record that has not ended, else the one after the last read. null before any read. */
  lowWaterMark(): number | null
  /** What has ended past the low-water mark, as text for the metadata of its commit; what doesn't fit counts as open. */
  endedPastMark(maxLength: number): string
  /** Ends what is below `mark`, and what had ended past it by the text that goes with it, also what is yet to be read. */
  restore(mark: number, text: string): void
  /** Records read and not ended. */
  pending(): number
  /** Records read past the low-water mark, ended or not. */
  distance(): number
  /** The offset of the `count`th record before the end of the read records. null if the low-water mark is past it. */
  lastRead(count: number): number | null
}

/** Open records that are looked at for `endedPastMark`: what a backlog has behind its first thousands is open anyway. */
const MAX_OPEN_SEEN = 5_000

/**
 * Offsets come in ascending order and end in any. A queue of what was read and a set of what has not ended keep every step
 * amortised constant: the mark moves only over the queue's ended head.
 */
export function createOffsetTracker(): OffsetTracker {
  let queue: number[] = []
  let head = 0
  let next: number | null = null
  const open = new Set<number>()
  let restored: readonly OffsetRange[] = []

  const advance = () => {
    while (head < queue.length && !open.has(queue[head]!)) head++
    if (head > 1024 && head * 2 > queue.length) {
      queue = queue.slice(head)
      head = 0
    }
  }
  const hadEnded = (offset: number) => {
    while (restored.length > 0 && restored[0]!.to <= offset) restored = restored.slice(1)
    return restored.length > 0 && restored[0]!.from <= offset
  }

  /** Between two open ones everything has ended: those that were read, and gaps. */
  function* endedRanges(): Generator<OffsetRange> {
    let seen = 0
    let from: number | null = null
    for (const offset of open) {
      if (from !== null && from < offset) yield { from, to: offset }
      from = offset + 1
      if (++seen >= MAX_OPEN_SEEN) return
    }
    if (next === null) return
    if (from !== null && from < next) yield { from, to: next }
    for (const range of restored) if (range.to > next) yield { from: Math.max(range.from, next), to: range.to }
  }

  return {
    add(offset) {
      if (next !== null && offset < next) return false
      queue.push(offset)
      next = offset + 1
      if (hadEnded(offset)) {
        advance()
        return false
      }
      open.add(offset)
      return true
    },
    end(offset) {
      if (open.delete(offset)) advance()
    },
    isOpen: (offset) => open.has(offset),
    readTo(offset) {
      if (next === null || offset + 1 > next) next = offset + 1
    },
    lowWaterMark: () => queue[head] ?? next,
    endedPastMark: (maxLength) => encodeRanges(queue[head] ?? next ?? 0, endedRanges(), maxLength),
    restore(mark, text) {
      const ranges = [{ from: 0, to: mark }, ...decodeRanges(mark, text)]
      // Both ascend.
      let at = 0
      for (const offset of open) {
        while (at < ranges.length && ranges[at]!.to <= offset) at++
        if (at === ranges.length) break
        if (ranges[at]!.from <= offset) open.delete(offset)
      }
      restored = ranges
      advance()
    },
    pending: () => open.size,
    distance: () => queue.length - head,
    lastRead: (count) => (count > queue.length - head ? null : (queue.at(-count) ?? null)),
  }
}
