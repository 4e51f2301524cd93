import { percentile } from '@sync/sandbox/demo/percentile'
import type { WriteEntry } from '@sync/sandbox/journal'
import { nameOf } from './operations.ts'
import type { Flood } from './plan-floods.ts'

/** ms from a change in Flow until Omnium holds that version of the customer or a newer version. */
export interface FloodDelays {
  /** Of changes during a flood, of tenants that flood and of tenants that do not. */
  readonly flooding: readonly number[]
  readonly others: readonly number[]
  /** Of all tenants, outside of all floods. */
  readonly calm: readonly number[]
}

type Write = Pick<WriteEntry, 'at' | 'requestId' | 'tenant' | 'id' | 'version'>

/** A flood is noticed for some time after its last change. */
const BACKLOG_MS = 5_000

/**
 * `inFlow` and `inOmnium` are all writes in their order. `startedAt`: when the workload began, in ms since the epoch. A change that
 * no write in Omnium followed is left out, such as that of a customer whom Omnium refuses.
 */
export function floodDelays(
  inFlow: readonly Write[],
  inOmnium: readonly Write[],
  floods: readonly Flood[],
  startedAt: number,
): FloodDelays {
  const delays = { flooding: [] as number[], others: [] as number[], calm: [] as number[] }
  const written = new Map<string, { readonly at: number; readonly versionMs: number }[]>()
  for (const { at, requestId, tenant, id, version } of inOmnium) {
    if (requestId === null || version === null) continue
    const name = nameOf(tenant, id)
    const list = written.get(name) ?? []
    list.push({ at, versionMs: Date.parse(version) })
    written.set(name, list)
  }
  for (const { requestId, tenant, id, version } of inFlow) {
    // A write by the API is ours.
    if (requestId !== null || version === null) continue
    const changedAt = Date.parse(version)
    const followed = written.get(nameOf(tenant, id))?.find(({ versionMs }) => versionMs >= changedAt)
    if (followed === undefined) continue
    const atMs = changedAt - startedAt
    const those = floods.filter((it) => atMs >= it.atMs && atMs <= it.atMs + it.forMs + BACKLOG_MS)
    const isFlooding = those.some(({ tenants }) => tenants.includes(tenant))
    delays[those.length === 0 ? 'calm' : isFlooding ? 'flooding' : 'others'].push(followed.at - changedAt)
  }
  return delays
}

/** A line for the report. Other faults of the run delay changes too. */
export function describeFloods(floods: readonly Flood[], { flooding, others, calm }: FloodDelays): string {
  const text = (delays: readonly number[]) =>
    delays.length === 0
      ? 'no changes'
      : `p50 ${percentile(delays, 0.5)} ms, p95 ${percentile(delays, 0.95)} ms of ${delays.length} changes`
  const counts = floods.map(({ tenants }) => tenants.length).join(', ')
  return `floods of ${counts || 'no'} tenants. Delay of the other tenants: ${text(others)}. Delay of the flooding tenants: ${text(flooding)}. Delay outside of floods: ${text(calm)}`
}
