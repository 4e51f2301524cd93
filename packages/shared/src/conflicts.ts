import { LRUCache } from 'lru-cache'
import type { SyncError } from './errors.ts'
import { type Outcome, park, retry } from './outcome.ts'

/** The version conflicts of this process's writes, by record key. */
export interface Conflicts {
  /**
   * A write of the key has an unknown end, and the target may still execute the write until then. A conflict before that time may be
   * one with this write, so it is neither a refusal nor an attempt.
   */
  expectUntil(key: string, untilMs: number): void
  /**
   * How a record ends whose write was answered 409, although the decision was fresh: it reads and decides again after a short
   * wait. The third conflict in a row is a refusal (design/4-peers.md, "409 on an update").
   */
  outcomeOf(key: string, error: SyncError, nowMs: number): Outcome
  /** A write of the key succeeded. */
  forget(key: string): void
}

const MAX_IN_A_ROW = 3
const WAIT_MS = 500
const GROWTH = 4
const EXPECTED_WAIT_MS = 1_000
/** Conflicts that lie further apart are not in a row. */
const ROW_MS = 60_000
const MAX_KEYS = 10_000

export function createConflicts({ random }: { readonly random: () => number }): Conflicts {
  const conflicts = new LRUCache<string, { readonly count: number; readonly at: number }>({ max: MAX_KEYS })
  const expected = new LRUCache<string, number>({ max: MAX_KEYS })
  return {
    expectUntil: (key, untilMs) => void expected.set(key, untilMs),
    outcomeOf(key, error, nowMs) {
      const isExpected = nowMs < (expected.get(key) ?? 0)
      if (isExpected) return retry('brownout', Math.round(EXPECTED_WAIT_MS * (0.5 + random())), error.message)
      const last = conflicts.get(key)
      const count = last === undefined || nowMs - last.at > ROW_MS ? 1 : last.count + 1
      conflicts.delete(key)
      if (count >= MAX_IN_A_ROW) return park('refused', `${error.message}, after ${count} fresh decisions in a row`)
      conflicts.set(key, { count, at: nowMs })
      return retry('version-conflict', Math.round(WAIT_MS * GROWTH ** (count - 1) * (0.5 + random())), error.message)
    },
    forget: (key) => void conflicts.delete(key),
  }
}
