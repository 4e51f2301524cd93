import { backoff } from '../backoff.ts'
import type { SyncOutcome } from '../contracts/sync-outcome.ts'
import type { EventLoopTurns } from '../event-loop-turns.ts'
import type { Fence } from '../http/call.ts'
import type { Logger } from '../logger.ts'
import { type Effect, type Notes, type Outcome, type ParkReason, RETRY_REASONS, type RetryReason } from '../outcome.ts'
import { afterBrownout, brownoutWaitMs } from './brownout.ts'
import { deadLetterMessage } from './dead-letter.ts'
import type { OutcomeSink } from './outcome-sink.ts'
import { unpack } from './packed.ts'
import { changedAt, type Pending } from './pending.ts'
import type { RawMessage } from './ports.ts'
import type { KeyQueues } from './queued.ts'
import { laneMessage } from './retry-lane.ts'
import { laneWaitOf } from './retry-waits.ts'
import { deadLetterTopicOf, retryTopicOf, type ServiceName } from './topics.ts'

/** Every measurement that the runtime makes of a record; see metrics.ts for the names. */
export interface RecordMetrics {
  ended(topic: string, outcome: string, reason: string, tenant: string): void
  /** It is tried again, because of this. */
  retried(topic: string, reason: string): void
  parked(topic: string, reason: string): void
  /** The log of a topic's partition holds less than was read of it. */
  logShortened(topic: string): void
  /** The target keeps an element of this list that was removed at the source. */
  notRemoved(list: string): void
  endToEnd(topic: string, seconds: number, traceparent: string | undefined): void
}

export interface SettleOptions {
  readonly service: ServiceName
  readonly prefix: string
  readonly instanceId: string
  /** RETRY_MAX_ATTEMPTS: tries of one record against a healthy target; 0 and 1 both mean a single one. */
  readonly maxAttempts: number
  readonly requestDeadlineMs: number
  /** A record that would wait in memory longer than this goes to the retry lane, so that it doesn't pin the low-water mark. */
  readonly deferAfterMs: number
  readonly queues: KeyQueues<Pending>
  /** A write for a record of this partition may be executed late, until then. */
  readonly onUnknownEnd: (partition: number, until: number) => void
  readonly send: (messages: readonly RawMessage[], fence?: Fence) => Promise<void>
  /** The tenant's waiting records are more than its share of memory. */
  readonly isOverShare: (tenant: string) => boolean
  /** A record was written to the retry topic, to be handled from `notBefore` (ms since the epoch) on. */
  readonly onDeferred: (partition: number, tenant: string, notBefore: number) => void
  readonly outcomes: OutcomeSink
  readonly metrics: RecordMetrics
  readonly logger: Logger
  /** ms by the steady clock. */
  readonly now: () => number
  /** ms since the epoch. */
  readonly wallNow: () => number
  readonly random: () => number
  readonly turns: EventLoopTurns
}

export interface Settler {
  /** Carries out an outcome for a record and those it supersedes. Throws (the record stays pending) when a write it needs fails. */
  settle(record: Pending, older: readonly Pending[], outcome: Outcome, fence: Fence): Promise<void>
  /** Leaves the record pending until `until`, or defers it when that is too long or its tenant waits with too much. */
  wait(record: Pending, older: readonly Pending[], reason: RetryReason, until: number, fence: Fence): Promise<void>
  /** Sends the record to the retry lane, not to be looked at before `until`, and ends those that it supersedes. */
  defer(record: Pending, older: readonly Pending[], reason: RetryReason, until: number, fence: Fence): Promise<void>
  /** Writes records of the retry topic to its end, as they are. They do not end by this, so that no outcome is written. */
  passOn(records: readonly Pending[], fence: Fence): Promise<void>
  /** Writes the lane record that looks again once a write with an unknown end can't be executed any more. */
  owesVerify(record: Pending): Promise<void>
}

const BACKOFF = { baseMs: 500, capMs: 15_000 }
const UNCOUNTED_WAIT_MS = 1_000
/** A record may supersede 100,000 others. Other work of the event loop may go between so many of them. */
const RECORDS_AT_ONCE = 50

