import type { SyncOutcome } from '../../contracts/sync-outcome.ts'
import { headerText } from '../../kafka/headers.ts'
import type { RawMessage } from '../../kafka/ports.ts'
import type { JudgeOptions } from './judge-writes.ts'
import { fateOf, type Handover, isVerify } from './ledger.ts'
import type { Member } from './member.ts'

/** Ends: each has what it needs, and comes once in a tenure. */
export interface EndsJudge {
  /** A write ended that may still be executed late. */
  unknownEnd(traceparent: string): void
  /** Records are in Kafka. */
  produced(message: RawMessage): void
  ended(outcome: SyncOutcome): void
  acknowledged(outcome: SyncOutcome): void
  /** The member has stopped in good order. */
  stopped(member: Member): void
  readonly letters: readonly RawMessage[]
  /** Every end of a record or of its copies in the lane, by its origin: `topic/partition/offset`. */
  endsOf(origin: string): readonly Handover[]
}

export function createEndsJudge({ ledger, brokers, laneTopic, requestDeadlineMs, time }: JudgeOptions): EndsJudge {
  const { accuse, handovers } = ledger
  const letters: RawMessage[] = []

  const isSupersededBy = (handover: Handover, each: Handover) =>
    each !== handover &&
    each.member === handover.member &&
    each.tenure === handover.tenure &&
    each.end !== null &&
    each.end.outcome !== 'parked' &&
    each.end.topic === handover.end?.topic &&
    String(each.record.key) === String(handover.record.key) &&
    fateOf(each.record)?.group === fateOf(handover.record)?.group &&
    fateOf(each.record)!.version >= fateOf(handover.record)!.version

  /** A record that is deferred has one pass more than before, and a verify of an unknown end has another reason than its record. */
  const isPassedOn = (message: RawMessage) => {
    const { record, owesSince } = ledger.ofMessage(message)
    const isSame = (name: string) => headerText(message.headers, name) === headerText(record.headers, name)
    const isOwed = owesSince !== null && message.headers['lane-reason'] === 'unknown-end'
    return record.topic === laneTopic && !isOwed && ['lane-why', 'lane-reason', 'lane-passes'].every(isSame)
  }

  return {
    unknownEnd(traceparent) {
      ledger.of(traceparent).owesSince = time.now()
    },
    produced(message) {
      if (message.topic !== laneTopic) {
        letters.push(message)
        return
      }
      brokers.append(message)
      if (isPassedOn(message)) {
        const handover = ledger.ofMessage(message)
        if (handover.owesSince !== null) accuse('passed on while a verify is owed', handover.record)
        handover.isPassedOn = true
        return
      }
      if (message.headers['lane-reason'] !== 'unknown-end') return
      const handover = ledger.ofMessage(message)
      const leastDueAt = (handover.owesSince ?? 0) + 2 * requestDeadlineMs
      if (Number(message.headers['lane-not-before']) < leastDueAt) accuse('a verify due too early', handover.record)
      handover.owesSince = null
    },
    ended(outcome) {
      const handover = ledger.of(outcome.traceparent)
      const { record } = handover
      if (handover.end !== null) accuse('ended twice in one tenure', record)
      handover.end = outcome
      // The last try of one that looks again leaves none.
      const mayOwe = isVerify(record) && outcome.outcome === 'parked'
      if (handover.owesSince !== null && !mayOwe) accuse('ended while a verify is owed', record)
      const isOfIt = ({ headers }: Pick<RawMessage, 'headers'>) =>
        headerText(headers, 'traceparent') === outcome.traceparent &&
        (headers['lane-reason'] !== 'unknown-end' || isVerify(record))
      const lane = brokers.log(laneTopic, record.partition).records
      if (outcome.outcome === 'parked' && !letters.some(isOfIt)) accuse('parked without a dead letter', record)
      if (outcome.outcome === 'deferred' && !lane.some(isOfIt)) accuse('deferred without a lane record', record)
      if (outcome.reason !== 'superseded') return
      const maySupersede = fateOf(record)?.group !== null && !isVerify(record)
      if (!maySupersede || !handovers.some((each) => isSupersededBy(handover, each))) {
        accuse('superseded by nothing that ended well', record)
      }
    },
    acknowledged(outcome) {
      ledger.of(outcome.traceparent).isAcknowledged = true
    },
    stopped(member) {
      if (brokers.failed.has('produce')) return
      for (const each of handovers) {
        if (each.member === member && each.owesSince !== null) accuse('stopped, and owes a verify', each.record)
      }
    },
    letters,
    endsOf: (origin) =>
      handovers.filter(({ end }) => end !== null && `${end.topic}/${end.partition}/${end.offset}` === origin),
  }
}
