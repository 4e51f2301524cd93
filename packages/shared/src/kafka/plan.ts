import type { Outcome } from '../outcome.ts'
import type { Classified } from '../stream.ts'
import { compareVersions } from '../version.ts'
import type { RecordOrigin } from './retry-lane.ts'

interface Planned {
  readonly origin: RecordOrigin
  /** Tells apart the logs of one topic. A later log has a higher number. Missing: all records are of one log. */
  readonly logSince?: number
}

/** Positive if `a` stands behind `b` in their topic. The offsets of two logs cannot be compared. */
const compareOrigins = (a: Planned, b: Planned): number =>
  (a.logSince ?? 0) - (b.logSince ?? 0) || a.origin.offset - b.origin.offset

/** A record to handle, and those of its group that end as superseded once it ended well; newest of them first. */
export interface Lead<R> {
  readonly record: R
  readonly classified: Extract<Classified, { group: string | null }>
  readonly older: readonly R[]
  readonly repair: boolean
}

export interface KeyPlan<R> {
  readonly ends: readonly { readonly record: R; readonly outcome: Outcome }[]
  /** In the order of arrival. */
  readonly leads: readonly Lead<R>[]
}

/**
 * Which of a key's records are handled, and which only once those fail: within one topic of origin and one group the
 * newest by version, then by log and offset, supersedes the others; it inherits their repair mark. What a tombstone stands after
 * ends with it: a customer who is gone must not come back for having waited.
 */
export function planKey<R extends Planned>(
  records: readonly { readonly record: R; readonly classified: Classified }[],
): KeyPlan<R> {
  if (records.length === 1) return planOne(records[0]!)
  const ends: { record: R; outcome: Outcome }[] = []
  const lastEnds = lastEndsOf(records)
  const groups = new Map<string, { record: R; classified: Lead<R>['classified'] }[]>()
  for (const [index, { record, classified }] of records.entries()) {
    if ('end' in classified) {
      ends.push({ record, outcome: classified.end })
      continue
    }
    const last = lastEnds.get(record.origin.topic)
    if (last !== undefined && compareOrigins(record, last.record) < 0) {
      ends.push({ record, outcome: last.outcome })
      continue
    }
    // Of no group is a record by itself, also beside others of its origin: two of them may verify two writes of one record.
    const name = classified.group === null ? `${index}` : `${record.origin.topic}\u0000${classified.group}`
    const group = groups.get(name)
    if (group === undefined) groups.set(name, [{ record, classified }])
    else group.push({ record, classified })
  }
  const arrival = new Map(records.map(({ record }, index) => [record, index]))
  const leads = [...groups.values()].map((group): Lead<R> => {
    const [newest, ...older] = group.sort(
      (a, b) =>
        compareVersions(b.classified.version, a.classified.version) ||
        compareOrigins(b.record, a.record) ||
        arrival.get(a.record)! - arrival.get(b.record)!,
    )
    return {
      record: newest!.record,
      classified: newest!.classified,
      older: older.map(({ record }) => record),
      repair: group.some(({ classified }) => classified.repair === true),
    }
  })
  leads.sort((a, b) => arrival.get(a.record)! - arrival.get(b.record)!)
  return { ends, leads }
}

/** By topic of origin, the last of those that end what is older. */
function lastEndsOf<R extends Planned>(
  records: readonly { readonly record: R; readonly classified: Classified }[],
): ReadonlyMap<string, { readonly record: R; readonly outcome: Outcome }> {
  const lasts = new Map<string, { record: R; outcome: Outcome }>()
  for (const { record, classified } of records) {
    if (!('end' in classified) || !classified.endsOlder) continue
    const last = lasts.get(record.origin.topic)
    if (last !== undefined && compareOrigins(record, last.record) < 0) continue
    lasts.set(record.origin.topic, { record, outcome: classified.end })
  }
  return lasts
}

/** What most keys have. */
function planOne<R>({ record, classified }: { readonly record: R; readonly classified: Classified }): KeyPlan<R> {
  if ('end' in classified) return { ends: [{ record, outcome: classified.end }], leads: [] }
  return { ends: [], leads: [{ record, classified, older: [], repair: classified.repair === true }] }
}
