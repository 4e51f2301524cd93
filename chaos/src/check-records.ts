import { READ } from '@sync/sandbox/demo/rest'
import type { Journal } from '@sync/sandbox/journal'
import { SERVICES, type ServiceName } from '@sync/shared/kafka/topics'
import type { Check } from './check.ts'
import { nameOf } from './operations.ts'
import type { Expected } from './oracle.ts'
import { patiently } from './patiently.ts'
import type { Performed } from './perform.ts'
import { DEAD_LETTERS, jsonOf, offsetsOf, readTopics, type StoredRecord } from './records.ts'
import type { Recreation } from './recreate-topic.ts'
import type { System } from './system.ts'

const FINAL: readonly unknown[] = ['done', 'skipped', 'parked']
const INPUTS = READ.filter(({ name }) => !name.endsWith('.retry.v1'))

export interface RecordsSeen {
  readonly checks: readonly Check[]
  /** All that was written besides the snapshots, for a search through it. */
  readonly texts: readonly string[]
}

/**
 * Every accepted notification has its record, every record its end, and what is parked is the poison. Nothing can be demanded of the
 * records of a log that was deleted, because some of them were deleted before a service had read them.
 */
export async function checkRecords(
  system: System,
  expected: Expected,
  performed: Performed,
  recreations: readonly Recreation[],
): Promise<RecordsSeen> {
  const inputs = await readTopics(
    system,
    INPUTS.map(({ name }) => name),
  )
  const outcomes = await readTopics(system, ['sync.outcomes.v1'])
  const letters = await readTopics(system, DEAD_LETTERS)
  return {
    checks: [
      checkAccepted(
        'accepted Flow webhooks on their topic',
        system.flow.journal,
        'flow.notifications.v1',
        inputs,
        recreations,
      ),
      checkAccepted(
        'accepted Omnium webhooks on their topic',
        system.omnium.journal,
        'omnium.notifications.v1',
        inputs,
        recreations,
      ),
      checkEnds(inputs, outcomes, system.prefix, recreations),
      checkParked(letters, expected, performed, system.prefix, recreations),
      checkReasons(letters, outcomes),
      await checkOffsets(system),
    ],
    texts: [...outcomes, ...letters].flatMap(({ value, headers, topic }) => [
      ...Object.values(headers).map(String),
      ...(topic === 'sync.outcomes.v1' ? [String(value)] : []),
    ]),
  }
}

/** An attempt to deliver a webhook takes less time. An attempt that ends later began after the topic was recreated. */
const DELIVERED_WITHIN_MS = 11_000

/** When the newest log of the topic began, in ms since the epoch. */
const beginOf = (topic: string, recreations: readonly Recreation[]) =>
  Math.max(Number.NEGATIVE_INFINITY, ...recreations.filter((it) => it.topic === topic).map(({ doneAt }) => doneAt))

/** A webhook that was accepted before the topic was recreated, or by an attempt that may have begun before, may be in the former log. */
export function checkAccepted(
  name: string,
  journal: Journal,
  topic: string,
  inputs: readonly StoredRecord[],
  recreations: readonly Recreation[] = [],
): Check {
  const from = beginOf(topic, recreations) + DELIVERED_WITHIN_MS
  const stored = new Map<string, number>()
  for (const { key, topic: at, value } of inputs) {
    if (at !== topic || key === null || jsonOf(value)?.via !== 'webhook') continue
    stored.set(key, (stored.get(key) ?? 0) + 1)
  }
  const accepted = new Map<string, number>()
  for (const entry of journal.entries({ kind: 'delivery' })) {
    if (entry.kind !== 'delivery' || entry.end !== 'delivered' || entry.at < from) continue
    const key = nameOf(entry.tenant, entry.objectId)
    accepted.set(key, (accepted.get(key) ?? 0) + 1)
  }
  const wrong = [...accepted]
    .filter(([key, count]) => (stored.get(key) ?? 0) < count)
    .map(([key, count]) => `${key}: ${count} accepted, ${stored.get(key) ?? 0} stored`)
  return { name, counted: [...accepted.values()].reduce((a, b) => a + b, 0), wrong }
}

/**
 * A record of a recreated topic has the offset of a record of the former log, whose end says nothing of it. So there the end must also
 * have the trace of the record.
 */
