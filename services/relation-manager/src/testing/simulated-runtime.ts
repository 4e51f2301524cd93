import type { ParentChange } from '@sync/shared/contracts/parent-change'
import { planKey } from '@sync/shared/kafka/plan'
import type { Publisher } from '@sync/shared/kafka/publisher'
import { type Outcome, RETRY_REASONS } from '@sync/shared/outcome'
import type { LaneWhy, StreamHandler } from '@sync/shared/stream'
import { aTenant } from '@sync/shared/testing/builders'
import type { ParentChangeDelivery } from '../fold.ts'
import { createRelationManager } from '../handler.ts'
import type { Chance } from './chance.ts'
import { REQUEST_DEADLINE_MS, type SimulatedPeers } from './simulated-peers.ts'

const TOPIC = 'company.parent-changes.v1'
const PROCESSES = 2
const MAX_ATTEMPTS = 4
const DEFER_AFTER_MS = 60_000

const FRESH = { dueAt: 0, firstSeenAt: null, attempts: 0 } as const

interface Origin {
  readonly topic: typeof TOPIC
  readonly partition: number
  readonly offset: number
}

interface Pending {
  readonly origin: Origin
  readonly key: string
  readonly value: ParentChange
  lane: LaneWhy | null
  dueAt: number
  firstSeenAt: number | null
  attempts: number
  /** When it is read from the topic. */
  arrivesAt: number
}

