import { percentile } from '@sync/sandbox/demo/percentile'
import type { WriteEntry } from '@sync/sandbox/journal'
import type { Flood } from './plan-floods.ts'

/** ms from a change in Flow to its write in Omnium. */
export interface FloodDelays {
  /** Of changes during a flood, of tenants that flood and of tenants that do not. */
  readonly flooding: readonly number[]
  readonly others: readonly number[]
  /** Of all tenants, outside of all floods. */
  readonly calm: readonly number[]
}

type Write = Pick<WriteEntry, 'at' | 'requestId' | 'tenant' | 'resource' | 'id' | 'version'>

/** A flood is noticed for some time after its last change. */
const BACKLOG_MS = 5_000

/** `startedAt`: when the workload began, in ms since the epoch. */
export function floodDelays(writes: readonly Write[], floods: readonly Flood[], startedAt: number): FloodDelays {
  const delays = { flooding: [] as number[], others: [] as number[], calm: [] as number[] }
  const seen = new Set<string>()
  for (const { at, requestId, tenant, resource, id, version } of writes) {
    if (requestId === null || version === null) continue
    // A later write may repeat a version: the first write brought the change.
    const change = JSON.stringify([tenant, resource, id, version])
    if (seen.has(change)) continue
    seen.add(change)
    const changedMs = Date.parse(version) - startedAt
    const those = floods.filter(({ atMs, forMs }) => changedMs >= atMs && changedMs <= atMs + forMs + BACKLOG_MS)
    const isFlooding = those.some(({ tenants }) => tenants.includes(tenant))
    delays[those.length === 0 ? 'calm' : isFlooding ? 'flooding' : 'others'].push(at - Date.parse(version))
  }
  return delays
}

/** A line for the report. Other faults of the run delay changes too. */
export function describeFloods(floods: readonly Flood[], { flooding, others, calm }: FloodDelays): string {
  const text = (delays: readonly number[]) =>
    delays.length === 0
      ? 'no changes'
      : `p50 ${percentile(delays, 0.5)} ms, p95 ${percentile(delays, 0.95)} ms of ${delays.length} changes`
  const tenants = floods.map((flood) => flood.tenants.length).join(', ')
  return `${floods.length} floods (of ${tenants} tenants). Delay of the other tenants: ${text(others)}. Delay of the flooding tenants: ${text(flooding)}. Delay outside of floods: ${text(calm)}`
}
