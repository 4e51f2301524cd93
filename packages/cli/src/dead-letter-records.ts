import { headerText, withoutHeaders } from '@sync/shared/kafka/headers'
import type { RawMessage, SourceRecord } from '@sync/shared/kafka/ports'
import { readLane } from '@sync/shared/kafka/retry-lane'
import { deadLetterTopicOf, retryTopicOf, SERVICES, type ServiceName } from '@sync/shared/kafka/topics'
import type { Cluster, CustomerSelection } from './cluster.ts'
import { placeOf, unprefixed } from './lane-records.ts'

/** `parked`: nobody has dealt with it since. */
export type LetterState = 'parked' | 'redriven' | 'discarded'

/** A dead letter as it stands, by the origin of its record: what was parked twice by a crash is one. */
export interface Letter {
  readonly id: string
  readonly service: ServiceName
  readonly state: LetterState
  readonly tenant: string | null
  readonly customer: string | null
  readonly reason: string
  readonly message: string
  readonly attempts: number
  readonly redrives: number
  readonly topic: string
  readonly partition: number
  readonly offset: number
  readonly firstFailureAt: string
  readonly lastFailureAt: string
  /** Where it stands on the dead-letter topic. */
  readonly at: { readonly partition: number; readonly offset: number }
}

export interface LetterSelection extends CustomerSelection {
  readonly service?: ServiceName | undefined
  readonly reason?: readonly string[] | undefined
  /** ms since the epoch, by when it was parked last. */
  readonly since?: number | undefined
  readonly until?: number | undefined
}

/** Of a marker on a dead-letter topic: what became of the letter of the same origin. */
export const STATUS_HEADER = 'dl-status'

/** The dead letters that a selection names, oldest first, whatever has become of them. */
export async function readLetters(cluster: Cluster, selection: LetterSelection): Promise<Letter[]> {
  const services = selection.service === undefined ? SERVICES : [selection.service]
  const partition = await cluster.partitionOf(selection)
  const letters = new Map<string, Letter>()
  const serviceOf = new Map(services.map((service) => [cluster.prefix + deadLetterTopicOf(service), service]))
  const ranges = await cluster.ranges(services.map(deadLetterTopicOf), {
    from: selection.since === undefined ? { end: 'earliest' } : { time: selection.since },
    partition,
  })
  await cluster.read({
    ranges,
    take(record) {
      const letter = letterOf(serviceOf.get(record.topic)!, record, cluster.prefix)
      if (letter === null) return
      const place = `${letter.service} ${letter.id}`
      // Parked again before the redrive was marked: the mark is the former letter's.
      if (letter.state !== 'parked' && (letters.get(place)?.redrives ?? 0) > letter.redrives) return
      // In the order of the last parking, so that a list ends with the latest.
      if (letter.state === 'parked') letters.delete(place)
      letters.set(place, letter)
    },
  })
  const found = [...letters.values()].filter((letter) => matches(letter, selection))
  const redriven = await readRedriven(cluster, found)
  return found
    .map((letter) => (isRedriven(letter, redriven) ? { ...letter, state: 'redriven' as const } : letter))
    .sort((a, b) => (a.lastFailureAt < b.lastFailureAt ? -1 : a.lastFailureAt > b.lastFailureAt ? 1 : 0))
}

function matches(letter: Letter, { tenant, customer, reason, since, until }: LetterSelection): boolean {
  const at = Date.parse(letter.lastFailureAt)
  return (
    (tenant === undefined || letter.tenant === tenant) &&
    (customer === undefined || letter.customer === customer) &&
    (reason === undefined || reason.includes(letter.reason)) &&
    (since === undefined || !(at < since)) &&
    (until === undefined || !(at > until))
  )
}

function letterOf(service: ServiceName, record: SourceRecord, prefix: string): Letter | null {
  const text = (name: string) => headerText(record.headers, name)
  const physical = text('dl-topic')
  const partition = Number(text('dl-partition'))
  const offset = Number(text('dl-offset'))
  if (physical === undefined || !Number.isSafeInteger(partition) || !Number.isSafeInteger(offset)) return null
  const topic = unprefixed(physical, prefix)
  const key = record.key?.toString('utf8') ?? ''
  const colon = key.indexOf(':')
  const count = (name: string) => Number(text(name) ?? 0) || 0
  const parkedAt = new Date(record.timestamp).toISOString()
  return {
    id: placeOf({ topic, partition, offset }),
    service,
    state: stateOf(text(STATUS_HEADER)),
    tenant: colon > 0 ? key.slice(0, colon) : null,
    customer: colon > 0 ? key.slice(colon + 1) : null,
    reason: text('dl-reason') ?? 'unknown',
    message: text('dl-message') ?? '',
    attempts: count('dl-attempts'),
    redrives: count('dl-redrives'),
    ...{ topic, partition, offset },
    firstFailureAt: text('dl-first-failure-at') ?? parkedAt,
    lastFailureAt: text('dl-last-failure-at') ?? parkedAt,
    at: { partition: record.partition, offset: record.offset },
  }
}

