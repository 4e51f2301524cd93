import type { Journal, WriteEntry } from '@sync/sandbox/journal'
import type { Check } from './check.ts'
import { nameOf } from './operations.ts'
import { jsonOf, type StoredRecord } from './records.ts'
import type { System } from './system.ts'

/**
 * The order in which versions took effect at Omnium. A write is left out that Omnium executed after we had given it up:
 * neither side can prevent that, and what it undid has to be mended, which the end shows. Such a write is known by the
 * stand-in, when that was its fault, or by its `verify` record in the retry lane, when it was the machine's.
 */
export function checkOrder({ omnium }: System, lane: readonly StoredRecord[]): Check[] {
  const late = requestsStruck(omnium.journal, 'late')
  const given = givenUp(lane)
  const writes = omnium.journal.writes().filter((it) => it.requestId !== null && !late.has(it.requestId))
  return [
    inversions('writes of customers', writes, ({ version }) => version, given),
    inversions('writes of parents', writes, ({ parentVersion }) => parentVersion, given),
  ]
}

function inversions(
  what: string,
  writes: readonly WriteEntry[],
  versionOf: (write: WriteEntry) => string | null,
  givenUpWrites: ReadonlySet<string>,
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
    else if (givenUpWrites.has(`${nameOf(write.tenant, write.id)} ${version}`)) late++
    else wrong.push(`${at}: ${version} after ${before} (${write.requestId}, ${new Date(write.at).toISOString()})`)
  }
  const leftOut = late > 0 ? `, but for ${late} late ones` : ''
  return { name: `${what} in the order of their versions${leftOut}`, counted, wrong }
}

/** `key version` of each record that says that a write of it may still be executed. */
function givenUp(lane: readonly StoredRecord[]): Set<string> {
  const given = new Set<string>()
  for (const { key, headers, value } of lane) {
    const version = jsonOf(value)?.version
    if (headers['lane-why']?.toString() === 'verify') given.add(`${key} ${version}`)
  }
  return given
}

function requestsStruck(journal: Journal, fault: string): Set<string> {
  const ids = new Set<string>()
  for (const entry of journal.entries({ kind: 'request' })) {
    if (entry.kind === 'request' && entry.fault === fault) ids.add(entry.requestId)
  }
  return ids
}
