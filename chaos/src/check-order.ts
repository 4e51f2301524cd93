import type { Journal, WriteEntry } from '@sync/sandbox/journal'
import { retryTopicOf, type TopicName } from '@sync/shared/kafka/topics'
import type { Check } from './check.ts'
import type { ClockStep } from './fleet.ts'
import { nameOf } from './operations.ts'
import { jsonOf, type StoredRecord } from './records.ts'
import type { System } from './system.ts'

/**
 * The order in which versions took effect at Omnium. A write is left out that Omnium executed after we had given it up:
 * neither side can prevent that, and what it undid has to be mended, which the end shows. Such a write is known by the
 * stand-in, when that was its fault, or by its `verify` record in the retry lane, when it was the machine's.
 * The times of a `verify` record are of the clock of its writer, which `clockSteps` may have set. The record does not name its
 * writer. So where a stepped clock may have written a time, the time counts as it stands and without the step.
 */
export function checkOrder(
  { omnium }: System,
  lane: readonly StoredRecord[],
  clockSteps: readonly ClockStep[] = [],
): Check[] {
  const late = requestsStruck(omnium.journal, 'late')
  const writes = omnium.journal.writes().filter((it) => it.requestId !== null && !late.has(it.requestId))
  return [
    inversions('writes of customers', writes, versionOf, givenUp(lane, 'flow.customers.v1', clockSteps)),
    inversions(
      'writes of parents',
      writes,
      ({ parentVersion }) => parentVersion?.split('|')[0] ?? null,
      givenUp(lane, 'company.parent-changes.v1', clockSteps),
    ),
  ]
}

/**
 * The version that a write asserts. null for an Update of a whole company, because such an Update repeats the version of an
 * earlier read. The Update may undo a write that came after that read. The customer-mapper then writes the company again, and the
 * checks of the customers show the result.
 */
const versionOf = ({ resource, operation, version }: WriteEntry): string | null =>
  resource === 'BusinessCustomer' && operation === 'updated' ? null : version

function inversions(
  what: string,
  writes: readonly WriteEntry[],
  versionOf: (write: WriteEntry) => string | null,
  given: ReadonlyMap<string, readonly GivenUp[]>,
): Check {
  const newest = new Map<string, string>()
  const wrong: string[] = []
  let counted = 0
  let late = 0
  for (const write of writes) {
    const version = versionOf(write)
    if (version === null) continue
    counted++
    const at = nameOf(write.tenant, `${write.resource} ${write.id}`)
    const before = newest.get(at)
    if (before === undefined || Date.parse(version) >= Date.parse(before)) newest.set(at, version)
    else if (given.get(nameOf(write.tenant, write.id))?.some((it) => wasGivenUp(write.at, version, it))) late++
    else wrong.push(`${at}: ${version} after ${before} (${write.requestId}, ${new Date(write.at).toISOString()})`)
  }
  const leftOut = late > 0 ? `, but for ${late} late ones` : ''
  return { name: `${what} in the order of their versions${leftOut}`, counted, wrong }
}

/** A write that may still be executed. Times in ms: when that was said, and when it is over. */
interface GivenUp {
  readonly version: string
  readonly saidAt: number
  readonly overAt: number
}

/** From giving a write up to the record that says so. */
const SAID_WITHIN_MS = 2_000

/**
 * Executed before it is over. A record out of its place (a replayed one) writes what Flow holds by then, which is newer
 * than what it says itself: of its writes only the time is known.
 */
function wasGivenUp(at: number, version: string, { version: said, saidAt, overAt }: GivenUp) {
  if (at > overAt) return false
  if (said === version) return true
  return at >= saidAt - SAID_WITHIN_MS && Date.parse(version) > Date.parse(said)
}

/** By key, the writes for records of `topic` that the lane says may still be executed. */
function givenUp(
  lane: readonly StoredRecord[],
  topic: TopicName,
  clockSteps: readonly ClockStep[],
): Map<string, GivenUp[]> {
  const given = new Map<string, GivenUp[]>()
  for (const { topic: retryTopic, key, headers, value, at } of lane) {
    const version = jsonOf(value)?.version
    const text = (name: string) => headers[name]?.toString() ?? ''
    // One that was put off since says another reason, and a later time.
    const isSaid = text('lane-why') === 'verify' && text('lane-reason') === 'unknown-end'
    if (!isSaid || !text('lane-topic').endsWith(topic) || key === null || typeof version !== 'string') continue
    const overAt = Number(text('lane-not-before'))
    const those = possibleSteps(clockSteps, retryTopic, at).map((ms) => ({
      version,
      saidAt: at - ms,
      overAt: overAt - ms,
    }))
    given.set(key, [...(given.get(key) ?? []), ...those])
  }
  return given
}

/** A process follows the file of its clock with this delay at most, unless it is frozen. */
const STEPPED_WITHIN_MS = 1_000

/** How far ahead the clock may have been that wrote the time `at` to a retry topic, in ms. */
function possibleSteps(clockSteps: readonly ClockStep[], retryTopic: string, at: number): number[] {
  const those = clockSteps.filter(({ service, byMs, fromMs, toMs }) => {
    const trueAt = at - byMs
    return (
      retryTopic === retryTopicOf(service) &&
      trueAt >= fromMs &&
      trueAt <= (toMs ?? Number.POSITIVE_INFINITY) + STEPPED_WITHIN_MS
    )
  })
  return [0, ...those.map(({ byMs }) => byMs)]
}

function requestsStruck(journal: Journal, fault: string): Set<string> {
  const ids = new Set<string>()
  for (const entry of journal.entries({ kind: 'request' })) {
    if (entry.kind === 'request' && entry.fault === fault) ids.add(entry.requestId)
  }
  return ids
}
