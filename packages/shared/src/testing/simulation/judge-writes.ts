import { headerText } from '../../kafka/headers.ts'
import type { RawMessage, SourceRecord } from '../../kafka/ports.ts'
import type { Brokers } from './brokers.ts'
import { fateOf, type Handover, type Ledger } from './ledger.ts'
import type { Member } from './member.ts'
import type { SimulatedTime } from './time.ts'

interface Request {
  readonly key: string
  readonly member: Member
  readonly startedAt: number
  isInDoubt: boolean
}

export interface JudgeOptions {
  readonly ledger: Ledger
  readonly brokers: Brokers
  readonly time: SimulatedTime
  readonly laneTopic: string
  readonly requestDeadlineMs: number
  readonly sessionTimeoutMs: number
}

/** Order and exclusion: who handles and who writes, when. */
export interface WritesJudge {
  handling(member: Member, traceparents: readonly string[]): () => void
  /** A request to the target leaves. The returned function: it is over, or nobody knows (aborted). */
  sending(member: Member, traceparent: string): (end: 'over' | 'in doubt') => void
  /** A request is over, or was given up. */
  sent(traceparent: string, isAborted: boolean): void
  /** Records leave for Kafka. */
  producing(member: Member, messages: readonly RawMessage[]): void
  /** It leaves in good order: what it aborts is verified, and not waited for. */
  stopping(member: Member): void
}

