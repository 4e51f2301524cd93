import { parseArgs } from 'node:util'
import type { FlowApi } from '@sync/sandbox/flow-api'
import type { OmniumApi } from '@sync/sandbox/omnium-api'
import { paced } from '@sync/sandbox/paced'
import { SERVICES } from '@sync/shared/kafka/topics'
import { startBench } from './bench-system.ts'

const TENANTS = ['acme-no', 'bolt-no', 'cargo-no', 'delta-no']
const CUSTOMERS = 2_000
/** Every other customer is a company, whose change is a PATCH. */
const isCompany = (n: number) => n % 2 === 1
/** Far above what is asked, so that no rate limit shows. */
const LIMITS = { requestsPerSecond: 2_000, maxInFlight: 500 }
const SETTLE_WITHIN_MS = 60_000

interface Change {
  readonly name: string
  readonly version: string
  /** Flow's clock, which is this process's. */
  readonly at: number
}

/**
 * `npm run bench -- end-to-end [--rate 200] [--seconds 60]`: customers are edited at the till, so many a second, and each
 * edit is followed from its webhook to the write that brings it, or a newer one of its customer, to Omnium.
 */
export async function endToEnd(args: readonly string[]): Promise<void> {
  const { values } = parseArgs({
    args: [...args],
    options: { rate: { type: 'string', default: '200' }, seconds: { type: 'string', default: '60' } },
  })
  const [rate, seconds] = [Number(values.rate), Number(values.seconds)]
  const stops: (() => Promise<unknown>)[] = []
  try {
    const { flow, omnium, services } = await startBench(TENANTS, SERVICES, stops, LIMITS)
    console.error(`creating ${CUSTOMERS} customers`)
    await paced(CUSTOMERS, rate, (n) => void flow.createCustomer(tenantOf(n), customerOf(n)))
    await until(
      'their creation in Omnium',
      () => omnium.journal.writes().length >= CUSTOMERS && isSettled(flow, omnium),
    )
    const cpu = () => Promise.all(SERVICES.map((name) => services.get(name)!.metric('process_cpu_seconds_total')))
    const before = { writes: omnium.journal.writes().length, cpu: await cpu() }

    const changes: Change[] = []
    await paced(rate * seconds, rate, (n) => {
      const { lastModifiedAt } = flow.editCustomer(tenantOf(n), uidOf(n), { city: `City ${changes.length}` })
      changes.push({ name: nameOf(n), version: lastModifiedAt, at: Date.parse(lastModifiedAt) })
    })
    await until('the last writes', () => isSettled(flow, omnium))

    const writes = omnium.journal.writes().slice(before.writes)
    const latencies = latenciesOf(
      changes,
      writes.flatMap(({ tenant, id, version, at }) =>
        version === null ? [] : [{ name: `${tenant}:${id}`, version, at }],
      ),
    )
    console.table([
      {
        'changes/s': rate,
        changes: changes.length,
        writes: writes.length,
        lost: changes.length - latencies.length,
        ...Object.fromEntries(
          [0.5, 0.9, 0.99, 1].map((share) => [
            share === 1 ? 'max ms' : `p${share * 100} ms`,
            quantile(latencies, share),
          ]),
        ),
      },
    ])
    const after = await cpu()
    console.table(
      SERVICES.map((service, i) => ({
        service,
        '% of a core': Math.round(((after[i]! - before.cpu[i]!) / seconds) * 100),
      })),
    )
  } finally {
    for (const stop of stops.reverse()) await stop()
  }
}

const tenantOf = (n: number) => TENANTS[(n % CUSTOMERS) % TENANTS.length]!
const uidOf = (n: number) => `customer-${n % CUSTOMERS}`
const nameOf = (n: number) => `${tenantOf(n)}:${uidOf(n)}`
const customerOf = (n: number) =>
  isCompany(n % CUSTOMERS)
    ? { customerUid: uidOf(n), customerType: 'COMPANY', companyName: `Company ${n}`, countryCode: 'NO' }
    : { customerUid: uidOf(n), customerType: 'PERSON', firstname: 'Kari', lastname: `${n}` }

/** Time from each change to the first write of its customer with its version or a newer one; those without one are left out. */
function latenciesOf(changes: readonly Change[], writes: readonly Change[]): number[] {
  const byName = Map.groupBy(writes, ({ name }) => name)
  return changes.flatMap(({ name, version, at }) => {
    const write = byName.get(name)?.find((each) => Date.parse(each.version) >= Date.parse(version))
    return write === undefined ? [] : [write.at - at]
  })
}

/** What Flow has last is what Omnium has. */
const isSettled = (flow: FlowApi, omnium: OmniumApi) =>
  Array.from({ length: CUSTOMERS }, (_, n) => n).every((n) => {
    const wanted = flow.customer(tenantOf(n), uidOf(n))?.city ?? undefined
    const row = omnium.customer(tenantOf(n), isCompany(n) ? 'B2B' : 'B2C', uidOf(n))
    return row !== undefined && (row.address as { city?: unknown } | undefined)?.city === wanted
  })

async function until(what: string, holds: () => boolean): Promise<void> {
  const deadline = performance.now() + SETTLE_WITHIN_MS
  while (!holds()) {
    if (performance.now() > deadline) throw new Error(`waiting for ${what}: not within ${SETTLE_WITHIN_MS} ms`)
    await new Promise((resolve) => setTimeout(resolve, 100))
  }
}

function quantile(numbers: readonly number[], share: number): number | undefined {
  const sorted = numbers.toSorted((a, b) => a - b)
  return sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * share))]
}
