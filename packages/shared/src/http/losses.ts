import { LRUCache } from 'lru-cache'

/**
 * Tells a target that leaves some requests without an answer from a target that answers them late. A write to the first may be given
 * up early. A write to the second may not, because the target is still executing the write, and the next write of the key would
 * overlap with it. A place is a target of a tenant.
 */
export interface Losses {
  /** A request of the key will get no answer: its repeat was answered at once, or its deadline is over. */
  lost(place: string, key: string): void
  answered(place: string): void
  /** A write was answered, later than it would have been given up. */
  late(place: string): void
  /**
   * Whether at least one in forty of the newest requests of the last minute were lost, of at least three keys, and no write was answered
   * late in this time. A target whose answers have a long tail loses fewer.
   */
  isLosing(place: string): boolean
  /** Called when `isLosing` has become true by the loss of a request. */
  onLoss(listener: (place: string) => void): void
}

const LEAST_KEYS = 3
const LEAST_SHARE = 1 / 40
const MAX_ENDS = 100
const WITHIN_MS = 60_000
const MAX_PLACES = 10_000

interface Seen {
  /** The newest ends of requests, oldest first. `lostKey` is null for a request that was answered. */
  readonly ends: { readonly lostKey: string | null; readonly at: number }[]
  lateAt: number
}

/** `now`: ms, of a clock that never steps. */
export function createLosses(now: () => number): Losses {
  const places = new LRUCache<string, Seen>({ max: MAX_PLACES })
  const listeners: ((place: string) => void)[] = []
  const seenAt = (place: string): Seen => {
    const known = places.get(place)
    if (known !== undefined) return known
    const seen: Seen = { ends: [], lateAt: Number.NEGATIVE_INFINITY }
    places.set(place, seen)
    return seen
  }
  const note = (place: string, lostKey: string | null) => {
    const { ends } = seenAt(place)
    ends.push({ lostKey, at: now() })
    if (ends.length > MAX_ENDS) ends.shift()
  }
  const isLosing = (place: string) => {
    const { ends, lateAt } = seenAt(place)
    const since = now() - WITHIN_MS
    if (lateAt > since) return false
    const recent = ends.filter(({ at }) => at > since)
    const lost = recent.flatMap(({ lostKey }) => lostKey ?? [])
    return lost.length >= LEAST_SHARE * recent.length && new Set(lost).size >= LEAST_KEYS
  }
  return {
    lost(place, key) {
      note(place, key)
      if (isLosing(place)) for (const listener of listeners) listener(place)
    },
    answered: (place) => note(place, null),
    late(place) {
      seenAt(place).lateAt = now()
    },
    isLosing,
    onLoss: (listener) => void listeners.push(listener),
  }
}