export function createWritesJudge(
  options: JudgeOptions & { hasEnded: (record: SourceRecord) => boolean },
): WritesJudge {
  const { ledger, brokers, time, laneTopic, requestDeadlineMs, sessionTimeoutMs, hasEnded } = options
  const { accuse } = ledger
  /** Keys in a handler, by member. */
  const handled = new Map<Member, Set<string>>()
  const wasHandled = new Set<Handover>()
  /** The records that were in one call of the handler with a record. One call may end a record and try an older one again. */
  const handledTogether = new Map<Handover, Set<Handover>>()
  const requests = new Set<Request>()
  const stopping = new Set<Member>()
  /** By member, tenure, key and group: the live record that was handled last. */
  const lastLead = new Map<string, Handover>()

  const checkOrder = (handover: Handover) => {
    const { record, member, tenure, reading } = handover
    const group = fateOf(record)?.group ?? null
    if (group === null || record.topic === laneTopic) return
    const name = `${[...handled.keys()].indexOf(member)} ${tenure} ${reading} ${record.topic} ${record.key} ${group}`
    const last = lastLead.get(name)
    if (last !== undefined && last.record.offset > record.offset && last.end?.outcome !== 'parked') {
      accuse('an older record after a newer one that was not parked', record)
    }
    if (last === undefined || last.record.offset < record.offset) lastLead.set(name, handover)
  }
  /** Of records that nothing supersedes, none passes another one that has not ended. */
  const checkPlace = (handover: Handover, batch: readonly Handover[]) => {
    // Until its members know that a topic was created again, they take the first records of its new log for known ones.
    if (brokers.wasRecreated(handover.record.topic)) return
    const keepsPlace = ({ record }: Handover) => fateOf(record)?.group === null && record.topic !== laneTopic
    if (!keepsPlace(handover)) return
    const { record, member, tenure, reading } = handover
    const isBeside = (each: Handover) =>
      each.member === member &&
      each.tenure === tenure &&
      each.reading === reading &&
      each.record.topic === record.topic &&
      String(each.record.key) === String(record.key) &&
      keepsPlace(each)
    const isPassed = (each: Handover) =>
      isBeside(each) &&
      each.end === null &&
      each.record.offset < record.offset &&
      !hasEnded(each.record) &&
      // It remembers what it ended before it was out of the group for a moment, more than a commit may have room for.
      !ledger.hasEndedBy(member, each.record) &&
      !batch.includes(each)
    // Only what was handled: one that has no effect of its own (an echo) passes others.
    const isNewer = (each: Handover) =>
      isBeside(each) &&
      each.end !== null &&
      each.record.offset > record.offset &&
      wasHandled.has(each) &&
      !handledTogether.get(handover)?.has(each)
    if (ledger.handovers.some(isPassed)) accuse('passed an older record that nothing supersedes', record)
    if (ledger.hasEndedBy(member, record) && ledger.handovers.some(isNewer)) {
      accuse('forgotten, and handled again after a newer record that does not supersede it', record)
    }
  }
  /** One that was put off for an outage meanwhile may look as soon as that is over. */
  const isEarlyVerify = ({ headers }: SourceRecord) =>
    headerText(headers, 'lane-reason') === 'unknown-end' && Number(headerText(headers, 'lane-not-before')) > time.now()

  const checkFence = ({ member, record, tenure }: Handover) => {
    const { partition } = record
    if (member.isJoining) accuse('written while the group joins', record)
    else if (member.tenures.get(partition) !== tenure) accuse('written for a partition that is lost', record)
    if (member.heartbeatAgeMs() + requestDeadlineMs >= sessionTimeoutMs) accuse('written with an old heartbeat', record)
    const isClaimed = brokers.logs.some((log) => log.partition === partition && isClaim(log.committed?.metadata))
    if (!isClaimed) accuse('written for a partition that is not claimed', record)
  }

  return {
    handling(member, traceparents) {
      const batch = traceparents.map(ledger.of)
      const key = String(batch[0]!.record.key)
      const running = handled.get(member) ?? new Set()
      handled.set(member, running)
      if (running.has(key)) accuse('two handlers of one key at once', batch[0]!.record)
      running.add(key)
      for (const [index, handover] of batch.entries()) {
        const { record, end, reading } = handover
        const isBeside = (each: Handover) => each.record.topic === record.topic && each.reading === reading
        const older = batch.slice(index + 1).find(isBeside)
        if (end !== null) accuse('handled after its end', record)
        if (older !== undefined && older.record.offset < record.offset) accuse('before an older record', record)
        if (isEarlyVerify(record)) accuse('a verify that looks too early', record)
        checkOrder(handover)
        checkPlace(handover, batch)
      }
      for (const handover of batch) {
        wasHandled.add(handover)
        handledTogether.set(handover, new Set([...(handledTogether.get(handover) ?? []), ...batch]))
      }
      return () => void running.delete(key)
    },
    sending(member, traceparent) {
      const handover = ledger.of(traceparent)
      const key = String(handover.record.key)
      checkFence(handover)
      const isForgotten = brokers.failed.has('look-up') || brokers.maxMetadataLength < 4_096
      if (hasEnded(handover.record) && !isForgotten)
        accuse('sent again after it was committed as ended', handover.record)
      for (const other of requests) {
        if (other.key !== key || (other.member === member && !other.isInDoubt)) continue
        const isUnknown = other.isInDoubt || other.member.isDead
        const isOver = isUnknown && time.now() >= other.startedAt + 2 * requestDeadlineMs
        if (!isOver && !(other.isInDoubt && stopping.has(other.member)))
          accuse(`two requests of two tenures at once for ${key}`)
      }
      const request = { key, member, startedAt: time.now(), isInDoubt: false }
      requests.add(request)
      return (end) => {
        if (end === 'in doubt' || member.isDead) request.isInDoubt = true
        else requests.delete(request)
      }
    },
    sent(traceparent, isAborted) {
      const { member, record, tenure } = ledger.of(traceparent)
      const isLost = member.tenures.get(record.partition) !== tenure
      if (isLost && !isAborted && !member.isDead) accuse('lost, and not aborted', record)
    },
    producing(_member, messages) {
      // What looks again later is right at any time, by anybody.
      const fenced = messages.filter(({ headers }) => headers['lane-reason'] !== 'unknown-end')
      for (const message of fenced) checkFence(ledger.ofMessage(message))
    },
    stopping: (member) => void stopping.add(member),
  }
}

const isClaim = (metadata: string | undefined) => metadata?.startsWith('owned ') === true
