import { LRUCache } from 'lru-cache'

/** Failures of a key without a success in between. If writes failed (`isWrite`), only a write ends the streak. */
interface Streak {
  readonly times: number
  readonly isWrite: boolean
}

/** Which keys failed again and again. */
export interface Streaks {
  /** The key failed so often in a row that its failures tell nothing about the target. */
  isSuspect(key: string): boolean
  failed(key: string, isWrite: boolean): void
  /** Whether the success ended a streak of failures. */
  succeeded(key: string, isWrite: boolean): boolean
}

const KEPT = { max: 1_000, ttl: 15 * 60_000, ttlResolution: 0 }
const SUSPECT_AFTER = 3

/** `now`: ms. */
export function createStreaks(now: () => number): Streaks {
  const streaks = new LRUCache<string, Streak>({ ...KEPT, perf: { now } })
  return {
    isSuspect: (key) => (streaks.get(key)?.times ?? 0) >= SUSPECT_AFTER,
    failed(key, isWrite) {
      const streak = streaks.get(key)
      streaks.set(key, { times: (streak?.times ?? 0) + 1, isWrite: isWrite || streak?.isWrite === true })
    },
    succeeded(key, isWrite) {
      const streak = streaks.get(key)
      return streak !== undefined && (isWrite || !streak.isWrite) && streaks.delete(key)
    },
  }
}
