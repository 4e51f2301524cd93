import type { ValueOf } from '@sync/shared/contracts/contracts'
import { headerText } from '@sync/shared/kafka/headers'
import type { SourceRecord } from '@sync/shared/kafka/ports'
import { readLane } from '@sync/shared/kafka/retry-lane'
import type { ContractTopic, TopicName } from '@sync/shared/kafka/topics'
import { STATUS_HEADER } from './dead-letter-records.ts'
import { unprefixed } from './lane-records.ts'

/** One thing that happened to a customer. Names of fields, never values. */
export interface TraceEvent {
  /** ISO 8601. */
  readonly at: string
  readonly event:
    | 'notified'
    | 'fetched'
    | 'erased'
    | 'parent-observed'
    | 'element-removed'
    | 'child-changed'
    | 'ended'
    | 'sent-to-retry-lane'
    | 'parked'
    | 'discarded'
    | 'redriven'
  /** Who did it. */
  readonly service: string
  readonly topic: string
  readonly partition: number
  readonly offset: number
  /** In words. */
  readonly what: string
  /** The record that an end, a lane record or a dead letter is about: `topic/partition/offset`. */
  readonly record?: string
  readonly outcome?: string
  readonly reason?: string
  readonly operation?: string
  readonly target?: string
  readonly changed?: readonly string[]
  /** Fields and lists of the source that could not be read. */
  readonly unreadable?: readonly string[]
  /** Lists of which the target kept an element that was removed at the source. */
  readonly notRemoved?: readonly string[]
  readonly version?: string
  readonly lane?: string
  readonly attempts?: number
  /** From the first handling to the end. */
  readonly durationMs?: number
  /** From the change at its source, as far as its version tells, to this. */
  readonly latencyMs?: number
  readonly traceId?: string
}

/** Ids of other keys that a customer's story goes on under. */
export interface Related {
  readonly orders: Set<string>
  readonly parents: Set<string>
}

type Described = Pick<TraceEvent, 'event' | 'what'> & Partial<TraceEvent>

/** What a record says happened. `value` is null for a tombstone, undefined when it can't be read. */
export function eventOf(
  topic: TopicName,
  record: SourceRecord,
  value: ValueOf<ContractTopic> | null | undefined,
  related: Related,
  prefix: string,
): TraceEvent | null {
  const described = describe(topic, record, value, related, prefix)
  if (described === null) return null
  const traceId = headerText(record.headers, 'traceparent')?.split('-')[1]
  const { at, ...rest } = described
  return {
    at: at ?? new Date(record.timestamp).toISOString(),
    service: headerText(record.headers, 'source') ?? serviceOf(topic),
    topic,
    partition: record.partition,
    offset: record.offset,
    ...(traceId !== undefined && { traceId }),
    ...rest,
  }
}

const serviceOf = (topic: TopicName) => topic.split('.')[0]!

function describe(
  topic: TopicName,
  record: SourceRecord,
  value: ValueOf<ContractTopic> | null | undefined,
  related: Related,
  prefix: string,
): Described | null {
  if (topic.endsWith('.retry.v1')) return laneEvent(topic, record, prefix)
  if (topic.endsWith('.dead-letters.v1')) return letterEvent(topic, record, prefix)
  if (value === undefined) return { event: 'notified', what: 'a record that keeps no contract of ours' }
  if (value === null) {
    const isOurs = headerText(record.headers, 'source') === 'syncctl'
    return { event: 'erased', what: isOurs ? 'tombstone: erased by syncctl' : 'tombstone: gone at its source' }
  }
  switch (topic) {
    case 'flow.notifications.v1':
    case 'omnium.notifications.v1': {
      const { via, action, entity, id, version, repair } = value as ValueOf<'flow.notifications.v1'>
      const said = [via, action, entity === 'order' ? `order ${id}` : null, repair ? 'repair' : null].filter(Boolean)
      return { event: 'notified', what: said.join(' '), ...(version !== null && { version }) }
    }
    case 'flow.customers.v1':
    case 'omnium.customers.v1':
    case 'omnium.orders.v1':
    case 'flow.orders.v1': {
      const snapshot = value as ValueOf<'flow.customers.v1' | 'omnium.orders.v1'>
      const { version, notifiedAt, fetchedAt, id, repair } = snapshot
      if ('order' in snapshot) related.orders.add(id)
      const took = Date.parse(fetchedAt) - Date.parse(notifiedAt)
      return {
        event: 'fetched',
        what: `${'order' in snapshot ? `order ${id}` : 'customer'} read ${took} ms after its notification${repair ? ', repair' : ''}`,
        ...(version !== null && { version }),
        ...latency(version, record.timestamp),
      }
    }
    case 'company.parent-changes.v1': {
      const change = value as ValueOf<'company.parent-changes.v1'>
      if (change.type === 'parent-observed') {
        if (change.parent !== null) related.parents.add(change.parent)
        const parent = change.parent === null ? 'no parent' : `parent ${change.parent}`
        return {
          event: 'parent-observed',
          what: `${change.company} has ${parent} in flow${change.repair ? ', repair' : ''}`,
          version: change.version,
        }
      }
      if (change.type === 'element-removed') {
        return {
          event: 'element-removed',
          what: `${change.company} still holds an element of ${change.list} in omnium`,
        }
      }
      if (change.to !== null) related.parents.add(change.to)
      return {
        event: 'child-changed',
        what: `${change.child} gets ${change.to === null ? 'no parent' : `parent ${change.to}`}: ${change.parent} has to agree`,
        version: change.version,
      }
    }
    case 'sync.outcomes.v1':
      return outcomeEvent(value as ValueOf<'sync.outcomes.v1'>, prefix)
    default:
      return null
  }
}