/** The consume loop as far as a handler can tell: key order, superseding, waits, deferring, parking, crashes. */
export function createSimulatedRuntime(
  simulated: SimulatedPeers,
  chance: Chance,
  bounds: { parentConfirmMs: number; parentWaitMs: number },
) {
  const { peers } = simulated
  const tenant = aTenant()
  const log: Pending[] = []
  const queue: Pending[] = []
  let parked: Pending[] = []
  const busy = new Map<string, number>()
  const epochs = Array<number>(PROCESSES).fill(0)
  /** When the newest record that a process reads again after a crash arrives: what is appended meanwhile comes after it. */
  const readUntil = Array<number>(PROCESSES).fill(0)
  const downUntil = Array<number>(PROCESSES).fill(0)
  const processOf = (key: string) => (key.charCodeAt(key.length - 1) || 0) % PROCESSES

  const append = (key: string, value: ParentChange) => {
    const origin: Origin = { topic: TOPIC, partition: 0, offset: log.length }
    const record: Pending = { origin, key, value, lane: null, ...FRESH, arrivesAt: readUntil[processOf(key)]! }
    log.push(record)
    queue.push(record)
  }
  const onPublished: Publisher['publish'] = async (_topic, messages) => {
    for (const { key, value } of messages) append(key, structuredClone(value) as ParentChange)
  }
  const handlerOf = (process: number): StreamHandler<typeof TOPIC> =>
    createRelationManager({
      ...simulated.portsOf(process, onPublished),
      ...bounds,
      requestDeadlineMs: REQUEST_DEADLINE_MS,
      random: () => chance.below(1000) / 1000,
    })
  const handlers = epochs.map((_, process) => handlerOf(process))

  const deliveryOf = ({ origin, key, value, lane, firstSeenAt, attempts }: Pending): ParentChangeDelivery => ({
    topic: TOPIC,
    origin: { ...origin, offset: BigInt(origin.offset) },
    key,
    tenant,
    id: key.slice(key.indexOf(':') + 1),
    value,
    lane,
    repair: value.type === 'parent-observed' && value.repair,
    attempts,
    firstSeenAt: firstSeenAt ?? peers.now,
    traceparent: undefined,
  })
  const end = (record: Pending) => void queue.splice(queue.indexOf(record), 1)
  const toLane = (record: Pending, lane: LaneWhy, dueAt: number) =>
    queue.push({ ...record, lane: record.lane ?? lane, dueAt })
  const park = (record: Pending, older: readonly Pending[]) => {
    end(record)
    parked.push(record)
    for (const each of older) each.dueAt = 0
  }

  /** How often each outcome came. */
  const ends: Record<string, number> = {}

  const settle = (record: Pending, older: readonly Pending[], outcome: Outcome) => {
    const name = outcome.kind === 'done' ? 'done' : `${outcome.kind} ${outcome.reason}`
    ends[name] = (ends[name] ?? 0) + 1
    if (outcome.kind === 'park') return park(record, older)
    if (outcome.kind !== 'retry') {
      for (const each of [record, ...older]) end(each)
      return
    }
    if (outcome.verify) toLane({ ...record, lane: null }, 'verify', peers.now + 2 * REQUEST_DEADLINE_MS)
    if (RETRY_REASONS[outcome.reason].counts && ++record.attempts >= MAX_ATTEMPTS) return park(record, older)
    const dueAt = peers.now + (outcome.afterMs ?? 500 * 2 ** record.attempts)
    for (const each of [record, ...older]) each.dueAt = dueAt
    if (dueAt - peers.now <= DEFER_AFTER_MS) return
    toLane(record, 'deferred', dueAt)
    for (const each of [record, ...older]) end(each)
  }

  const leadsOf = (key: string) => {
    const records = queue.filter((record) => record.key === key && record.arrivesAt <= peers.now)
    const process = processOf(key)
    return planKey(records.map((record) => ({ record, classified: handlers[process]!.classify(deliveryOf(record)) })))
      .leads
  }
  /** When a record can be handled. */
  const readyAt = ({ key, dueAt, arrivesAt }: Pending) => Math.max(dueAt, arrivesAt, downUntil[processOf(key)]!)
  const idle = () => queue.filter(({ key }) => !busy.has(key))

  const start = async (key: string) => {
    const process = processOf(key)
    const epoch = epochs[process]!
    const due: ReturnType<typeof leadsOf>[number][] = []
    for (const lead of leadsOf(key)) {
      if (lead.record.dueAt <= peers.now) due.push(lead)
      else for (const each of lead.older) each.dueAt = Math.max(each.dueAt, lead.record.dueAt)
    }
    if (due.length === 0) return
    for (const { record } of due) record.firstSeenAt ??= peers.now
    busy.set(key, process)
    const call = { tenant, key, signal: new AbortController().signal, fence: () => {} }
    const deliveries = due.map(({ record }) => deliveryOf(record))
    const outcomes = await handlers[process]!.handle(deliveries, { call, now: () => peers.now }).catch(
      (error: Error) => {
        if (!('code' in error) || error.code !== 'kafka-unavailable') throw error
        return due.map((): Outcome => ({ kind: 'retry', reason: 'kafka-unavailable' }))
      },
    )
    if (epochs[process] !== epoch) return
    busy.delete(key)
    for (const [index, { record, older }] of due.entries()) settle(record, older, outcomes[index]!)
  }

  return {
    append,
    start,
    dueKeys: () => [
      ...new Set(
        idle()
          .filter((record) => readyAt(record) <= peers.now)
          .map(({ key }) => key),
      ),
    ],
    ends,
    parkedCount: () => parked.length,
    /** The companies whose agreement with a child is set aside. */
    refusing: () => new Set(parked.flatMap(({ value }) => (value.type === 'child-changed' ? [value.parent] : []))),
    nextAt: () => Math.min(...idle().map(readyAt), ...peers.late.map(({ at }) => at)),
    isQuiet: () => queue.length === 0 && busy.size === 0 && peers.late.length === 0,
    /** The process dies at whatever line it is; its next life starts once nothing of the former one is under way, and reads some records again. */
    crash(process: number) {
      simulated.crash(process)
      epochs[process]!++
      handlers[process] = handlerOf(process)
      downUntil[process] = peers.now + 2 * REQUEST_DEADLINE_MS
      for (const [key, owner] of busy) if (owner === process) busy.delete(key)
      const lowWaterMark = Math.min(
        log.length,
        ...queue.filter(({ lane }) => lane === null).map(({ origin }) => origin.offset),
      )
      const from = Math.max(0, lowWaterMark - chance.below(4))
      let arrivesAt = downUntil[process]!
      for (const record of log.slice(from)) {
        if (processOf(record.key) !== process) continue
        if (!queue.includes(record)) queue.push(record)
        if (chance.oneIn(3)) arrivesAt += 1000
        Object.assign(record, { ...FRESH, arrivesAt })
      }
      readUntil[process] = arrivesAt
      queue.sort((a, b) => a.origin.offset - b.origin.offset)
    },
    replay(back: number) {
      const record = log.at(-1 - (back % (log.length || 1)))
      if (record !== undefined) queue.push({ ...record, lane: 'replayed', ...FRESH })
    },
    redrive() {
      for (const record of parked) queue.push({ ...record, lane: 'redriven', dueAt: 0, attempts: 0 })
      parked = []
    },
  }
}
export type SimulatedRuntime = ReturnType<typeof createSimulatedRuntime>
