import type { Outcome } from '../outcome.ts'
import type { Classified } from '../stream.ts'
import { compareOrders, orderOf, type VersionOrder } from '../version.ts'
import type { RecordOrigin } from './retry-lane.ts'

interface Planned {
  readonly origin: RecordOrigin
  /** Tells apart the logs of one topic. A later log has a higher number. No record has a number if all records are of one log. */
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

export interface Plannable<R> {
  readonly record: R
  readonly classified: Classified
  /** The order of the version, if the caller has read it already. */
  readonly order?: VersionOrder
}

/** A record of a group. */
interface Member<R> {
  readonly record: R
  readonly classified: Lead<R>['classified']
  readonly order: VersionOrder
  readonly arrival: number
}

/**
 * Decides which of a key's records are handled, and which records are handled only once those fail. Within one topic of origin and one
 * group, the newest record by version, then by log and offset, supersedes the others and inherits their repair mark. A tombstone ends the
 * records before it, because a deleted customer must not come back for having waited.
 */
export function planKey<R extends Planned>(records: readonly Plannable<R>[]): KeyPlan<R> {
  if (records.length === 1) return planOne(records[0]!)
  const ends: { record: R; outcome: Outcome }[] = []
  const lastEnds = lastEndsOf(records)
  const alone: Member<R>[][] = []
  /** By topic of origin, then by the name of the group. */
  const groups = new Map<string, Map<string, Member<R>[]>>()
  for (const [arrival, { record, classified, order }] of records.entries()) {
    if ('end' in classified) {
      ends.push({ record, outcome: classified.end })
      continue
    }
    const { topic } = record.origin
    const last = lastEnds.get(topic)
    if (last !== undefined && compareOrigins(record, last.record) < 0) {
      ends.push({ record, outcome: last.outcome })
      continue
    }
    const member = { record, classified, order: order ?? orderOf(classified.version), arrival }
    // Of no group is a record by itself, also beside others of its origin: two of them may verify two writes of one record.
    if (classified.group === null) {
      alone.push([member])
      continue
    }
    const ofTopic = groups.get(topic) ?? new Map<string, Member<R>[]>()
    groups.set(topic, ofTopic)
    const group = ofTopic.get(classified.group)
    if (group === undefined) ofTopic.set(classified.group, [member])
    else group.push(member)
  }
  const all = [...alone, ...[...groups.values()].flatMap((ofTopic) => [...ofTopic.values()])]
  const leads = all.map((group): readonly [arrival: number, lead: Lead<R>] => {
    const [newest, ...older] = group.sort(
      (a, b) => compareOrders(b.order, a.order) || compareOrigins(b.record, a.record) || a.arrival - b.arrival,
    )
    const { record, classified, arrival } = newest!
    const repair = group.some((member) => member.classified.repair === true)
    return [arrival, { record, classified, older: older.map((member) => member.record), repair }]
  })
  return { ends, leads: leads.sort(([a], [b]) => a - b).map(([, lead]) => lead) }
}

/** By topic of origin, the last of those that end what is older. */
function lastEndsOf<R extends Planned>(
  records: readonly Plannable<R>[],
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
function planOne<R>({ record, classified }: Plannable<R>): KeyPlan<R> {
  if ('end' in classified) return { ends: [{ record, outcome: classified.end }], leads: [] }
  return { ends: [], leads: [{ record, classified, older: [], repair: classified.repair === true }] }
}
