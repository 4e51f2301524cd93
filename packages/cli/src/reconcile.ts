import { join } from 'node:path'
import type { Targets } from '@sync/shared/http/targets'
import { keyOf } from '@sync/shared/kafka/publisher'
import { SERVICES } from '@sync/shared/kafka/topics'
import type { Tenant } from '@sync/shared/tenants'
import { type Command, Option } from 'commander'
import { type Cluster, withCluster } from './cluster.ts'
import { confirm } from './confirm.ts'
import { EXIT, type ExitCode } from './exit.ts'
import { warnWithoutMembers } from './group-members.ts'
import { callFor, withTargets } from './peers.ts'
import { createProgress } from './progress.ts'
import { type Drift, fieldNames } from './reconcile-compare.ts'
import { incompleteDrift } from './reconcile-incomplete.ts'
import { hopeless, isStillThere, lookAt } from './reconcile-look.ts'
import { describeDrift, printJson, printValues, shownOf } from './reconcile-print.ts'
import { repair } from './reconcile-repair.ts'
import { createSummary, type ReconcileSummary, writeReport } from './reconcile-report.ts'
import { sampleOf } from './reconcile-sample.ts'
import { type Scanned, scan } from './reconcile-scan.ts'
import { refuse } from './refuse.ts'
import { parseCount, select } from './selectors.ts'
import { openSpill, type Spill } from './spill.ts'
import { counted, duration, type Terminal } from './terminal.ts'

interface Options {
  readonly tenant: string
  readonly customer?: string
  readonly sample?: number
  readonly fields?: string | true
  readonly repair?: boolean
  readonly patience: number
  readonly report?: string
  readonly showValues?: boolean
  readonly yes?: boolean
  readonly json?: boolean
}

/** A change may be on its way: what differs for that long isn't. */
const ON_ITS_WAY_MS = 10 * 60_000
/** As many are looked at again one by one, whenever they were changed. */
const FEW = 200
const PATIENCE_S = 120

/** `syncctl reconcile`. */
export function addReconcile(program: Command, terminal: Terminal, end: (code: ExitCode) => void): void {
  program
    .command('reconcile')
    .description('compare all customers of a tenant in both systems, and mend what differs')
    .addOption(select.tenant().makeOptionMandatory())
    .addOption(select.customer())
    .addOption(
      new Option('--sample <n>', "only some of flow's customers, spread over all")
        .argParser(parseCount)
        .conflicts('customer'),
    )
    .option('--fields [names]', 'only these fields, by the names that the target has for them, with commas')
    .option('--repair', 'publish what mends the drift, and wait until it has been applied')
    .option(
      '--patience <seconds>',
      'how long nothing may get better before a repair is given up',
      parseCount,
      PATIENCE_S,
    )
    .option('--report <folder>', 'where the report goes (default: syncctl-reports/…)')
    .addOption(select.showValues())
    .addOption(select.yes())
    .addOption(select.json())
    .addHelpText(
      'after',
      `
What each kind of drift is, and what --repair does about it:
  missing-in-omnium    repaired  read again from flow, and created
  field                repaired  read again; flow wins, or with omniumCustomerEvents update the later one
  link                 repaired  flow's externalId is written
  parent               repaired  omnium's Parent relation is written as flow has it
  one-sided-relation   repaired  the parent's list is made to agree with its child
  parent-company       repaired  the property is made to agree with the list
  missing-in-flow      reported  flow gets the customers that order
  newer-in-omnium      reported  a repair must not undo what is newer
  type-conflict        reported  one id can't be of both kinds
  unmappable           reported  its type is none that we know
  incomplete-list      reported  a peer listed less than it counts; nothing is concluded from what the list lacks
A company's list of sub-departments is compared in full only by a run over all customers, because neither system can be
asked for those that name a company as their parent: after repairing a parent alone, look at its children too.
A parent that is no company in flow, or a circle of parents there, is reported too. Both lists are read to disk (a folder
for this user alone, deleted at the end) and compared there bit by bit, so a million customers take little memory.
Exit code: 0 no drift, or all of it mended; 2 drift, or some is left.
Examples:
  syncctl reconcile --tenant acme-no
  syncctl reconcile --tenant acme-no --sample 500 --fields email,phone
  syncctl reconcile --tenant acme-no --customer 1000 --show-values
  syncctl reconcile --tenant acme-no --repair --yes`,
    )
    .action(async (options: Options) => end(await reconcile(options, terminal)))
}