export function createSettler(options: SettleOptions): Settler {
  const { service, prefix, instanceId, queues, send, outcomes, metrics, logger, now, wallNow, random } = options
  const retryTopic = prefix + retryTopicOf(service)
  const deadLetterTopic = prefix + deadLetterTopicOf(service)

  const end = (
    record: Pending,
    outcome: SyncOutcome['outcome'],
    reason: string | null,
    effect: Effect | null,
    notes: Notes = {},
  ) => {
    const endedAt = wallNow()
    record.state.tracker.end(record.offset)
    queues.remove(record)
    const topic = record.topic ?? 'unknown'
    metrics.ended(topic, outcome, reason ?? '', record.tenant)
    for (const list of notes.notRemoved ?? []) metrics.notRemoved(list)
    if (outcome === 'done' && record.mark === null) {
      const since = changedAt(record)
      if (since !== null) metrics.endToEnd(topic, Math.max(0, endedAt - since) / 1000, record.traceparent)
    }
    const entry: SyncOutcome = {
      tenant: record.tenant,
      id: record.id,
      service,
      topic: record.origin.topic,
      partition: record.origin.partition,
      offset: String(record.origin.offset),
      lane: record.mark?.why ?? null,
      outcome,
      reason,
      operation: effect?.operation ?? null,
      target: effect?.target ?? null,
      changed: effect?.changed === undefined ? [] : [...effect.changed],
      version: effect?.version ?? null,
      attempts: record.attempts,
      durationMs: Math.max(0, now() - (record.firstSeenAt ?? record.enteredAt)),
      endedAt: new Date(endedAt).toISOString(),
      instance: instanceId,
      traceparent: record.traceparent ?? null,
    }
    // Set later, because spreads would make each of the objects slow.
    if (notes.unreadable !== undefined) entry.unreadable = [...notes.unreadable]
    if (notes.notRemoved !== undefined) entry.notRemoved = [...notes.notRemoved]
    outcomes.add(entry)
    const level = outcome === 'parked' ? 'warn' : 'debug'
    if (!logger.isLevelEnabled(level)) return
    const { id: _id, ...fields } = entry
    logger[level](fields, outcome === 'parked' ? 'record parked' : 'record ended')
  }

  /** A time of the steady clock, by the wall clock as it is set now. */
  const wallTimeOf = (at: number) => at - now() + wallNow()

  /** Writes the record to the retry topic, to be handled from `until` (steady clock) on. */
  const writeToRetryTopic = async (
    record: Pending,
    why: 'deferred' | 'verify',
    reason: string,
    until: number,
    fence?: Fence,
  ) => {
    const notBefore = Math.ceil(wallTimeOf(until))
    const message = laneMessage(retryTopic, unpack(record.packed), {
      why: why === 'deferred' ? (record.mark?.why ?? why) : why,
      origin: record.origin,
      reason,
      notBefore,
      attempts: record.attempts,
      brownoutMs: record.brownout.lastedMs,
      firstSeenAt: Math.floor(wallTimeOf(record.firstSeenAt ?? record.enteredAt)),
      passes: (record.mark?.passes ?? 0) + (why === 'deferred' ? 1 : 0),
      redrives: record.mark?.redrives ?? 0,
    })
    await send([message], fence)
    options.onDeferred(record.state.partition, record.tenant, notBefore)
  }

  const owe = (record: Pending, at: number) => {
    record.verifyOwedAt = at + 2 * options.requestDeadlineMs
    options.onUnknownEnd(record.state.partition, record.verifyOwedAt)
  }

  /** Nothing of a record is ended, deferred or parked while the verify that it owes is not written. */
  const payVerify = async (record: Pending) => {
    if (record.verifyOwedAt === null) return
    await writeToRetryTopic(record, 'verify', 'unknown-end', record.verifyOwedAt)
    record.verifyOwedAt = null
  }

  const payVerifies = async (record: Pending, older: readonly Pending[]) => {
    await payVerify(record)
    for (const each of older) if (each.verifyOwedAt !== null) await payVerify(each)
  }

  const parkRecord = async (
    record: Pending,
    { reason, message, notes }: { readonly reason: ParkReason; readonly message: string; readonly notes?: Notes },
    fence: Fence,
  ) => {
    await payVerify(record)
    const at = wallNow()
    const letter = deadLetterMessage(deadLetterTopic, unpack(record.packed), {
      origin: record.origin,
      reason,
      message,
      attempts: record.attempts,
      firstFailureAt: record.firstFailureAt ?? at,
      lastFailureAt: at,
      redrives: record.mark?.redrives ?? 0,
    })
    await send([letter], fence)
    metrics.parked(record.topic ?? 'unknown', reason)
    end(record, 'parked', reason, null, notes)
  }

  /**
   * Of very many superseded records, most end before the newest record. If the partition is lost meanwhile, its next owner handles the
   * newest record again, and no superseded record afterwards.
   */
  const endAll = async (record: Pending, older: readonly Pending[], endNewest: () => void, fence: Fence) => {
    await payVerifies(record, older)
    const endOlder = (from: number) => {
      for (const each of older.slice(from, from + RECORDS_AT_ONCE)) end(each, 'skipped', 'superseded', null)
    }
    let from = 0
    for (; older.length - from > RECORDS_AT_ONCE; from += RECORDS_AT_ONCE) {
      endOlder(from)
      await options.turns.next()
      fence()
    }
    endNewest()
    endOlder(from)
  }

  const wait: Settler['wait'] = async (record, older, reason, until, fence) => {
    const deferred = until - record.enteredAt > options.deferAfterMs || options.isOverShare(record.tenant)
    if (!deferred) {
      for (const each of [record, ...older]) each.dueAt = Math.max(until, now() + 1)
      return
    }
    await defer(record, older, reason, until, fence)
  }

  const defer: Settler['defer'] = async (record, older, reason, until, fence) => {
    const passes = record.mark?.passes ?? 0
    const { baseMs, capMs } = laneWaitOf(reason)
    const pause = Math.min(capMs, baseMs * 2 ** passes) * (0.75 + random() / 2)
    await payVerifies(record, older)
    await writeToRetryTopic(record, 'deferred', reason, Math.max(until, now() + pause), fence)
    await endAll(record, older, () => end(record, 'deferred', reason, null), fence)
  }

  return {
    wait,
    defer,
    async passOn(records, fence) {
      for (const record of records) await payVerify(record)
      const messages = records.flatMap((record) => {
        if (record.mark === null) return []
        const { attempts, brownout, dueAt } = record
        const mark = {
          ...record.mark,
          attempts,
          brownoutMs: brownout.lastedMs,
          notBefore: Math.ceil(wallTimeOf(dueAt)),
        }
        return [laneMessage(retryTopic, unpack(record.packed), mark)]
      })
      await send(messages, fence)
      for (const record of records) {
        record.state.tracker.end(record.offset)
        queues.remove(record)
      }
    },
    async owesVerify(record) {
      owe(record, now())
      await payVerify(record)
    },
    async settle(record, older, outcome, fence) {
      switch (outcome.kind) {
        case 'done':
          return endAll(record, older, () => end(record, 'done', null, outcome.effect ?? null, outcome.notes), fence)
        case 'skipped':
          return endAll(record, older, () => end(record, 'skipped', outcome.reason, null, outcome.notes), fence)
        case 'park':
          await parkRecord(record, outcome, fence)
          for (const each of older) each.dueAt = 0
          return
        case 'retry': {
          const at = now()
          // Its verify is the next look, in its place: with one besides itself at every try there would soon be hundreds of
          // them, for ever. The last try leaves none.
          const looksAgain = record.mark?.why === 'verify'
          record.firstFailureAt ??= wallNow()
          metrics.retried(record.topic ?? 'unknown', outcome.reason)
          if (outcome.verify) owe(record, at)
          record.brownout = afterBrownout(record.brownout, outcome.reason === 'brownout', at)
          const rule = RETRY_REASONS[record.brownout.isOver ? 'target-failed' : outcome.reason]
          if (rule.counts) record.attempts++
          if (rule.counts && record.attempts >= Math.max(1, options.maxAttempts)) {
            if (looksAgain) record.verifyOwedAt = null
            const { message = outcome.reason, notes } = outcome
            await parkRecord(record, { reason: rule.parksAs, message, ...(notes && { notes }) }, fence)
            for (const each of older) each.dueAt = 0
            return
          }
          if (outcome.verify && looksAgain)
            return endAll(record, older, () => end(record, 'deferred', outcome.reason, null), fence)
          await payVerify(record)
          const uncountedMs =
            outcome.reason === 'brownout'
              ? brownoutWaitMs(record.brownout, random)
              : UNCOUNTED_WAIT_MS * (0.5 + random())
          const ownMs = rule.counts ? backoff(record.attempts - 1, { ...BACKOFF, random }) : uncountedMs
          const delayMs = outcome.afterMs ?? ownMs
          return wait(record, older, outcome.reason, at + Math.max(1, Math.floor(delayMs)), fence)
        }
      }
    },
  }
}
