import type { SyncOutcome } from '../../contracts/sync-outcome.ts'
import { headerText } from '../../kafka/headers.ts'
import type { RawHeaders, SourceRecord } from '../../kafka/ports.ts'
import type { Member } from './member.ts'
import { type Fate, readFate } from './records.ts'
import type { SimulatedTime } from './time.ts'

/** One record as a member got it in one tenure, in one reading of its log; it is told from others by its traceparent. */
export interface Handover {
  readonly record: SourceRecord
  readonly member: Member
  readonly tenure: number
  /** Of `Member.readings`. */
  readonly reading: number
  end: SyncOutcome | null
  isAcknowledged: boolean
  /** A record of the retry topic that was written to its end again, as it is. */
  isPassedOn: boolean
  /** When a write of it ended that may still be executed late, until the lane record that looks again is written. */
  owesSince: number | null
}

/** Who got what, and what was done that must not be. */
export interface Ledger {
  readonly violations: readonly string[]
  accuse(what: string, record?: SourceRecord): void
  readonly handovers: readonly Handover[]
  /** The record as the member gets it, under a traceparent of its own. */
  deliver(member: Member, record: SourceRecord): SourceRecord
  of(traceparent: string | null | undefined): Handover
  ofMessage(message: { readonly headers: RawHeaders }): Handover
  /** As the member got it in the tenure of now. */
  current(member: Member, record: SourceRecord): Handover | undefined
  /** Whether the member has ended it or passed it on, in whichever tenure. */
  hasEndedBy(member: Member, record: SourceRecord): boolean
}

export function createLedger(time: SimulatedTime): Ledger {
  const startedAt = time.now()
  const violations: string[] = []
  const handovers: Handover[] = []
  const byRecord = new Map<SourceRecord, Handover[]>()
  const of = (traceparent: string | null | undefined) =>
    handovers[Number.parseInt((traceparent ?? '').slice(3, 35), 16) - 1]!
  const readingOf = (member: Member, { topic, partition }: SourceRecord) =>
    member.readings.get(`${topic}/${partition}`) ?? 0
  const current = (member: Member, record: SourceRecord) =>
    byRecord
      .get(record)
      ?.find(
        (each) =>
          each.member === member &&
          each.tenure === member.tenures.get(record.partition) &&
          each.reading === readingOf(member, record),
      )
  return {
    violations,
    accuse(what, record) {
      const name = record ? ` (${record.topic}/${record.partition}/${record.offset})` : ''
      violations.push(`${time.now() - startedAt} ms: ${what}${name}`)
    },
    handovers,
    deliver(member, record) {
      let handover = current(member, record)
      if (handover === undefined) {
        const tenure = member.tenures.get(record.partition)!
        const reading = readingOf(member, record)
        const open = { end: null, isAcknowledged: false, isPassedOn: false, owesSince: null }
        handover = { record, member, tenure, reading, ...open }
        handovers.push(handover)
        byRecord.set(record, [...(byRecord.get(record) ?? []), handover])
      }
      const number = (handovers.indexOf(handover) + 1).toString(16)
      const traceparent = `00-${number.padStart(32, '0')}-${'1'.padStart(16, '0')}-01`
      return { ...record, headers: { ...record.headers, traceparent } }
    },
    of,
    ofMessage: ({ headers }) => of(headerText(headers, 'traceparent')),
    current,
    hasEndedBy: (member, record) =>
      byRecord.get(record)?.some((each) => each.member === member && (each.end !== null || each.isPassedOn)) ?? false,
  }
}

export const fateOf = ({ value }: SourceRecord): Fate | null => {
  try {
    return value === null ? null : readFate(value)
  } catch {
    return null
  }
}
export const isVerify = ({ headers }: SourceRecord): boolean => headerText(headers, 'lane-why') === 'verify'