async function reconcile(options: Options, terminal: Terminal): Promise<ExitCode> {
  return withCluster(terminal, async (cluster) => {
    const tenant = cluster.tenant(options.tenant)
    const startedAt = Date.now()
    const spill = await openSpill(1)
    try {
      return await withTargets(cluster, async (targets) => {
        const run = { cluster, targets, tenant, options, terminal, spill, startedAt }
        const counts = await find(run)
        await judge(run)
        const summary = await summarise(run, counts)
        const listed = () => shownOf(spill.read<Drift>('drifts', 0), options.showValues ?? false)
        if (options.json) await printJson(listed(), terminal)
        else {
          if (options.showValues) await printValues(listed(), terminal)
          terminal.out(describeDrift(summary, terminal))
        }
        const folder = options.report ?? join('syncctl-reports', `reconcile-${safe(tenant.uid)}-${stamp(startedAt)}`)
        const paths = await writeReport(folder, summary, listed)
        terminal.err(`Report: ${paths.join(', ')}\n`)
        if (!options.repair || summary.drifts === 0) return summary.drifts === 0 ? EXIT.ok : EXIT.differences
        return mend(run, summary)
      })
    } finally {
      await spill.remove()
    }
  })
}

interface Run {
  readonly cluster: Cluster
  readonly targets: Targets
  readonly tenant: Tenant
  readonly options: Options
  readonly terminal: Terminal
  readonly spill: Spill
  readonly startedAt: number
}

/** How many were compared: whole lists, or one by one. */
type Counts = Scanned | { readonly looked: number }

interface Found {
  readonly drift: Drift
  readonly changedAt: number
}

/** Everything that seems to differ, onto the disk. */
async function find({ cluster, targets, tenant, options, terminal, spill }: Run): Promise<Counts> {
  const { signal } = cluster
  const wanted = typeof options.fields === 'string' ? new Set(options.fields.split(',').map((it) => it.trim())) : null
  const strange = [...(wanted ?? [])].filter((field) => !fieldNames(tenant).includes(field))
  if (strange.length > 0) {
    const known = fieldNames(tenant).join(', ')
    refuse(`no such field: ${strange.join(', ')}; known: ${known}`)
  }
  const take = async (drift: Drift, changedAt: number) => {
    const of = onlyFields(drift, wanted)
    if (of !== null) await spill.add('found', '', { drift: of, changedAt } satisfies Found)
  }
  const lookAtEach = async (ids: readonly string[]): Promise<Counts> => {
    const progress = createProgress(terminal, 'compared')
    for (const [n, id] of ids.entries()) {
      const drifts = await lookAt(targets, tenant, id, signal)
      // A mistyped id would else look like a customer in perfect order.
      if (drifts === null && id === options.customer) {
        refuse(`customer ${id} is neither in flow nor in omnium`, EXIT.error)
      }
      for (const drift of drifts ?? []) await take(drift, 0)
      progress.update(n + 1, ids.length)
    }
    progress.stop()
    return { looked: ids.length }
  }
  if (options.customer !== undefined) return lookAtEach([options.customer])
  if (options.sample !== undefined) {
    const call = callFor(tenant, keyOf(tenant.uid, 'reconcile'), signal)
    return lookAtEach(await sampleOf(targets, call, options.sample))
  }
  const progress = createProgress(terminal, 'read')
  try {
    const scanned = await scan({ targets, tenant, signal, progress, take })
    for (const list of scanned.incomplete) {
      await spill.add('drifts', '', incompleteDrift(tenant.uid, list))
      progress.say(`The list of ${list.list} is incomplete: ${list.why}. Nothing is concluded from what it lacks.`)
    }
    return scanned
  } finally {
    progress.stop()
  }
}

