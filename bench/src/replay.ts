import { setTimeout as delay } from 'node:timers/promises'
import { parseArgs } from 'node:util'
import { startBench } from './bench-system.ts'
import { runSyncctl } from './cli-process.ts'
import { flowCustomer, writeSnapshots } from './write-snapshots.ts'

const TENANT = 'acme-no'
/** Far above what is asked, so that no rate limit shows. */
const LIMITS = { requestsPerSecond: 20_000, maxInFlight: 2_000 }

/**
 * `npm run bench -- replay [--customers 10000] [--snapshots 100000] [--latency 20]`: a topic with several snapshots of each
 * customer is replayed to the customer-mapper, and decided on by a dry run; every third customer differs in Omnium.
 */
export async function replay(args: readonly string[]): Promise<void> {
  const { values } = parseArgs({
    args: [...args],
    options: {
      customers: { type: 'string', default: '10000' },
      snapshots: { type: 'string', default: '100000' },
      latency: { type: 'string', default: '20' },
    },
  })
  const [customers, snapshots, latencyMs] = [Number(values.customers), Number(values.snapshots), Number(values.latency)]
  const stops: (() => Promise<unknown>)[] = []
  try {
    const { flow, omnium, env, folder, start } = await startBench([TENANT], [], stops, LIMITS)
    console.error(`writing ${snapshots} snapshots of ${customers} customers`)
    const uids = Array.from({ length: customers }, (_, n) => `customer-${n}`)
    flow.seed(TENANT, uids.map(flowCustomer))
    await writeSnapshots(env, TENANT, uids, snapshots)
    await start('customer-mapper')
    for (let left = 600; ; left--) {
      const { out } = await runSyncctl(['lag', '--service', 'customer-mapper'], env, folder)
      if (out.includes('nothing waits')) break
      if (left === 0) throw new Error('waiting for the mapper to be up to date: not in time')
      await delay(500)
    }
    // What a faulty mapping might have done since.
    const firstName = (n: number) => (n % 3 === 0 ? 'Wrong' : 'Kari')
    const made = omnium.customers(TENANT, 'B2C')
    omnium.seed(
      TENANT,
      'B2C',
      made.map((customer, n) => ({ ...customer, firstName: firstName(n) })),
    )
    for (const api of [flow, omnium]) api.faults.add({ kind: 'latency', latencyMs })
    const calls = () => [flow, omnium].map((api) => api.journal.entries({ kind: 'request' }).length)
    const measured = async (what: string, more: readonly string[]) => {
      const before = calls()
      const range = ['--service', 'customer-mapper', '--topic', 'flow.customers.v1', '--from', 'earliest']
      const shares = { FLOW_RATE_SHARE: '1', OMNIUM_RATE_SHARE: '1' }
      const { code, seconds, peakMiB, out } = await runSyncctl(
        ['replay', ...range, ...more],
        { ...env, ...shares },
        folder,
      )
      const [inFlow = 0, inOmnium = 0] = calls().map((after, i) => (after - before[i]!) / customers)
      console.error(out.trim().split('\n').slice(-6).join('\n'))
      return {
        ...{ what, code, seconds: Number(seconds.toFixed(1)), 'flow calls/customer': Number(inFlow.toFixed(2)) },
        ...{ 'omnium calls/customer': Number(inOmnium.toFixed(2)), 'syncctl MiB': peakMiB },
      }
    }
    const dry = await measured('dry run', ['--dry-run'])
    const real = await measured('replay', ['--yes'])
    console.table([dry, real])
  } finally {
    for (const stop of stops.reverse()) await stop()
  }
}
