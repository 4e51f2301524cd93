import type { Message } from '@sync/shared/kafka/publisher'

export type Announcement = Message<'company.parent-changes.v1'>

/** A write of a company that may have taken effect although it failed, or may still do so. */
interface Unsettled {
  /** Until then the target may still execute it, ms since the epoch. */
  readonly heldUntil: number
  /** What was announced for it. */
  readonly announcements: readonly Announcement[]
}

/**
 * What this process knows of writes with an unknown end, by record key.
 *
 * Such a write carries the whole list of relations as it was read before. If the company were written again at once,
 * a late execution would undo that write: entries of children whose announcements ended long ago, so that no record
 * is left that would look at them again. So nothing is written to the company until it is over.
 *
 * A new owner of the key starts without this knowledge, but also after the drain deadline: a partition is not released
 * while a write of it may be executed late.
 */
export interface UnsettledWrites {
  /** How long no write of the company may be sent, ms; 0 when none is in the way. */
  heldMs(key: string, now: number): number
  announcements(key: string): readonly Announcement[]
  add(key: string, write: Unsettled): void
  /** Its announcements were repeated. */
  forget(key: string): void
}

const MAX_KEYS = 10_000

export function createUnsettledWrites(): UnsettledWrites {
  const writes = new Map<string, Unsettled>()
  return {
    heldMs: (key, now) => Math.max(0, (writes.get(key)?.heldUntil ?? 0) - now),
    announcements: (key) => writes.get(key)?.announcements ?? [],
    add(key, { heldUntil, announcements }) {
      const former = writes.get(key)?.announcements ?? []
      writes.delete(key)
      writes.set(key, { heldUntil, announcements: [...former, ...announcements] })
      for (const oldest of writes.keys()) if (writes.size > MAX_KEYS) writes.delete(oldest)
    },
    forget: (key) => void writes.delete(key),
  }
}