function onlyFields(drift: Drift, wanted: ReadonlySet<string> | null): Drift | null {
  if (wanted === null) return drift
  if (drift.changes.length === 0) return drift
  const changes = drift.changes.filter(({ field }) => wanted.has(field))
  return changes.length > 0 ? { ...drift, changes } : null
}

/** What was only under way while the lists were read is looked at again; and what no repair can bring is told from the rest. */
async function judge({ cluster, targets, tenant, options, spill, startedAt }: Run): Promise<void> {
  const { signal } = cluster
  let total = 0
  for await (const _ of spill.read<Found>('found', 0)) total++
  const isDirect = options.customer !== undefined || options.sample !== undefined
  const seen = new Set<string>()
  for await (const { drift, changedAt } of spill.read<Found>('found', 0)) {
    const place = JSON.stringify([drift.kind, drift.customer, drift.related])
    if (seen.has(place)) continue
    if (total <= FEW || drift.kind === 'parent') seen.add(place)
    const isDoubtful = !isDirect && (total <= FEW || changedAt > startedAt - ON_ITS_WAY_MS)
    if (isDoubtful && !(await isStillThere(targets, tenant, drift, signal))) continue
    const why = total <= FEW ? await hopeless(targets, tenant, drift, signal) : null
    await spill.add('drifts', '', why === null ? drift : { ...drift, repair: 'reported', why, cure: null })
  }
}

async function summarise({ spill, tenant, startedAt }: Run, counts: Counts): Promise<ReconcileSummary> {
  const summary = createSummary()
  for await (const drift of spill.read<Drift>('drifts', 0)) summary.add(drift)
  return {
    tenant: tenant.uid,
    startedAt: new Date(startedAt).toISOString(),
    durationMs: Date.now() - startedAt,
    customersInFlow: 'flow' in counts ? counts.flow : null,
    customersInOmnium: 'flow' in counts ? counts.omnium : null,
    looked: 'flow' in counts ? null : counts.looked,
    drifts: summary.drifts,
    byKind: summary.byKind(),
    byField: summary.byField(),
  }
}

async function mend(run: Run, summary: ReconcileSummary): Promise<ExitCode> {
  const { cluster, targets, tenant, options, terminal, spill } = run
  const total = summary.byKind.reduce((sum, { repaired }) => sum + repaired, 0)
  if (total === 0) {
    terminal.err('Nothing that a repair could mend.\n')
    return EXIT.differences
  }
  const what = `${counted(total, 'drift')} of tenant ${tenant.uid} will be mended.`
  if (!(await confirm(terminal, what, options.yes))) return EXIT.differences
  for (const service of SERVICES)
    if (service !== 'omnium-ingest' || tenant.omniumCustomerEvents === 'update')
      await warnWithoutMembers(cluster, service, terminal)
  const progress = createProgress(terminal, 'mended')
  const startedAt = Date.now()
  const { mended, left } = await repair(spill.read<Drift>('drifts', 0), {
    ...{ cluster, targets, tenant, progress, total, patienceMs: options.patience * 1_000 },
  }).finally(() => progress.stop())
  const say = options.json ? terminal.err : terminal.out
  say(`${counted(mended, 'drift')} mended in ${duration(Date.now() - startedAt)}.\n`)
  for (const { customer, kind, why } of left) say(`  left: ${kind} of ${customer}: ${why}\n`)
  const reported = summary.drifts - total
  if (reported > 0) say(`${counted(reported, 'drift')} only reported.\n`)
  return left.length + reported > 0 ? EXIT.differences : EXIT.ok
}

/** Two runs of the same second must not write over each other. */
const stamp = (at: number) => `${new Date(at).toISOString().replace(/[-:.]/g, '').slice(0, 18)}-${process.pid}`
const safe = (text: string) => text.replace(/[^\w.-]/g, '_')