export function checkEnds(
  inputs: readonly StoredRecord[],
  outcomes: readonly StoredRecord[],
  prefix: string,
  recreations: readonly Recreation[] = [],
): Check {
  const recreated = new Set<string>(recreations.map(({ topic }) => topic))
  const ended = new Set<string>()
  for (const { value } of outcomes) {
    const outcome = jsonOf(value)
    if (outcome === null || !FINAL.includes(outcome.outcome)) continue
    const physical = String(outcome.topic)
    const topic = physical.startsWith(prefix) ? physical.slice(prefix.length) : physical
    const at = `${outcome.service} ${topic}/${outcome.partition}/${outcome.offset}`
    ended.add(recreated.has(topic) ? `${at} ${outcome.traceparent}` : at)
  }
  const wrong: string[] = []
  let counted = 0
  for (const { topic, partition, offset, key, headers } of inputs) {
    const traceparent = headers.traceparent?.toString() ?? null
    for (const service of INPUTS.find(({ name }) => name === topic)!.readers) {
      counted++
      const at = `${service} ${topic}/${partition}/${offset}`
      if (!ended.has(recreated.has(topic) ? `${at} ${traceparent}` : at)) wrong.push(`${at} (${key}) has no end`)
    }
  }
  return { name: 'records with their end', counted, wrong }
}

export function checkParked(
  letters: readonly StoredRecord[],
  { poison, cured }: Expected,
  { garbage }: Pick<Performed, 'garbage'>,
  prefix: string,
  recreations: readonly Recreation[] = [],
): Check {
  const placesOf = (key: string | null) => garbage.filter((it) => it.key === key).map(({ place }) => place)
  const parked = new Set<string>()
  const wrong: string[] = []
  const origins = new Set<string>()
  for (const { key, headers, topic } of letters) {
    const text = (name: string) => headers[name]?.toString() ?? ''
    const origin = `${text('dl-topic').slice(prefix.length)}/${text('dl-partition')}/${text('dl-offset')}`
    origins.add(origin)
    if (key !== null) parked.add(key)
    const isOurs = placesOf(key).includes(origin) || (key !== null && (poison.has(key) || cured.has(key)))
    if (!isOurs) wrong.push(`${topic} ${key} from ${origin}: ${text('dl-reason')} ${text('dl-message')}`)
  }
  for (const key of poison) if (!parked.has(key)) wrong.push(`${key} is poison and not parked`)
  for (const { topic, place, writtenAt } of garbage) {
    if (origins.has(place) || writtenAt < beginOf(topic, recreations)) continue
    wrong.push(`${place} keeps no contract and is not parked`)
  }
  return { name: 'parked is the poison, and nothing else', counted: origins.size, mayBeEmpty: true, wrong }
}

/** What a record is parked for that nobody can read, and for what a customer's that its target refuses or that has no type. */
const GARBAGE_REASONS: readonly unknown[] = ['contract-violation']
const POISON_REASONS: readonly unknown[] = ['refused', 'attempts-exhausted', 'parent-not-found', 'unmappable']
/** RETRY_MAX_ATTEMPTS, as DESIGN's environment leaves it. */
const MAX_ATTEMPTS = 8

/** Whatever is set aside or left out says why, and nothing is set aside for an outage or before it was tried enough. */
export function checkReasons(letters: readonly StoredRecord[], outcomes: readonly StoredRecord[]): Check {
  const wrong: string[] = []
  for (const { topic, key, headers, value } of letters) {
    const text = (name: string) => headers[name]?.toString() ?? ''
    const reason = text('dl-reason')
    const isOfTheirs = [...GARBAGE_REASONS, ...POISON_REASONS].includes(reason)
    const isTried = reason !== 'attempts-exhausted' || Number(text('dl-attempts')) >= MAX_ATTEMPTS
    const isUnread = jsonOf(value) === null
    if (!isOfTheirs || !isTried || isUnread !== GARBAGE_REASONS.includes(reason)) {
      wrong.push(`${topic} ${key}: parked for ${reason} after ${text('dl-attempts')} attempts`)
    }
  }
  for (const { value } of outcomes) {
    const { service, topic, partition, offset, outcome, reason } = jsonOf(value) ?? {}
    const isDone = outcome === 'done'
    if (isDone ? reason === null : typeof reason === 'string' && reason !== '') continue
    wrong.push(`${service} ${topic}/${partition}/${offset}: ${outcome} for the reason ${reason}`)
  }
  return { name: 'reasons of what was parked, skipped or deferred', counted: letters.length + outcomes.length, wrong }
}

async function checkOffsets({ admin, prefix }: System): Promise<Check> {
  const wrong: string[] = []
  let counted = 0
  for (const service of SERVICES) {
    const topics = READ.filter(({ readers }) => (readers as readonly string[]).includes(service)).map(
      ({ name }) => name,
    )
    const committed = await patiently(
      () => admin.fetchOffsets({ groupId: prefix + service, topics: topics.map((it) => prefix + it) }),
      10,
    )
    for (const { topic, partitions } of committed) {
      const ends = await offsetsOf(admin, topic)
      for (const { partition, high } of ends) {
        counted++
        const at = Math.max(0, Number(partitions.find((it) => it.partition === partition)?.offset ?? 0))
        if (at !== Number(high)) wrong.push(`${service as ServiceName} ${topic}/${partition}: ${at} of ${high}`)
      }
    }
  }
  return { name: 'partitions committed to their end', counted, wrong }
}
