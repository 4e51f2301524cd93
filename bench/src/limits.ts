import { parseArgs } from 'node:util'
import type { OmniumApi } from '@sync/sandbox/omnium-api'
import { startBench } from './bench-system.ts'
import { untilCreated } from './until-created.ts'
import { flowCustomer, writeSnapshots } from './write-snapshots.ts'

const WITHIN_MS = 300_000
const MAPPER = { clientId: 'mapper', clientSecret: 'secret', apiUser: 'mapper' }
/** The limits of the customer-mapper at Omnium with an API user of its own. */
const OWN = { perSecond: 80, slots: 14 }
/** The limits of the customer-mapper at Omnium with the API user that all services share. */
const SHARED = { perSecond: 45, slots: 9 }

/**
 * `npm run bench -- limits [--customers 1000] [--latency 100]` lets 1 and then 3 instances of the customer-mapper write a backlog
 * to an Omnium that enforces its documented limits. In each run one tenant has an API user for the customer-mapper, and the
 * other tenant has one API user for all services. The column `of what is possible` is the measured rate divided by
 * min(slots / latency, requests a second).
 */
export async function limits(args: readonly string[]): Promise<void> {
  const { values } = parseArgs({
    args: [...args],
    options: { customers: { type: 'string', default: '1000' }, latency: { type: 'string', default: '100' } },
  })
  const [customers, latencyMs] = [Number(values.customers), Number(values.latency)]
  const uids = Array.from({ length: customers }, (_, n) => `customer-${n}`)
  const stops: (() => Promise<unknown>)[] = []
  const isOwn = (tenant: string) => tenant.startsWith('own')
  try {
    const tenants = ['own-1', 'shared-1', 'own-3', 'shared-3']
    const { flow, omnium, env, start } = await startBench(tenants, [], stops, {}, (uid) => ({
      settings: isOwn(uid) ? { apiUsers: { 'customer-mapper': MAPPER } } : {},
      standIn: isOwn(uid) ? { apiUsers: [MAPPER] } : {},
    }))
    for (const tenant of tenants) flow.seed(tenant, uids.map(flowCustomer))
    omnium.faults.add({ kind: 'latency', latencyMs })
    const table: Record<string, unknown>[] = []
    for (const instances of [1, 3]) {
      for (let i = instances === 1 ? 0 : 1; i < instances; i++) await start('customer-mapper', `bench-mapper-${i}`)
      const measured = tenants.filter((tenant) => tenant.endsWith(`-${instances}`))
      await Promise.all(measured.map((tenant) => writeSnapshots(env, tenant, uids, customers)))
      await untilCreated(omnium, measured, customers, WITHIN_MS)
      for (const tenant of measured) {
        const { perSecond, slots } = isOwn(tenant) ? OWN : SHARED
        const possible = Math.min(perSecond, (slots * 1_000) / latencyMs)
        const { rate, throttled } = rateOf(omnium, tenant)
        table.push({
          ...{ 'API user': isOwn(tenant) ? 'for each service' : 'shared', instances },
          ...{ 'requests/s': Number(rate.toFixed(1)), 'of what is possible': percent(rate / possible) },
          'answered 429': percent(throttled),
        })
      }
    }
    console.table(table)
  } finally {
    for (const stop of stops.reverse()) await stop()
  }
}

/** Without the first and the last tenth, in which the service starts or has too little to do. */
function rateOf(omnium: OmniumApi, tenant: string): { rate: number; throttled: number } {
  const requests = omnium.journal
    .entries({ kind: 'request' })
    .flatMap((entry) => (entry.kind === 'request' && entry.tenant === tenant && entry.apiUser !== null ? [entry] : []))
  const times = requests.map(({ at }) => at).sort((a, b) => a - b)
  const [from, to] = [0.1, 0.9].map((part) => Math.floor(times.length * part)) as [number, number]
  const seconds = (times[to]! - times[from]!) / 1_000
  const throttled = requests.filter(({ status }) => status === 429).length
  return { rate: (to - from) / seconds, throttled: throttled / requests.length }
}

const percent = (part: number): string => `${(part * 100).toFixed(1)} %`