const stateOf = (status: string | undefined): LetterState =>
  status === 'discarded' || status === 'redriven' ? status : 'parked'

/** By service and origin: the highest redrive count that the retry lane has seen. */
type Redriven = ReadonlyMap<string, number>

const isRedriven = (letter: Letter, redriven: Redriven): boolean =>
  letter.state === 'parked' && (redriven.get(`${letter.service} ${letter.id}`) ?? 0) > letter.redrives

/**
 * The retry lane itself says what was redriven, since when the letters were parked: it holds what was acknowledged, also
 * by a command that was killed before it wrote the marker. (The marker outlives the lane's retention.)
 */
async function readRedriven(cluster: Cluster, letters: readonly Letter[]): Promise<Redriven> {
  const redriven = new Map<string, number>()
  for (const service of new Set(letters.map((letter) => letter.service))) {
    const own = letters.filter((letter) => letter.service === service && letter.state === 'parked')
    if (own.length === 0) continue
    const partitions = new Set(own.map((letter) => letter.at.partition))
    const time = Math.min(...own.map((letter) => Date.parse(letter.lastFailureAt))) - CLOCKS_DIFFER_MS
    const ranges = await cluster.ranges([retryTopicOf(service)], { from: { time } })
    await cluster.read({
      ranges: ranges.filter(({ partition }) => partitions.has(partition)),
      take(record) {
        const lane = readLane(record)
        if (lane === null || lane.mark.why !== 'redriven') return
        const { origin } = lane.mark
        const place = `${service} ${placeOf({ ...origin, topic: unprefixed(origin.topic, cluster.prefix) })}`
        redriven.set(place, Math.max(redriven.get(place) ?? 0, lane.mark.redrives))
      },
    })
  }
  return redriven
}

/** A letter's time is its service's, a record's time the broker's or ours. */
const CLOCKS_DIFFER_MS = 600_000

/** The record that says what has become of a letter: the same origin, so that whoever counts by it counts one. */
export const markerOf = (topic: string, record: SourceRecord, status: Exclude<LetterState, 'parked'>): RawMessage => ({
  topic,
  partition: record.partition,
  key: record.key,
  value: null,
  headers: {
    ...withoutHeaders(record.headers, (name) => !name.startsWith('dl-')),
    [STATUS_HEADER]: status,
    'dl-status-at': new Date().toISOString(),
  },
})

/** Tells of each letter's record, in chunks that the callback works off. Those that are gone from the topic are not told of. */
export async function withRecords(
  cluster: Cluster,
  letters: readonly Letter[],
  work: (chunk: readonly { readonly letter: Letter; readonly record: SourceRecord }[]) => Promise<void>,
): Promise<void> {
  const wanted = new Map(
    letters.map((letter) => [
      `${cluster.prefix}${deadLetterTopicOf(letter.service)}/${letter.at.partition}/${letter.at.offset}`,
      letter,
    ]),
  )
  const byPlace = Map.groupBy(letters, ({ service, at }) => `${service} ${at.partition}`)
  const ranges = [...byPlace.values()].map((own) => ({
    topic: cluster.prefix + deadLetterTopicOf(own[0]!.service),
    partition: own[0]!.at.partition,
    from: Math.min(...own.map(({ at }) => at.offset)),
    to: Math.max(...own.map(({ at }) => at.offset)) + 1,
  }))
  let chunk: { letter: Letter; record: SourceRecord }[] = []
  const flush = async () => {
    const full = chunk
    chunk = []
    if (full.length > 0) await work(full)
  }
  await cluster.read({
    ranges,
    take(record) {
      const letter = wanted.get(`${record.topic}/${record.partition}/${record.offset}`)
      if (letter === undefined) return
      chunk.push({ letter, record })
      if (chunk.length >= CHUNK_RECORDS) return flush()
    },
  })
  await flush()
}

const CHUNK_RECORDS = 200
