import type { Journal, WriteEntry } from '@sync/sandbox/journal'
import type { Check } from './check.ts'
import { nameOf } from './operations.ts'
import type { System } from './system.ts'

/**
 * The order in which versions took effect at Omnium. A write that the stand-in executed long after it had given up
 * answering is left out: its order is Omnium's doing, and what it undid has to be mended, which the end shows.
 */
export function checkOrder({ omnium }: System): Check[] {
  const late = requestsStruck(omnium.journal, 'late')
  const writes = omnium.journal.writes().filter((it) => it.requestId !== null && !late.has(it.requestId))
  return [
    inversions('writes of customers in the order of their versions', writes, ({ version }) => version),
    inversions('writes of parents in the order of their versions', writes, ({ parentVersion }) => parentVersion),
  ]
}

function inversions(
  name: string,
  writes: readonly WriteEntry[],
  versionOf: (write: WriteEntry) => string | null,
): Check {
  const newest = new Map<string, string>()
  const wrong: string[] = []
  let counted = 0
  for (const write of writes) {
    const version = versionOf(write)
    if (version === null) continue
    counted++
    const at = nameOf(write.tenant, `${write.resource} ${write.id}`)
    const before = newest.get(at)
    if (before !== undefined && Date.parse(version) < Date.parse(before)) {
      wrong.push(`${at}: ${version} after ${before} (${write.requestId}, ${new Date(write.at).toISOString()})`)
    } else newest.set(at, version)
  }
  return { name, counted, wrong }
}

function requestsStruck(journal: Journal, fault: string): Set<string> {
  const ids = new Set<string>()
  for (const entry of journal.entries({ kind: 'request' })) {
    if (entry.kind === 'request' && entry.fault === fault) ids.add(entry.requestId)
  }
  return ids
}
