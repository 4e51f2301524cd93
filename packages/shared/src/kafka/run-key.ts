import { classifyFailure, SyncError } from '../errors.ts'
import type { EventLoopTurns } from '../event-loop-turns.ts'
import { outcomeOf } from '../failure-outcome.ts'
import type { Fence } from '../http/call.ts'
import type { Logger } from '../logger.ts'
import { isOutcome, type Outcome, type RetryReason } from '../outcome.ts'
import type { Tenant } from '../tenants.ts'
import type { Tracer } from '../tracing.ts'
import type { CircuitGate } from './circuit-gate.ts'
import { type ClassifierOptions, createClassifier } from './classify.ts'
import { createKeyClassifier } from './classify-key.ts'
import { keepsPlace, neededForDue } from './due-plan.ts'
import { startHandling } from './handling-span.ts'
import type { Pending } from './pending.ts'
import { type Lead, planKey } from './plan.ts'
import type { Settler } from './settle.ts'

export interface RunKeyOptions extends ClassifierOptions {
  readonly circuits: CircuitGate
  readonly settler: Settler
  /** Records of a tenant in memory. */
  readonly waitingOf: (tenant: string) => number
  /** Whether records of the tenant should leave the memory, because it is full. A key that is handled keeps its records there. */
  readonly shouldLeave: (tenant: string) => boolean
  /** Takes no key of the tenant until then, unless it is woken. */
  readonly rest: (tenant: string, until: number) => void
  readonly logger: Logger
  /** ms by the steady clock. */
  readonly now: () => number
  readonly random: () => number
  readonly turns: EventLoopTurns
  readonly observeHandling: (topic: string, seconds: number, traceparent?: string) => void
  readonly tracer?: Tracer
  /** TOPIC_PREFIX; goes before the group's name too. */
  readonly prefix?: string
}

/** What one run of a key is held to. */
export interface KeyRun {
  readonly signal: AbortSignal
  readonly fence: Fence
  /** Set if memory is short. Then no record is handled. All are spilled, or only those of the retry topic are passed on. */
  readonly surplus: 'spilled' | 'passed on' | null
}

/** The most leads in one call of the handler, so that some leads of a key with ten thousand end before all are handled. */
const MAX_AT_ONCE = 100
/** A tombstone may end 100,000 records. Other work of the event loop may go between so many of them. */
const RECORDS_PER_LOOK = 50
const [REGISTRY_WAIT_MS, FENCED_WAIT_MS, REST_MS] = [1_000, 200, 100]
const MANY_WAITING = 100
const [MANY_ASK_AGAIN_MS, FEW_ASK_AGAIN_MS] = [20_000, 200]
const UNWRITTEN = 'a dead letter or lane record could not be written: the record stays pending'

/**
 * Handles all pending records of one key. It decodes and plans them, asks the circuits, runs the handler and settles every outcome.
 * Answers whether the remaining records of the key should leave the memory.
 */
