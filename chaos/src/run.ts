import { createHash } from 'node:crypto'
import { mkdir, writeFile } from 'node:fs/promises'
import { join, resolve } from 'node:path'
import type { Check } from './check.ts'
import { checkCustomers, checkGraph } from './check-customers.ts'
import { checkModels } from './check-models.ts'
import { checkOrder } from './check-order.ts'
import { checkProcesses, checkTexts } from './check-processes.ts'
import { checkRecords } from './check-records.ts'
import { checkVersions } from './check-versions.ts'
import { describeFloods, floodDelays } from './flood-delays.ts'
import { formsOf } from './forms.ts'
import { applyModes, describeModes } from './modes.ts'
import { createOperator } from './operator.ts'
import type { ChaosOptions } from './options.ts'
import { expectedEnd } from './oracle.ts'
import { performWorkload } from './perform.ts'
import { planFaults } from './plan-faults.ts'
import { planModes, type TenantModes } from './plan-modes.ts'
import { planWorkload, type Workload } from './plan-workload.ts'
import { readTopics } from './records.ts'
import { describeRecreations } from './recreate-topic.ts'
import { holds, notEmpty, report, tally } from './report.ts'
import { type Happened, untilSettled } from './settle.ts'
import { strikeAll } from './strike.ts'
import { SESSION_TIMEOUT_MS, type System, startSystem } from './system.ts'

const RUNS = resolve(import.meta.dirname, '..', '.runs')
/**
 * Longer than the longest wait in a retry topic (375 s), which may have begun during the last fault. A process whose clock is behind
 * waits longer by as much (150 s at most).
 */
const SETTLE_WITHIN_MS = 10 * 60_000

/** One run from start to table; false when something does not hold. What it printed and the logs are kept then. */
export async function runChaos(
  options: ChaosOptions,
  log: (line: string) => void,
  signal: AbortSignal,
): Promise<boolean> {
  const { seed, instances, brokers } = options
  const durationMs = options.minutes * 60_000
  const workload = planWorkload({ ...options, durationMs })
  const { tenants, operations, floods } = workload
  const modes = planModes({ seed, tenants, operations })
  const startedAt = performance.now()
  const since = () => `${((performance.now() - startedAt) / 1000).toFixed(0).padStart(4)} s  `
  const say = (line: string) => log(since() + line)
  log(`seed ${seed}, ${brokers === 1 ? 'one broker' : `${brokers} brokers`}`)
  const system = await startSystem({ tenants, instances, log: say, stepsClocks: true, brokers })
  const operator = createOperator(system)
  try {
    const ownsStack = system.stack.kafka !== undefined
    if (!ownsStack) say('broker and registry are not ours: they are left alone')
    const faults = planFaults({
      ...{ seed, instances, durationMs, ownsStack, brokers, sessionTimeoutMs: SESSION_TIMEOUT_MS },
      tenants: tenants.map(({ uid }) => uid),
    })
    const digest = createHash('sha256')
      .update(JSON.stringify([operations, workload.closing, faults, modes]))
      .digest('hex')
      .slice(0, 16)
    say(`${operations.length} operations and ${faults.length} faults in ${options.minutes} min, plan ${digest}`)
    for (const line of describeModes(modes)) say(line)
    applyModes(system, modes)
    const workloadStartedAt = Date.now()
    const [performed, struck] = await Promise.all([
      performWorkload(system, operator, operations, signal),
      strikeAll(system, faults, seed, say, signal),
    ])
    say(`done: ${tally(performed.operations)}`)
    say(`struck: ${tally(struck.counts)}`)
    const { recreations } = struck

    const late = AbortSignal.any([signal, AbortSignal.timeout(SETTLE_WITHIN_MS)])
    const closing = workload.closing.map((round) => () => performWorkload(system, operator, round, late))
    const unsettled = await untilSettled(system, { performed, recreations }, operator, closing, say, late).then(
      () => null,
      (error: Error) => error.message,
    )
    say(unsettled ?? 'settled')
    for (const line of await describeRecreations(system, recreations)) say(line)
    const [inFlow, inOmnium] = [system.flow.journal.writes(), system.omnium.journal.writes()]
    say(describeFloods(floods, floodDelays(inFlow, inOmnium, floods, workloadStartedAt)))
    const checks = await allChecks(system, workload, modes, { performed, recreations }, unsettled)
    log(`\n${report(checks)}\n`)
    if (!holds(checks)) log(`logs and findings: ${await keep(system, seed, checks)}`)
    return holds(checks)
  } finally {
    await operator.stop()
    await system.stop()
  }
}

async function allChecks(
  system: System,
  { tenants, operations, closing }: Workload,
  modes: readonly TenantModes[],
  { performed, recreations }: Happened,
  unsettled: string | null,
): Promise<Check[]> {
  const formOf = formsOf(modes)
  const expected = expectedEnd(tenants, operations, closing.flat(), formOf)
  const records = await checkRecords(system, expected, performed, recreations)
  const lane = await readTopics(system, ['customer-mapper.retry.v1', 'relation-manager.retry.v1'])
  const pages = [...(await system.fleet.pages('metrics')), ...(await system.fleet.pages('ready'))].map(
    ({ text }) => text,
  )
  const logs = await system.fleet.logs()
  const texts = new Map<string, readonly string[]>([
    ['metrics and readiness', pages],
    ['headers and outcomes', records.texts],
    ...[...logs].map(([instance, text]) => [`log of ${instance}`, [text]] as const),
  ])
  const checks = [
    { name: 'all comes to rest', counted: 1, wrong: unsettled === null ? [] : [unsettled] },
    ...records.checks,
    ...checkCustomers(system, expected, formOf),
    checkGraph(system, expected),
    checkVersions(system, tenants, expected),
    ...checkOrder(system, lane, system.fleet.clockSteps),
    checkModels(system.omnium),
    ...checkProcesses(system.fleet),
    { name: 'pages of metrics and readiness read', counted: pages.filter((page) => page !== '').length, wrong: [] },
    checkTexts(texts, system.secrets),
  ]
  return checks.map(notEmpty)
}

/** The folder with the logs of all instances, the stand-ins' journals, and all that is wrong. */
async function keep({ fleet, flow, omnium }: System, seed: number, checks: readonly Check[]): Promise<string> {
  const folder = join(RUNS, `${new Date().toISOString().replace(/[:.]/g, '-')}-seed-${seed}`)
  await mkdir(folder, { recursive: true })
  const wrong = checks.flatMap(({ name, wrong }) => wrong.map((line) => `${name}: ${line}`))
  await writeFile(join(folder, 'wrong.txt'), `${wrong.join('\n')}\n`)
  for (const [instance, text] of await fleet.logs()) await writeFile(join(folder, `${instance}.log`), text)
  for (const [name, { journal }] of [['flow', flow] as const, ['omnium', omnium] as const]) {
    const lines = journal.entries().map((entry) => JSON.stringify(entry))
    await writeFile(join(folder, `${name}-journal.jsonl`), lines.join('\n'))
  }
  return folder
}
