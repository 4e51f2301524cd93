import { SyncError, type Target } from '../errors.ts'

/** Whether the absence guard of one tenant and target is tripped, as all processes see it. */
export interface GuardState {
  readonly tenant: string
  readonly target: Target
  readonly isTripped: boolean
  /** When it tripped or was released, ISO 8601. */
  readonly at: string
  /** What made it trip: "not found" answers about known ids, and all reads by id of the tenant. */
  readonly missing: number
  readonly reads: number
}

/** The absence guards of all tenants. They count in this process, and are tripped and released for all processes. */
export interface AbsenceGuards {
  /** A by-id read found the id, or its "not found" answer was believed. */
  noteRead(tenant: string, target: Target): void
  /**
   * A known or linked id was answered "not found", no delete event of the peer explains the answer, and a control read has confirmed
   * the route. Answers whether there are so many of these ids that the guard, if it is not tripped yet, has to trip.
   */
  noteMissing(tenant: string, target: Target, id: string): boolean
  /** Trips the guard, if there are still so many ids. To be called once a control read after the last answer has confirmed the route. */
  trip(tenant: string, target: Target): void
  /** The id exists, or a delete event explains its absence. */
  noteExplained(tenant: string, target: Target, id: string): void
  /** Throws SyncError `absence-guard` while no "not found" answer of the tenant and target may be acted on. */
  require(tenant: string, target: Target): void
  /** The shared state, as it was read from the topic. Counting starts anew after a release. */
  apply(state: GuardState): void
  /** Until then no "not found" answer is acted on, because a guard may have been tripped before this process started. */
  ready(): void
  /** The tripped ones. */
  list(): readonly GuardState[]
}

export interface AbsenceGuardsOptions {
  readonly now: () => number
  /** Tells all other processes. Called once for each trip, after it counts here. */
  readonly onTrip?: (state: GuardState) => void
  /** False: the shared state is read first, see `ready`. */
  readonly isReady?: boolean
}

const WINDOW_MS = 10 * 60_000
const BUCKET_MS = 30_000
const MANY = 20
const SHARE_OF_READS = 0.05
const MAX_MISSING = 10_000
/** A tripped guard waits for a person, so its records need not ask often. */
const TRIPPED_RETRY_MS = 60_000
const UNREAD_RETRY_MS = 1_000

interface Count {
  reads: { readonly startedAt: number; count: number }[]
  readonly missing: Map<string, number>
}

export function createAbsenceGuards({ now, onTrip, isReady = true }: AbsenceGuardsOptions): AbsenceGuards {
  const counts = new Map<string, Count>()
  const tripped = new Map<string, GuardState>()
  let hasState = isReady
  const nameOf = (tenant: string, target: Target) => `${target} ${tenant}`

  const countOf = (name: string): Count => {
    const count = counts.get(name) ?? { reads: [], missing: new Map<string, number>() }
    counts.set(name, count)
    const since = now() - WINDOW_MS
    if (count.reads[0] !== undefined && count.reads[0].startedAt < since) {
      count.reads = count.reads.filter(({ startedAt }) => startedAt >= since)
    }
    for (const [id, at] of count.missing) {
      if (at >= since) break
      count.missing.delete(id)
    }
    return count
  }

  const sizesOf = (name: string) => {
    const { missing, reads } = countOf(name)
    return { missing: missing.size, reads: reads.reduce((sum, bucket) => sum + bucket.count, 0) }
  }
  const mustTrip = (name: string): boolean => {
    if (tripped.has(name)) return false
    const { missing, reads } = sizesOf(name)
    return missing > MANY && missing > reads * SHARE_OF_READS
  }

  return {
    noteRead(tenant, target) {
      const { reads } = countOf(nameOf(tenant, target))
      const last = reads.at(-1)
      if (last !== undefined && now() - last.startedAt < BUCKET_MS) last.count++
      else reads.push({ startedAt: now(), count: 1 })
    },
    noteMissing(tenant, target, id) {
      const { missing } = countOf(nameOf(tenant, target))
      // Newest last, so that the oldest are forgotten first.
      missing.delete(id)
      if (missing.size < MAX_MISSING) missing.set(id, now())
      return mustTrip(nameOf(tenant, target))
    },
    trip(tenant, target) {
      const name = nameOf(tenant, target)
      if (!mustTrip(name)) return
      const at = new Date(now()).toISOString()
      const state = { tenant, target, isTripped: true, at, ...sizesOf(name) }
      tripped.set(name, state)
      onTrip?.(state)
    },
    noteExplained(tenant, target, id) {
      counts.get(nameOf(tenant, target))?.missing.delete(id)
    },
    require(tenant, target) {
      if (!hasState) {
        const message = `believing a "not found" answer of ${target}: the absence guards are not read yet`
        throw new SyncError('absence-guard', message, { target, tenant, retryAfterMs: UNREAD_RETRY_MS })
      }
      if (!tripped.has(nameOf(tenant, target))) return
      const message = `believing a "not found" answer of ${target}: the absence guard is tripped`
      throw new SyncError('absence-guard', message, { target, tenant, retryAfterMs: TRIPPED_RETRY_MS })
    },
    apply(state) {
      const name = nameOf(state.tenant, state.target)
      if (state.isTripped) tripped.set(name, state)
      else {
        tripped.delete(name)
        counts.delete(name)
      }
    },
    ready() {
      hasState = true
    },
    list: () => [...tripped.values()],
  }
}