function outcomeEvent(value: ValueOf<'sync.outcomes.v1'>, prefix: string): Described {
  const { outcome, reason, operation, target, changed, version, lane, attempts, durationMs, endedAt } = value
  const { unreadable = [], notRemoved = [] } = value
  const record = `${unprefixed(value.topic, prefix)}/${value.partition}/${value.offset}`
  const did = operation === null ? '' : ` ${operation}${target === null ? '' : ` in ${target}`}`
  const fields = changed.length > 0 ? `: ${changed.join(', ')}` : ''
  const back = lane === null ? '' : ` (${lane})`
  const named = (text: string, names: readonly string[]) => (names.length > 0 ? `; ${text}: ${names.join(', ')}` : '')
  const notes = named('unreadable', unreadable) + named('not removed', notRemoved)
  return {
    event: 'ended',
    at: endedAt,
    service: value.service,
    what: `${outcome}${reason === null ? '' : `(${reason})`}${did}${fields}${back}${notes}`,
    record,
    outcome,
    ...(reason !== null && { reason }),
    ...(operation !== null && { operation }),
    ...(target !== null && { target }),
    ...(changed.length > 0 && { changed }),
    ...(unreadable.length > 0 && { unreadable }),
    ...(notRemoved.length > 0 && { notRemoved }),
    ...(version !== null && { version }),
    ...(lane !== null && { lane }),
    attempts,
    durationMs,
    ...(outcome === 'done' && latency(version, Date.parse(endedAt))),
  }
}

function laneEvent(topic: TopicName, record: SourceRecord, prefix: string): Described | null {
  const lane = readLane(record)
  if (lane === null) return null
  const { why, origin, reason, notBefore, attempts } = lane.mark
  const due = notBefore > record.timestamp ? `, due ${new Date(notBefore).toISOString()}` : ''
  return {
    event: 'sent-to-retry-lane',
    service: serviceOf(topic),
    what: `${why}${reason === '' ? '' : `: ${reason}`}${due}`,
    record: `${unprefixed(origin.topic, prefix)}/${origin.partition}/${origin.offset}`,
    lane: why,
    ...(reason !== '' && { reason }),
    attempts,
  }
}

function letterEvent(topic: TopicName, record: SourceRecord, prefix: string): Described | null {
  const text = (name: string) => headerText(record.headers, name)
  const reason = text('dl-reason')
  if (reason === undefined) return null
  const status = text(STATUS_HEADER)
  return {
    event: status === 'discarded' || status === 'redriven' ? status : 'parked',
    service: serviceOf(topic),
    what: status === undefined ? `${reason}: ${text('dl-message') ?? ''}` : `${reason}: marked as ${status}`,
    record: `${unprefixed(text('dl-topic') ?? '', prefix)}/${text('dl-partition')}/${text('dl-offset')}`,
    reason,
    attempts: Number(text('dl-attempts') ?? 0),
  }
}

function latency(version: string | null, until: number): { latencyMs?: number } {
  const at = version === null ? Number.NaN : Date.parse(version)
  return Number.isNaN(at) ? {} : { latencyMs: Math.max(0, until - at) }
}
