import { keyOf } from '@sync/shared/kafka/publisher'
import type { Written } from './keyed-load.ts'
import type { SinkCall } from './keyed-sink.ts'

type Effect = SinkCall & { readonly executedAt: number }
interface OfKey {
  readonly tenant: string
  readonly key: string
}

const nameOf = ({ tenant, key }: OfKey) => keyOf(tenant, key)
const recordOf = (record: OfKey & { readonly n: number }) => `${nameOf(record)} n=${record.n}`
const textOf = (call: SinkCall) => `${recordOf(call)} by ${call.member}/${call.pid} at ${Math.round(call.arrivedAt)}`

/** Writes in the order in which they took effect. */
export const effects = (calls: readonly SinkCall[]): readonly Effect[] =>
  calls.filter((call): call is Effect => call.executedAt !== null).sort((a, b) => a.executedAt - b.executedAt)

/** Records that never took effect. */
export function lost(written: readonly Written[], calls: readonly SinkCall[]): readonly string[] {
  const applied = new Set(effects(calls).map(recordOf))
  return written.map(recordOf).filter((record) => !applied.has(record))
}

/** Keys whose newest record is not what the sink holds. */
export function behind(
  newest: ReadonlyMap<string, number>,
  stored: (key: string) => number | undefined,
): readonly string[] {
  return [...newest].filter(([key, n]) => stored(key) !== n).map(([key, n]) => `${key} n=${n}: ${stored(key)}`)
}

/** Records that took effect more than once, with all their effects in order. */
export function repeats(calls: readonly SinkCall[]): readonly (readonly Effect[])[] {
  const of = Map.groupBy(effects(calls), (call) => `${recordOf(call)} ${call.step}`)
  return [...of.values()].filter((each) => each.length > 1)
}

/** Records whose first effect came after a newer one of their key. */
export function outOfOrder(calls: readonly SinkCall[]): readonly string[] {
  const seen = new Set<string>()
  return descending(
    effects(calls).filter((call) => {
      const isFirst = !seen.has(recordOf(call))
      seen.add(recordOf(call))
      return isFirst
    }),
    nameOf,
  )
}

/**
 * What a process sent for a key after something newer that took effect in the same turn. A `verify` is out of its place:
 * when a call for several records broke off, it may come before the older ones are handled again (for which the services
 * compare versions, and the keyed member does not). When another process has sent for the partition meanwhile, what that
 * one left is handled again, and so in another turn.
 */
export const wentBack = (calls: readonly SinkCall[], partitionOf: PartitionOf): readonly string[] =>
  [...turns(calls, partitionOf).values()].flat().flatMap((turn) =>
    descending(
      effects(turn.calls).filter(({ lane }) => lane !== 'verify'),
      nameOf,
    ),
  )

function descending(ordered: readonly Effect[], by: (call: Effect) => string): readonly string[] {
  const newest = new Map<string, Effect>()
  const found: string[] = []
  for (const call of ordered) {
    const before = newest.get(by(call))
    if (before !== undefined && call.n < before.n) found.push(`${textOf(call)} after ${textOf(before)}`)
    else newest.set(by(call), call)
  }
  return found
}

/** Requests of one key that were under way, or yet to be executed, at the same time. */
export function overlaps(calls: readonly SinkCall[]): readonly string[] {
  const open = new Map<string, SinkCall>()
  const found: string[] = []
  for (const call of calls.toSorted((a, b) => a.arrivedAt - b.arrivedAt)) {
    const before = open.get(nameOf(call))
    if (before !== undefined && endOf(before) > call.arrivedAt) found.push(`${textOf(call)} during ${textOf(before)}`)
    if (before === undefined || endOf(before) < endOf(call)) open.set(nameOf(call), call)
  }
  return found
}
const endOf = ({ endedAt, executedAt }: SinkCall) => Math.max(endedAt ?? Number.POSITIVE_INFINITY, executedAt ?? 0)

/** What a process sent for a partition until another one did. */
export interface Turn {
  readonly pid: number
  readonly calls: SinkCall[]
}
type PartitionOf = (tenant: string, key: string) => number

/** Of each partition, in the order of arrival. */
export function turns(calls: readonly SinkCall[], partitionOf: PartitionOf): ReadonlyMap<number, readonly Turn[]> {
  const found = new Map<number, Turn[]>()
  for (const call of calls.toSorted((a, b) => a.arrivedAt - b.arrivedAt)) {
    const partition = partitionOf(call.tenant, call.key)
    const of = found.get(partition) ?? []
    found.set(partition, of)
    const last = of.at(-1)
    if (last?.pid === call.pid) last.calls.push(call)
    else of.push({ pid: call.pid, calls: [call] })
  }
  return found
}

/** The value below which `share` (0 to 1) of the numbers lie. */
export function quantile(numbers: readonly number[], share: number): number {
  const sorted = numbers.toSorted((a, b) => a - b)
  return sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * share))] ?? 0
}
