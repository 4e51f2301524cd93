import type { Outcome } from '../outcome.ts'
import type { Classified } from '../stream.ts'
import { compareVersions } from '../version.ts'
import type { RecordOrigin } from './retry-lane.ts'

interface Planned {
  readonly origin: RecordOrigin
}

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
 * newest by version, then by offset, supersedes the others; it inherits their repair mark. What a tombstone stands after
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
    if (last !== undefined && record.origin.offset < last.offset) {
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
        b.record.origin.offset - a.record.origin.offset ||
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
): ReadonlyMap<string, { readonly offset: number; readonly outcome: Outcome }> {
  const last = new Map<string, { offset: number; outcome: Outcome }>()
  for (const { record, classified } of records) {
    const { topic, offset } = record.origin
    if (!('end' in classified) || !classified.endsOlder || offset < (last.get(topic)?.offset ?? 0)) continue
    last.set(topic, { offset, outcome: classified.end })
  }
  return last
}

/** What most keys have. */
function planOne<R>({ record, classified }: { readonly record: R; readonly classified: Classified }): KeyPlan<R> {
  if ('end' in classified) return { ends: [{ record, outcome: classified.end }], leads: [] }
  return { ends: [], leads: [{ record, classified, older: [], repair: classified.repair === true }] }
}
