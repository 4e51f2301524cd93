import type { FaultKind } from './fault-rule.ts'

/** `seq` counts every entry of one stand-in from 1; `at` is its clock, ms since the epoch. */
interface Entry {
  readonly seq: number
  readonly at: number
}

/** A request, entered when it ended. `path` is as it came, without its query; `status` null: never answered. */
export interface RequestEntry extends Entry {
  readonly kind: 'request'
  readonly requestId: string
  readonly tenant: string | null
  /** Omnium: the name of the API user; null: unknown. */
  readonly apiUser: string | null
  readonly method: string
  readonly path: string
  readonly status: number | null
  /** What it did, such as `created`, `updated`, `unchanged`; null for a read or a refusal. */
  readonly effect: string | null
  readonly fault: FaultKind | null
}

/** An accepted write, entered in the same tick as it took effect: the order of these is the order of effects. */
export interface WriteEntry extends Entry {
  readonly kind: 'write'
  /** null: done on the shop floor, not by the API. */
  readonly requestId: string | null
  readonly tenant: string
  readonly resource: string
  readonly operation: 'created' | 'updated' | 'patched' | 'unchanged' | 'deleted' | 'anonymized'
  readonly id: string
  readonly user: string
  /** Flow: the lastModifiedAt it was given. Omnium: the `…LastModifiedAt` property that the request carried. */
  readonly version: string | null
  /** Omnium: the `…ParentVersion` property that the request carried. */
  readonly parentVersion: string | null
  /** Names of the fields in the request. */
  readonly fields: readonly string[]
  /** Names of the stored fields that are different now, stamps included. */
  readonly changed: readonly string[]
}

/** One attempt to deliver a webhook. `status` null: no answer in time, or no connection. */
export interface DeliveryEntry extends Entry {
  readonly kind: 'delivery'
  readonly deliveryId: string
  readonly tenant: string
  readonly objectId: string
  readonly action: string
  readonly attempt: number
  readonly status: number | null
  /** `delivered`: acknowledged. `lost`: dropped by a disturbance, never sent. `off`: the tenant has no target. */
  readonly end: 'delivered' | 'retrying' | 'dropped' | 'gave-up' | 'lost' | 'off'
}

/** A field of a request that the documented model of the request lacks. `path` is the template of the path. */
export interface DefectEntry extends Entry {
  readonly kind: 'defect'
  readonly requestId: string
  readonly tenant: string
  readonly method: string
  readonly path: string
  readonly model: string
  readonly field: string
}

export type JournalEntry = RequestEntry | WriteEntry | DeliveryEntry | DefectEntry
type NewEntry<E> = E extends Entry ? Omit<E, 'seq' | 'at'> : never

export interface JournalFilter {
  readonly kind?: JournalEntry['kind'] | undefined
  readonly tenant?: string | undefined
  /** Only entries with a greater seq. */
  readonly after?: number | undefined
  /** The id of a customer or order, of writes and deliveries. */
  readonly id?: string | undefined
}

export interface Journal {
  add(entry: NewEntry<JournalEntry>): void
  entries(filter?: JournalFilter): readonly JournalEntry[]
  writes(filter?: Omit<JournalFilter, 'kind'>): readonly WriteEntry[]
  lastSeq(): number
  /** How many of the oldest entries were forgotten to stay within the bound. */
  forgotten(): number
  /** The first entry, past or future, that answers true. Rejects when the signal aborts. */
  next(matches: (entry: JournalEntry) => boolean, signal?: AbortSignal): Promise<JournalEntry>
  /** Forgets the entries; seq goes on. */
  clear(): void
}

export function createJournal(maxEntries: number, now: () => number): Journal {
  let kept: JournalEntry[] = []
  let seq = 0
  let forgotten = 0
  const waiting = new Set<(entry: JournalEntry) => void>()

  const keeps = (entry: JournalEntry, filter: JournalFilter): boolean =>
    (filter.after === undefined || entry.seq > filter.after) &&
    (filter.kind === undefined || entry.kind === filter.kind) &&
    (filter.tenant === undefined || entry.tenant === filter.tenant) &&
    (filter.id === undefined || idOf(entry) === filter.id)

  const bounded = (): JournalEntry[] => {
    const surplus = kept.length - maxEntries
    if (surplus > 0) {
      kept = kept.slice(surplus)
      forgotten += surplus
    }
    return kept
  }

  const entries = (filter: JournalFilter = {}) => bounded().filter((entry) => keeps(entry, filter))

  return {
    add(entry) {
      seq += 1
      const added = { ...entry, seq, at: now() } as JournalEntry
      kept.push(added)
      if (kept.length > maxEntries * 2) bounded()
      for (const tell of [...waiting]) tell(added)
    },
    entries,
    writes: (filter = {}) => entries({ ...filter, kind: 'write' }) as WriteEntry[],
    lastSeq: () => seq,
    forgotten: () => forgotten + Math.max(0, kept.length - maxEntries),
    next(matches, signal) {
      const found = bounded().find(matches)
      if (found) return Promise.resolve(found)
      return new Promise((resolve, reject) => {
        const giveUp = () => {
          waiting.delete(tell)
          reject(signal?.reason)
        }
        const tell = (entry: JournalEntry) => {
          if (!matches(entry)) return
          waiting.delete(tell)
          signal?.removeEventListener('abort', giveUp)
          resolve(entry)
        }
        if (signal?.aborted) return giveUp()
        signal?.addEventListener('abort', giveUp, { once: true })
        waiting.add(tell)
      })
    },
    clear() {
      kept = []
      forgotten = 0
    },
  }
}

const idOf = (entry: JournalEntry): string | null =>
  entry.kind === 'write' ? entry.id : entry.kind === 'delivery' ? entry.objectId : null
