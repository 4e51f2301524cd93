import type { SyncOutcome } from '@sync/shared/contracts/sync-outcome'
import type { Cluster } from './cluster.ts'
import { readValue } from './read-value.ts'
import { counted, duration, painter, type Terminal, table } from './terminal.ts'

/** Next offset of each partition of `sync.outcomes.v1`. */
export type OutcomeEnds = Readonly<Record<number, number>>

const OUTCOMES = 'sync.outcomes.v1'

export async function outcomeEnds({ admin, prefix }: Cluster): Promise<OutcomeEnds> {
  const offsets = await admin.fetchTopicOffsets(prefix + OUTCOMES)
  return Object.fromEntries(offsets.map(({ partition, high }) => [partition, Number(high)]))
}

/**
 * Tells of every outcome from there on, until `isOver` (asked after each of them) holds. Rejects with the signal's reason
 * or what Kafka can't get over.
 */
export async function followOutcomes(
  cluster: Cluster,
  from: OutcomeEnds,
  take: (outcome: SyncOutcome) => void,
  isOver: () => boolean,
): Promise<void> {
  if (isOver()) return
  const over = new AbortController()
  const ranges = Object.entries(from).map(([partition, offset]) => ({
    topic: cluster.prefix + OUTCOMES,
    partition: Number(partition),
    from: offset,
    to: Number.POSITIVE_INFINITY,
  }))
  // What ends without an outcome to be read after it must be noticed too.
  const timer = setInterval(() => isOver() && over.abort(DONE), CHECK_MS)
  try {
    await cluster.read({
      ranges,
      signal: AbortSignal.any([over.signal, cluster.signal]),
      async take(record) {
        const outcome = await readValue(cluster, OUTCOMES, record)
        if (outcome) take(outcome)
        if (isOver()) over.abort(DONE)
      },
    })
  } catch (error) {
    if (error !== DONE) throw error
  } finally {
    clearInterval(timer)
  }
}

const DONE = new Error('done')
const CHECK_MS = 250

/** Counts by outcome and reason, the most frequent first: `[['skipped(unchanged)', 12], …]`. */
export function createTally() {
  const counts = new Map<string, number>()
  return {
    add(outcome: string, reason: string | null): void {
      const name = reason === null ? outcome : `${outcome}(${reason})`
      counts.set(name, (counts.get(name) ?? 0) + 1)
    },
    entries: () =>
      [...counts].map(([name, records]) => {
        const [, outcome, reason = null] = /^([^(]*)(?:\((.*)\))?$/.exec(name)!
        return { outcome, reason, records }
      }),
    rows: (): [string, number][] => [...counts].sort((a, b) => b[1] - a[1]),
    of: (outcome: string): number =>
      [...counts].reduce((sum, [name, n]) => sum + (name === outcome || name.startsWith(`${outcome}(`) ? n : 0), 0),
  }
}
export type Tally = ReturnType<typeof createTally>

/** How many ended how, and how long that took. */
export function summary(tally: Tally, total: number, ms: number, terminal: Terminal): string {
  const rows = tally.rows().map(([name, n]) => [name, String(n)])
  return `${table(rows)}\n${painter(terminal)('bold', `${counted(total, 'record')} ended in ${duration(ms)}.`)}\n`
}
