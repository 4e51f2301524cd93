import { setTimeout as delay } from 'node:timers/promises'
import { percentile } from '@sync/sandbox/demo/percentile'
import { paced } from '@sync/sandbox/paced'
import { metricValue } from '@sync/shared/testing/metric-value'
import { type Chance, createChance } from './chance.ts'
import type { Check } from './check.ts'
import { checkEndsOfProcesses } from './check-processes.ts'
import { createPeople, PERSON_FIELDS } from './people.ts'
import { tenantsOf } from './plan-workload.ts'
import { holds, notEmpty, report } from './report.ts'
import { untilHandled } from './settle.ts'
import { change, isFlat, type Sample } from './soak-samples.ts'
import { type System, startSystem } from './system.ts'

export interface SoakOptions {
  readonly minutes: number
  readonly rate: number
  readonly customers: number
  readonly tenants: number
  readonly instances: number
}

const IDLE_S = 30
const MAX_IDLE_SHARE = 0.02
const SETTLE_WITHIN_MS = 120_000
/** Of the run: start-up, first compilations, and caches that fill up to their bound. */
const WARM_UP = 0.25

interface Edited {
  readonly tenant: string
  readonly uid: string
}

/** A steady load and no fault: true when memory, latency, handles and, afterwards, CPU are as they should be. */
export async function runSoak(
  options: SoakOptions,
  log: (line: string) => void,
  signal: AbortSignal,
): Promise<boolean> {
  const { minutes, rate, instances } = options
  const tenants = tenantsOf(options.tenants)
  const chance = createChance(1, 'soak')
  const startedAt = performance.now()
  const say = (line: string) => log(`${((performance.now() - startedAt) / 1000).toFixed(0).padStart(5)} s  ${line}`)
  const system = await startSystem({ tenants, instances, log: say, env: { SWEEP_INTERVAL_MS: '60000' } })
  try {
    const customers: Edited[] = Array.from({ length: options.customers }, (_, n) => ({
      ...{ tenant: tenants[n % tenants.length]!.uid, uid: `s-${n}` },
    }))
    const people = createPeople(chance)
    const create = ({ tenant, uid }: Edited) =>
      system.flow.createCustomer(tenant, { customerUid: uid, customerType: 'PERSON', ...people.fieldsOf('PERSON') })
    say(`creating ${customers.length} customers`)
    await paced(customers.length, rate, (n) => void create(customers[n]!), signal)
    await atRest(system, signal)

    const from = new Date().toISOString()
    say(`${rate} changes a second for ${minutes} min`)
    const windows = Math.max(8, Math.round(minutes))
    const perWindow = Math.round((minutes * 60 * rate) / windows)
    const samples: Sample[] = []
    for (let window = 1; window <= windows; window++) {
      await paced(perWindow, rate, () => edit(system, people, chance, customers), signal)
      samples.push(await sampleOf(system))
      const { latencies, processes } = samples.at(-1)!
      const rss = [...processes].map(([name, { rssMiB }]) => `${name} ${Math.round(rssMiB)}`).join(', ')
      say(
        `${window}/${windows}: p50 ${percentile(latencies, 0.5)} ms, p99 ${percentile(latencies, 0.99)} ms; MiB: ${rss}`,
      )
    }
    await atRest(system, signal)
    say('all is handled; the CPU at rest')
    const idle = await idleShares(system)
    const ends = checkEndsOfProcesses(system.fleet)
    const logs = await logsCheck(system, from)
    const checks = [...checksOf(samples), idleCheck(idle), ends, logs, differenceCheck(system)].map(notEmpty)
    log(`\n${report(checks)}\n`)
    return holds(checks)
  } finally {
    await system.stop()
  }
}

function edit({ flow }: System, people: ReturnType<typeof createPeople>, chance: Chance, customers: readonly Edited[]) {
  const { tenant, uid } = chance.pick(customers)
  const field = chance.pick(PERSON_FIELDS)
  flow.editCustomer(tenant, uid, { [field]: people.valueOf('PERSON', field) })
}

