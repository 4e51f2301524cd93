import { parseArgs } from 'node:util'
import { startBench } from './bench-system.ts'
import { runSyncctl } from './cli-process.ts'

const TENANT = 'acme-no'
/** Far above what is asked, so that no rate limit shows. */
const LIMITS = { requestsPerSecond: 20_000, maxInFlight: 2_000 }
const AT = Date.parse('2026-01-01T00:00:00.000Z')
/** One in so many differs. */
const EVERY = 1_000

/** `npm run bench -- reconcile [--customers 100000]`: time and peak memory of a whole comparison, some of it in drift. */
export async function reconcile(args: readonly string[]): Promise<void> {
  const { values } = parseArgs({ args: [...args], options: { customers: { type: 'string', default: '100000' } } })
  const customers = Number(values.customers)
  const stops: (() => Promise<unknown>)[] = []
  try {
    const { flow, omnium, env, folder } = await startBench([TENANT], [], stops, LIMITS)
    console.error(`seeding ${customers} customers in both systems`)
    for (let n = 0; n < customers; n++) seed(flow, omnium, n)
    const shares = { FLOW_RATE_SHARE: '1', OMNIUM_RATE_SHARE: '1' }
    const { code, seconds, peakMiB, out } = await runSyncctl(
      ['reconcile', '--tenant', TENANT],
      { ...env, ...shares },
      folder,
    )
    console.error(out)
    console.table([{ customers, code, seconds: Number(seconds.toFixed(1)), 'peak MiB': peakMiB }])
  } finally {
    for (const stop of stops.reverse()) await stop()
  }
}

type System = Awaited<ReturnType<typeof startBench>>

function seed(flow: System['flow'], omnium: System['omnium'], n: number): void {
  const id = `customer-${n}`
  // Two of a second, as a shop's customers never are, and a few companies among them.
  const at = new Date(AT + n * 500).toISOString()
  const contact = { email: `${id}@example.com`, city: 'Oslo', address: `Street ${n}`, postalCode: '0155' }
  const times = { createdAt: at, lastModifiedAt: at }
  const isCompany = n % 10 === 0
  const name = n % EVERY === 0 ? 'Wrong' : 'Kari'
  const address = { line1: contact.address, city: 'Oslo', postalCode: '0155', countryCode: 'NO' }
  const properties = [{ key: 'flowLastModifiedAt', value: at }]
  const common = { customerId: id, email: contact.email, address, properties, created: at, modified: at }
  if (isCompany) {
    const companyName = `Company ${n}`
    flow.seed(TENANT, [
      {
        customerUid: id,
        customerType: 'COMPANY',
        externalId: id,
        companyName,
        countryCode: 'NO',
        ...contact,
        ...times,
      },
    ])
    const named = { ...address, name: companyName }
    omnium.seed(TENANT, 'B2B', [{ ...common, name: n % EVERY === 0 ? 'Wrong' : companyName, address: named }])
  } else {
    flow.seed(TENANT, [
      {
        customerUid: id,
        customerType: 'PERSON',
        externalId: id,
        firstname: 'Kari',
        lastname: 'E',
        ...contact,
        ...times,
      },
    ])
    omnium.seed(TENANT, 'B2C', [{ ...common, firstName: name, lastName: 'E' }])
  }
}
