import { parseArgs } from 'node:util'
import type { OmniumApi } from '@sync/sandbox/omnium-api'
import { startBench } from './bench-system.ts'
import { untilCreated } from './until-created.ts'
import { newCustomer, writeSnapshots } from './write-snapshots.ts'

const WITHIN_MS = 600_000
const LATENCY_MS = 20
type FaultInput = Parameters<OmniumApi['faults']['add']>[0]
/** How a request fails. The answer of a timeout never comes. */
const KINDS: Readonly<Record<string, readonly FaultInput[]>> = {
  'status 500': [{ kind: 'status', status: 500 }],
  'broken connections': [{ kind: 'reset' }],
  timeouts: [{ kind: 'hang' }],
  'lost replies': [{ kind: 'reply-lost', requests: 'writes' }],
}
const FAILURES = { none: [], ...KINDS, mixed: Object.values(KINDS).flat() }
const SHARES = [0.2, 0.4]

/**
 * `npm run bench -- brownout [--customers 200] [--rate 80] [--only TEXT]` lets the customer-mapper create a backlog of customers in an Omnium
 * that fails at random. The column `times healthy` is the time of the backlog divided by the time with a healthy Omnium in the
 * same run.
 */
export async function brownout(args: readonly string[]): Promise<void> {
  const { values } = parseArgs({
    args: [...args],
    options: {
      customers: { type: 'string', default: '200' },
      /** Requests a second that the tenant's settings allow at Omnium. */
      rate: { type: 'string', default: '80' },
      only: { type: 'string', default: '' },
    },
  })
  const customers = Number(values.customers)
  const uids = Array.from({ length: customers }, (_, n) => `customer-${n}`)
  const cases = Object.entries(FAILURES).flatMap(([name, faults]) =>
    (faults.length === 0 ? [0] : SHARES).map((share) => ({ name, faults, share })),
  )
  const chosen = cases.filter(({ name, share }) => share === 0 || name.includes(values.only))
  const tenants = chosen.map((_, i) => `case-${i}`)
  const stops: (() => Promise<unknown>)[] = []
  try {
    // Flow must not slow the backlog down.
    const flowLimits = { requestsPerSecond: 2_000, maxInFlight: 500 }
    const omniumLimits = { requestsPerSecond: Number(values.rate), maxInFlight: 16 }
    const { flow, omnium, env } = await startBench(tenants, ['customer-mapper'], stops, flowLimits, () => ({
      ...{ settings: omniumLimits, standIn: { modes: { limits: null } } },
    }))
    for (const tenant of tenants) flow.seed(tenant, uids.map(newCustomer))
    omnium.faults.add({ kind: 'latency', latencyMs: LATENCY_MS })
    const table: Record<string, unknown>[] = []
    let healthyMs = 0
    for (const [i, { name, faults, share }] of chosen.entries()) {
      const tenant = tenants[i]!
      for (const fault of faults) omnium.faults.add({ ...fault, tenant, chance: share / faults.length, seed: i })
      const startedAt = performance.now()
      await writeSnapshots(env, tenant, uids, customers, newCustomer)
      await untilCreated(omnium, [tenant], customers, WITHIN_MS)
      const tookMs = performance.now() - startedAt
      if (share === 0) healthyMs = tookMs
      table.push({
        ...{ failures: name, share: `${share * 100} %`, seconds: Number((tookMs / 1_000).toFixed(1)) },
        'times healthy': Number((tookMs / healthyMs).toFixed(1)),
      })
      console.error(table.at(-1))
    }
    console.table(table)
  } finally {
    for (const stop of stops.reverse()) await stop()
  }
}