/** What was written in Omnium since the last sample, and how the processes stand. The journals are emptied. */
async function sampleOf({ flow, omnium, fleet }: System): Promise<Sample> {
  const latencies = omnium.journal
    .writes()
    .flatMap(({ version, requestId, at }) => (version === null || requestId === null ? [] : [at - Date.parse(version)]))
  flow.journal.clear()
  omnium.journal.clear()
  const processes = new Map<string, { rssMiB: number; handles: number }>()
  for (const { instance, text } of await fleet.pages('metrics')) {
    // One that gave no page is not flat.
    const metric = (name: string) => (text === '' ? Number.NaN : metricValue(text, name))
    processes.set(instance, {
      rssMiB: metric('process_resident_memory_bytes') / 2 ** 20,
      handles: metric('nodejs_active_resources_total'),
    })
  }
  return { latencies, processes }
}

function checksOf(samples: readonly Sample[]): Check[] {
  const steady = samples.slice(Math.ceil(samples.length * WARM_UP))
  const instances = [...steady[0]!.processes.keys()]
  const grown = (of: 'rssMiB' | 'handles', unit: string) =>
    instances.flatMap((name) => {
      const series = steady.map(({ processes }) => processes.get(name)?.[of] ?? Number.NaN)
      if (isFlat(series)) return []
      const { perWindow, mean } = change(series)
      return [`${name}: ${perWindow.toFixed(2)} ${unit} a window, around ${mean.toFixed(0)}`]
    })
  const latency = (share: number) => {
    const series = steady.map(({ latencies }) => percentile(latencies, share))
    const { perWindow, mean } = change(series)
    // A few ms more or less are the machine's, not ours.
    return isFlat(series, 10)
      ? []
      : [`p${share * 100}: ${perWindow.toFixed(2)} ms a window, around ${mean.toFixed(0)} ms`]
  }
  return [
    { name: 'memory is flat', counted: instances.length * steady.length, wrong: grown('rssMiB', 'MiB') },
    { name: 'handles are flat', counted: instances.length * steady.length, wrong: grown('handles', 'handles') },
    {
      name: 'latency is flat',
      counted: steady.reduce((sum, { latencies }) => sum + latencies.length, 0),
      wrong: [...latency(0.5), ...latency(0.95)],
    },
  ]
}

async function idleShares({ fleet }: System): Promise<ReadonlyMap<string, number>> {
  await delay(10_000)
  const before = await fleet.cpuSeconds()
  await delay(IDLE_S * 1000)
  const after = await fleet.cpuSeconds()
  return new Map([...after].map(([name, seconds]) => [name, (seconds - (before.get(name) ?? 0)) / IDLE_S]))
}

function idleCheck(shares: ReadonlyMap<string, number>): Check {
  const percent = (share: number) => `${(share * 100).toFixed(1)} %`
  return {
    name: `CPU at rest below ${percent(MAX_IDLE_SHARE)} each (most: ${percent(Math.max(...shares.values()))})`,
    counted: shares.size,
    wrong: [...shares]
      .filter(([, share]) => share > MAX_IDLE_SHARE)
      .map(([name, share]) => `${name}: ${percent(share)}`),
  }
}

/** `from`: ISO 8601. A broker that has just started has groups to load, which its clients complain of. */
async function logsCheck({ fleet }: System, from: string): Promise<Check> {
  const lines = [...(await fleet.logs())].flatMap(([name, text]) => text.split('\n').map((line) => ({ name, line })))
  const later = lines.filter(({ line }) => line !== '' && (/"time":"([^"]+)"/.exec(line)?.[1] ?? from) >= from)
  const odd = later.filter(({ line }) => /MaxListenersExceeded|"level":"(error|fatal)"/.test(line))
  const wrong = odd.map(({ name, line }) => `${name}: ${line.slice(0, 200)}`)
  return { name: 'no error and no leak of listeners in the logs', counted: later.length, wrong }
}

/** Every customer's last phone, which is edited like every other field. */
function differenceCheck({ flow, omnium }: System): Check {
  const rows = [...flow.tenants.keys()].flatMap((tenant) => flow.customers(tenant).map((row) => ({ tenant, row })))
  const wrong = rows.filter(({ tenant, row }) => {
    const there = omnium.customer(tenant, 'B2C', row.customerUid)
    return (there?.phone ?? null) !== (row.mobile ?? null)
  })
  return { name: 'customers as they are in Flow', counted: rows.length, wrong: wrong.map(({ row }) => row.customerUid) }
}

const atRest = (system: System, signal: AbortSignal): Promise<void> =>
  untilHandled(system, AbortSignal.any([signal, AbortSignal.timeout(SETTLE_WITHIN_MS)]))
