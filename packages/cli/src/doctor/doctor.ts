import { SyncError } from '@sync/shared/errors'
import { keyOf } from '@sync/shared/kafka/publisher'
import { resolveSecret, type Tenant } from '@sync/shared/tenants'
import { readText } from '@sync/shared/tenants-file'
import type { Command } from 'commander'
import { type Cluster, withCluster } from '../cluster.ts'
import { confirm } from '../confirm.ts'
import { EXIT, type ExitCode } from '../exit.ts'
import { callFor, withTargets } from '../peers.ts'
import { select } from '../selectors.ts'
import { jsonList, type Paint, painter, type Terminal, table } from '../terminal.ts'
import { checkClock } from './check-clock.ts'
import { checkDrift } from './check-drift.ts'
import { checkCursors, checkDeadLetters, checkTopicTable, checkWebhooks } from './check-kafka.ts'
import { checkReads } from './check-reads.ts'
import { checkRelationTypes } from './check-relation-types.ts'
import { checkRoles } from './check-roles.ts'
import { checkSecrets, type WebhookSecret } from './check-secrets.ts'
import type { DoctorContext } from './context.ts'
import { broken, exitCodeOf, type Finding, notChecked } from './finding.ts'
import { probeCustomer } from './probe-customer.ts'

interface Options {
  readonly tenant: string
  readonly probe?: string
  readonly yes?: boolean
  readonly json?: boolean
}

/** `syncctl doctor`. */
export function addDoctor(program: Command, terminal: Terminal, end: (code: ExitCode) => void): void {
  program
    .command('doctor')
    .description('check everything that a tenant needs: before a go-live, and at 3 a.m.')
    .addOption(select.tenant().makeOptionMandatory())
    .option('--probe <customer>', 'write to this customer in Omnium, see what Omnium does, and put the customer back')
    .addOption(select.yes())
    .addOption(select.json())
    .addHelpText(
      'after',
      `
Each line says ok, look or broken, what was found, and what to do. Nothing is written, except with --probe: the command asks, adds
a contact and an address to the business customer that you name, removes them by PATCH, reads the customer after each step, and
puts the customer back as it was. The last line compares the customer with the customer of before. An interruption (Ctrl-C) also
puts the customer back, within 30 s. A second interruption ends the command at once. If the customer keeps the contact or the
address sync-doctor-probe, run the command again: it removes them. A private customer is only read, and shows only whether a Search
result is as full as a by-id read.
Exit code: 0 all is ok, 2 something to look at, 1 something is broken.
Examples:
  syncctl doctor --tenant acme-no
  syncctl doctor --tenant acme-no --probe 2000
  syncctl doctor --tenant acme-no --json | jq '.[] | select(.verdict != "ok")'`,
    )
    .action(async (options: Options) => end(await doctor(options, terminal)))
}

type Check = readonly [name: string, run: (context: DoctorContext) => Promise<Finding[]>]

/**
 * The steps run one after the other. The checks of one step run at the same time, because a read of a topic mostly waits to join
 * its consumer group. Checks that send requests to a peer stay alone, because they share the tenant's limits.
 */
const STEPS: readonly (readonly Check[])[] = [
  [['credentials and roles', checkRoles]],
  [['clocks', checkClocks]],
  [['reads', checkReads]],
  [['relation types', checkRelationTypes]],
  [['webhook secrets', async ({ cluster, tenant, env }) => checkSecrets(secretsOf(cluster, tenant, env))]],
  [
    ['webhooks', checkWebhooks],
    ['sweeps, absence guards, circuits and limits', checkCursors],
    ['topics', checkTopicTable],
    ['dead letters', checkDeadLetters],
  ],
  [['drift', checkDrift]],
]

async function doctor({ tenant: uid, probe, yes, json }: Options, terminal: Terminal): Promise<ExitCode> {
  return withCluster(terminal, async (cluster) => {
    const tenant = cluster.tenant(uid)
    if (probe !== undefined) {
      const what =
        `A contact and an address are added to business customer ${probe} of tenant ${uid} in Omnium, and removed again. ` +
        `A private customer is only read.`
      if (!(await confirm(terminal, what, yes))) return EXIT.ok
    }
    return withTargets(cluster, async (targets) => {
      const call = callFor(tenant, keyOf(tenant.uid, 'doctor'), cluster.signal)
      const context: DoctorContext = {
        ...{ cluster, tenant, targets, call, env: terminal.env, now: Date.now },
        tell: (text) => terminal.err(text),
      }
      const steps: typeof STEPS =
        probe === undefined ? STEPS : [...STEPS, [['probe', (it) => probeCustomer(it, probe)]]]
      const paint = painter(terminal)
      const findings: Finding[] = []
      for (const checks of steps) {
        const found = (await Promise.all(checks.map((check) => runCheck(check, context)))).flat()
        findings.push(...found)
        if (!json) for (const finding of found) terminal.out(lineOf(finding, paint))
      }
      if (json) terminal.out(jsonList(findings))
      cluster.signal.throwIfAborted()
      return exitCodeOf(findings)
    })
  })
}

/** A check that fails says so, and the others go on. */
async function runCheck([name, run]: Check, context: DoctorContext): Promise<Finding[]> {
  try {
    return await run(context)
  } catch (error) {
    context.cluster.signal.throwIfAborted()
    if (!(error instanceof SyncError)) throw error
    if (error.code === 'role-missing') return [notChecked(name, error)]
    return [broken(name, error.message, 'Put right what is said above or here, and run the command again.')]
  }
}

async function checkClocks({ tenant, cluster, now }: DoctorContext): Promise<Finding[]> {
  const findings: Finding[] = []
  for (const target of ['flow', 'omnium'] as const) {
    const asked = checkClock(target, tenant[target].baseUrl, now, cluster.signal)
    findings.push(
      await asked.catch(() =>
        broken(`clock of ${target}`, 'the host of the base URL does not answer', 'Check the base URL.'),
      ),
    )
  }
  return findings
}

const COLOUR = { ok: 'green', look: 'yellow', broken: 'red' } as const

function lineOf({ check, verdict, found, advice }: Finding, paint: Paint): string {
  const line = table([[verdict.padEnd(6), check.padEnd(44), found]]).replace(verdict, paint(COLOUR[verdict], verdict))
  return advice === null ? `${line}\n` : `${line}\n        ${advice}\n`
}

/** The tenants file as it stands: what a secret is resolved to does not tell whether it is a literal. */
function secretsOf({ config }: Cluster, tenant: Tenant, env: DoctorContext['env']): WebhookSecret[] {
  const entries = JSON.parse(readText(config.tenantsFile!)) as { uid?: unknown; webhookSecrets?: unknown }[]
  const entry = entries.find(({ uid }) => uid === tenant.uid)
  const references = Array.isArray(entry?.webhookSecrets) ? entry.webhookSecrets.map(String) : []
  return references.map((reference) => {
    try {
      return { reference, secret: resolveSecret(reference, env) }
    } catch {
      return { reference, secret: null }
    }
  })
}