export function createKeyRunner(
  options: RunKeyOptions,
): (records: readonly Pending[], run: KeyRun) => Promise<boolean> {
  const { handler, settler, now, wallNow, random, turns } = options

  const classifier = createClassifier(options)
  const { deliveryOf } = classifier

  /** The circuit that keeps a lead waiting, or null when it may start. */
  const heldBy = (lead: Lead<Pending>): { waitsFor: string; until: number } | null => {
    for (const target of lead.classified.targets) {
      const answer = options.circuits.admit(lead.record.tenant, target, lead.record.key)
      if (!answer.admitted) return { waitsFor: `${lead.record.tenant}/${target}`, until: answer.retryAtMs }
    }
    return null
  }

  /** Whether all of them have ended. */
  const handle = async (
    leads: readonly Lead<Pending>[],
    tenant: Tenant,
    { signal, fence }: KeyRun,
  ): Promise<boolean> => {
    const first = leads[0]!.record
    for (const { record } of leads) record.firstSeenAt ??= now()
    const isRetryTopic = leads.every(({ record }) => record.mark !== null)
    const startedAt = performance.now()
    const handling = startHandling(options.tracer, (options.prefix ?? '') + handler.service, tenant.uid, leads)
    const { traceparent } = handling
    const call = { tenant, key: first.key, signal, fence, isRetryTopic, ...(traceparent && { traceparent }) }
    // A wall clock that steps during the call must not make the records older than a handler lets them become.
    const wallAhead = wallNow() - now()
    let outcomes: readonly Outcome[] | null = null
    try {
      outcomes = await handler.handle(
        leads.map(({ record, repair }) => deliveryOf(record, tenant, repair, handling.traceparentOf(record))),
        { call, now: () => now() + wallAhead },
      )
      if (outcomes.length !== leads.length)
        throw new Error(`handler answered ${outcomes.length} outcomes for ${leads.length} records`)
      if (!outcomes.every(isOutcome)) throw new TypeError('handler answered an outcome that does not exist')
    } catch (error) {
      const outcome = outcomeOf(error)
      if (outcome === null) {
        await abandon(leads, error)
        return false
      }
      if (!(error instanceof SyncError)) options.logger.error({ err: error, topic: first.topic }, 'handler failed')
      outcomes = leads.map(() => outcome)
    } finally {
      options.observeHandling(first.topic ?? 'unknown', (performance.now() - startedAt) / 1000, traceparent)
      handling.end(outcomes)
    }
    for (const [index, lead] of leads.entries()) {
      const outcome = outcomes[index]!
      // Nothing ends any more, but what may still be executed late is looked at again.
      if (!signal.aborted) await settleOrWait(lead.record, lead.older, outcome, fence)
      else if (outcome.kind === 'retry' && outcome.verify) await owesVerify(lead.record)
    }
    return !signal.aborted && outcomes.every(({ kind }) => kind !== 'retry')
  }

  /** One that can't be written does not keep the others from it. */
  const owesVerify = async (record: Pending): Promise<void> => {
    try {
      await settler.owesVerify(record)
    } catch (error) {
      if (!(error instanceof SyncError)) throw error
      options.logger.warn({ err: error }, UNWRITTEN)
    }
  }

  /** Fenced or aborted: the records stay as they are, to be handled again by whoever owns the partition. */
  const abandon = async (leads: readonly Lead<Pending>[], error: unknown): Promise<void> => {
    for (const { record, older } of leads) {
      for (const each of [record, ...older]) each.dueAt = Math.max(each.dueAt, now() + FENCED_WAIT_MS)
      if (error instanceof SyncError && error.unknownEnd) await owesVerify(record)
    }
  }

  /** A failed write of ours (Kafka away, or fenced) leaves the record pending; it is handled again soon. */
  const settleOrWait = async (
    record: Pending,
    older: readonly Pending[],
    outcome: Outcome,
    fence: Fence,
  ): Promise<void> => {
    try {
      await settler.settle(record, older, outcome, fence)
    } catch (error) {
      if (!(error instanceof SyncError)) throw error
      const isFenced = classifyFailure(error) === 'abandon'
      const { topic, partition, offset } = record.origin
      if (!isFenced) options.logger.warn({ err: error, topic, partition, offset }, UNWRITTEN)
      const waitMs = isFenced ? FENCED_WAIT_MS : REGISTRY_WAIT_MS * (1 + random())
      for (const each of [record, ...older]) each.dueAt = Math.max(each.dueAt, now() + waitMs)
    }
  }

  /** A circuit wakes who waits for it, so that thousands need not ask it again every second. */
  const askAgainAt = (tenant: string, until: number): number =>
    Math.max(
      until,
      now() + (options.waitingOf(tenant) <= MANY_WAITING ? FEW_ASK_AGAIN_MS : MANY_ASK_AGAIN_MS) * (0.5 + random()),
    )

  /**
   * Putting off thousands of records takes seconds, in which those of other tenants behind them would not be read: it is
   * done bit by bit.
   */
  const letRest = (tenant: string) => {
    if (options.waitingOf(tenant) > MANY_WAITING) options.rest(tenant, now() + REST_MS)
  }

  /** `wait` or `defer` of the settler; when its write fails the records stay. */
  const putOff = async (
    how: 'wait' | 'defer',
    { record, older }: Lead<Pending>,
    reason: RetryReason,
    until: number,
    fence: Fence,
  ) => {
    try {
      await settler[how](record, older, reason, until, fence)
    } catch (error) {
      if (!(error instanceof SyncError)) throw error
      for (const each of [record, ...older]) each.dueAt = Math.max(until, now() + REGISTRY_WAIT_MS)
    }
  }

  const passOn = (records: readonly Pending[], fence: Fence) => {
    const ofRetryTopic = records.filter(({ mark }) => mark !== null)
    return settler.passOn(ofRetryTopic, fence).catch((error: unknown) => {
      if (!(error instanceof SyncError)) throw error
      for (const record of ofRetryTopic) record.dueAt = Math.max(record.dueAt, now() + REGISTRY_WAIT_MS)
    })
  }

  const classifyAll = createKeyClassifier({ ...options, classifier, settleOrWait, turns, maxKept: MAX_AT_ONCE })

  const runAll = async (records: readonly Pending[], run: KeyRun): Promise<boolean> => {
    if (run.surplus === 'passed on') {
      await passOn(records, run.fence)
      return false
    }
    const tenant = options.tenants().get(records[0]?.tenant ?? '')
    const all = await classifyAll(records, tenant, run)
    if (all === null) return false
    // One time decides which records are due. Otherwise a record that falls due meanwhile would overtake earlier records.
    const at = now()
    const plan = planKey(run.surplus === null ? neededForDue(all, at) : all)
    for (const [index, { record, outcome }] of plan.ends.entries()) {
      if (index % RECORDS_PER_LOOK === RECORDS_PER_LOOK - 1) await turns.next()
      if (run.signal.aborted) return false
      record.firstSeenAt ??= now()
      await settleOrWait(record, [], outcome, run.fence)
    }
    const ready: Lead<Pending>[] = []
    /** The first ungrouped record that waits: those behind it keep their place, also ones that come meanwhile. */
    let waiting: Pending | null = null
    for (const lead of plan.leads) {
      if (run.signal.aborted) return false
      if (run.surplus === 'spilled') {
        await putOff('defer', lead, 'over-share', Math.max(lead.record.dueAt, now()), run.fence)
        continue
      }
      const isInPlace = keepsPlace(lead.record, lead.classified)
      const comesAfter = isInPlace ? waiting : null
      if (comesAfter !== null) {
        lead.record.dueAt = Math.max(lead.record.dueAt, comesAfter.dueAt)
        lead.record.waitsFor = comesAfter.waitsFor
      }
      // Also when the one before has fallen due just now: it is not handled in this run.
      if (comesAfter !== null || lead.record.dueAt > at) {
        if (isInPlace) waiting ??= lead.record
        for (const each of lead.older) each.dueAt = Math.max(each.dueAt, lead.record.dueAt)
        continue
      }
      const held = heldBy(lead)
      for (const each of [lead.record, ...lead.older]) each.waitsFor = held?.waitsFor ?? null
      if (held === null) ready.push(lead)
      else {
        await putOff('wait', lead, 'circuit-open', askAgainAt(lead.record.tenant, held.until), run.fence)
        letRest(lead.record.tenant)
        // Not by its dueAt: a circuit that closes meanwhile makes it due at once. One that went to the lane has ended here.
        if (isInPlace && lead.record.state.tracker.isOpen(lead.record.offset)) waiting ??= lead.record
      }
    }
    if (tenant === undefined) return false
    for (let from = 0; from < ready.length && !run.signal.aborted; from += MAX_AT_ONCE) {
      const leads = ready.slice(from, from + MAX_AT_ONCE)
      if (!(await decodeAll(leads, run)) || !(await handle(leads, tenant, run))) return false
      for (const { record } of leads) classifier.forget(record)
      if (options.shouldLeave(tenant.uid)) return from + MAX_AT_ONCE < ready.length
    }
    return false
  }

  /** Whether all of them can be handled now. */
  const decodeAll = async (leads: readonly Lead<Pending>[], { signal, fence }: KeyRun): Promise<boolean> => {
    for (const { record, older } of leads) {
      const unreadable = await classifier.decode(record)
      if (signal.aborted) return false
      if (unreadable === null) continue
      await settleOrWait(record, older, unreadable, fence)
      return false
    }
    return true
  }

  return async (records, run) => {
    try {
      return await runAll(records, run)
    } finally {
      for (const record of records) classifier.forget(record)
    }
  }
}
