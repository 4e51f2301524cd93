import type { Outcome } from '@sync/shared/outcome'
import { FIRST_READ_AFTER_MS, untilNextRead } from '@sync/shared/read-again'
import type { Delivery } from '@sync/shared/stream'
import type { Tenant } from '@sync/shared/tenants'

/** Times are ms since the epoch. */
interface Removal {
  readonly firstTriedAt: number
  /** When an Update of the whole company was answered; null while none was sent. */
  readonly updatedAt: number | null
  /** How the records that wait for the removal end once a read shows it, by `placeOf` of their origin. */
  readonly outcomes: ReadonlyMap<string, Outcome>
}

/** How to write a removal: by a PATCH, by an Update of the whole company, or not any more. */
export type RemovalStep = 'patch' | 'update' | 'give-up'

/**
 * What this process knows of removals that no read has shown yet. A PATCH may merge a list, so that an element stays. A read
 * after 2 s and a read after 10 s tell; then the whole company is updated (design/4-peers.md, "Removing elements from a
 * list"). `id` names a company, or a company and one of its elements. A process that forgets begins with the PATCH again.
 */
export interface Removals {
  /**
   * Forgets the removal if none of these records waits for it. Its records have ended in another way, for example because newer
   * records superseded them, or another process handled them.
   */
  begin(id: string, places: readonly string[]): void
  stepOf(id: string, tenant: Tenant, nowMs: number): RemovalStep
  /** Whether an Update of the whole company was sent for the removal. */
  isUpdated(id: string): boolean
  /** The removal was written by `step`, and a read still shows the element. Answers how long to wait for the next read, ms. */
  awaitRead(id: string, step: RemovalStep, outcomes: ReadonlyMap<string, Outcome>, nowMs: number): number
  /** How a record ends that has waited for a read; undefined for a record that has not. */
  outcomeOf(id: string, place: string): Outcome | undefined
  /** The removal is over. */
  finish(id: string): void
}

/** Names a record by its origin. */
export const placeOf = ({ origin }: Pick<Delivery, 'origin'>): string => `${origin.partition}/${origin.offset}`

/** How long a tenant's PATCH counts as one that removes nothing, once a read has shown that. */
const LEARNED_FOR_MS = 3_600_000
const MAX_REMOVALS = 10_000

export function createRemovals(): Removals {
  const removals = new Map<string, Removal>()
  const mergesUntil = new Map<string, number>()

  return {
    begin(id, places) {
      const { outcomes } = removals.get(id) ?? {}
      if (outcomes !== undefined && !places.some((place) => outcomes.has(place))) removals.delete(id)
    },
    stepOf(id, { uid, omnium }, nowMs) {
      const removal = removals.get(id)
      if (removal !== undefined && removal.updatedAt !== null) {
        return untilNextRead(removal.updatedAt, nowMs) === null ? 'give-up' : 'patch'
      }
      if (removal !== undefined && untilNextRead(removal.firstTriedAt, nowMs) === null) {
        mergesUntil.set(uid, nowMs + LEARNED_FOR_MS)
      }
      return omnium.listRemoval === 'update' || (mergesUntil.get(uid) ?? 0) > nowMs ? 'update' : 'patch'
    },
    isUpdated: (id) => (removals.get(id)?.updatedAt ?? null) !== null,
    awaitRead(id, step, outcomes, nowMs) {
      const { firstTriedAt = nowMs, updatedAt = null, outcomes: earlier = [] } = removals.get(id) ?? {}
      const removal: Removal = {
        firstTriedAt,
        updatedAt: updatedAt ?? (step === 'update' ? nowMs : null),
        outcomes: new Map([...earlier, ...outcomes]),
      }
      removals.delete(id)
      removals.set(id, removal)
      for (const oldest of removals.keys()) if (removals.size > MAX_REMOVALS) removals.delete(oldest)
      return untilNextRead(removal.updatedAt ?? removal.firstTriedAt, nowMs) ?? FIRST_READ_AFTER_MS
    },
    outcomeOf: (id, place) => removals.get(id)?.outcomes.get(place),
    finish: (id) => void removals.delete(id),
  }
}
