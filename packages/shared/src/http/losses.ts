import { LRUCache } from 'lru-cache'
import type { Schedule } from './schedule.ts'

/**
 * Tells a target that leaves some requests without an answer from a target that answers them late. A write to the first may be given
 * up early. A write to the second may not, because the target is still executing the write, and the next write of the key would
 * overlap with it. A place is a target of a tenant.
 */
export interface Losses {
  /** A request of the key got no answer before its deadline, or its repeat was answered at once. */
  lost(place: string, key: string): void
  /** A request was answered after `tookMs`. */
  answered(place: string, tookMs: number): void
  /**
   * One read at a time that was given up is listened to until its deadline, because an answer after all shows a late target. The
   * caller calls the returned function at the end, with true if an answer came. Returns null while another read is listened to.
   */
  scout(place: string): ((isAnswered: boolean) => void) | null
  /**
   * Whether the target loses requests. Of the newest requests of the last minute at least one in forty was lost, of at least three
   * keys. A read that was listened to had no answer for 1.5 s. No request was answered late in the last ten minutes.
   */
  isLosing(place: string): boolean
}

const LEAST_KEYS = 3
const LEAST_SHARE = 1 / 40
const MAX_ENDS = 100
const WITHIN_MS = 60_000
const LISTENED_MS = 1_500
const LATE_MS = 1_000
const LATE_WITHIN_MS = 600_000
const MAX_PLACES = 10_000

interface Seen {
  /** The newest ends of requests, oldest first. `lostKey` is null for a request that was answered. */
  readonly ends: { readonly lostKey: string | null; readonly at: number }[]
  isListening: boolean
  /** When a read that was listened to had no answer for long enough. */
  unansweredAt: number
  lateAt: number
}

/** `now` is in ms, by a clock that never steps. */
export function createLosses(now: () => number, schedule: Schedule): Losses {
  const places = new LRUCache<string, Seen>({ max: MAX_PLACES })
  const seenAt = (place: string): Seen => {
    const known = places.get(place)
    if (known !== undefined) return known
    const never = Number.NEGATIVE_INFINITY
    const seen: Seen = { ends: [], isListening: false, unansweredAt: never, lateAt: never }
    places.set(place, seen)
    return seen
  }
  const note = ({ ends }: Seen, lostKey: string | null) => {
    ends.push({ lostKey, at: now() })
    if (ends.length > MAX_ENDS) ends.shift()
  }
  return {
    lost(place, key) {
      note(seenAt(place), key)
    },
    answered(place, tookMs) {
      const seen = seenAt(place)
      note(seen, null)
      if (tookMs >= LATE_MS) seen.lateAt = now()
    },
    scout(place) {
      const seen = seenAt(place)
      if (seen.isListening) return null
      seen.isListening = true
      const sinceMs = now()
      const cancel = schedule(() => {
        seen.unansweredAt = now()
      }, LISTENED_MS)
      return (isAnswered) => {
        cancel()
        seen.isListening = false
        if (isAnswered && now() - sinceMs >= LATE_MS) seen.lateAt = now()
      }
    },
    isLosing(place) {
      const { ends, unansweredAt, lateAt } = seenAt(place)
      const since = now() - WITHIN_MS
      if (unansweredAt <= since || lateAt > now() - LATE_WITHIN_MS) return false
      const recent = ends.filter(({ at }) => at > since)
      const lost = recent.flatMap(({ lostKey }) => lostKey ?? [])
      return lost.length >= LEAST_SHARE * recent.length && new Set(lost).size >= LEAST_KEYS
    },
  }
}
