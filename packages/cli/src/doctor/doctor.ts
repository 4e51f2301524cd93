import { keyOf } from '@sync/shared/kafka/publisher'
import type { Command } from 'commander'
import { openCluster } from '../cluster.ts'
import { confirm } from '../confirm.ts'
import { EXIT, type ExitCode } from '../exit.ts'
import { callFor, withTargets } from '../peers.ts'
import { select } from '../selectors.ts'
import { jsonList, type Paint, painter, type Terminal, table } from '../terminal.ts'
import type { DoctorContext } from './context.ts'
import { exitCodeOf, type Finding } from './finding.ts'
import { runAll } from './run-all.ts'

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
Each line says ok, look or broken, what was found, and what to do. A line is printed as soon as its check has ended. Each check
ends within a minute, also while a peer or Kafka does not answer.
Nothing is written, except with --probe: the command asks, adds a contact and an address to the business customer that you name,
removes them by PATCH, reads the customer after each step, and puts the customer back as it was. The last line compares the
customer with the customer of before. An interruption (Ctrl-C) also puts the customer back, within 30 s. A second interruption
ends the command at once. If the customer keeps the contact or the address sync-doctor-probe, run the command again: it removes
them. A private customer is only read, and shows only whether a Search result is as full as a by-id read.
Exit code: 0 all is ok, 2 something to look at, 1 something is broken.
Examples:
  syncctl doctor --tenant acme-no
  syncctl doctor --tenant acme-no --probe 2000
  syncctl doctor --tenant acme-no --json | jq '.[] | select(.verdict != "ok")'`,
    )
    .action(async (options: Options) => end(await doctor(options, terminal)))
}

/** A broker that hangs must not keep a command that is done. */
const CLOSE_MS = 2_000

async function doctor({ tenant: uid, probe, yes, json }: Options, terminal: Terminal): Promise<ExitCode> {
  const { cluster, connect, close } = openCluster(terminal)
  const tenant = cluster.tenant(uid)
  if (probe !== undefined) {
    const what =
      `A contact and an address are added to business customer ${probe} of tenant ${uid} in Omnium, and removed again. ` +
      `A private customer is only read.`
    if (!(await confirm(terminal, what, yes))) return EXIT.ok
  }
  const paint = painter(terminal)
  const onLine = (finding: Finding) => void (json || terminal.out(lineOf(finding, paint)))
  try {
    return await withTargets(cluster, async (targets) => {
      const call = callFor(tenant, keyOf(tenant.uid, 'doctor'), cluster.signal)
      const context: DoctorContext = {
        ...{ cluster, tenant, targets, call, env: terminal.env, now: Date.now },
        tell: (text) => terminal.err(text),
      }
      const findings = await runAll(context, { connect, probe, onLine })
      if (json) terminal.out(jsonList(findings))
      cluster.signal.throwIfAborted()
      return exitCodeOf(findings)
    })
  } finally {
    const late = Promise.withResolvers<void>()
    const timer = setTimeout(late.resolve, CLOSE_MS)
    await Promise.race([close(), late.promise])
    clearTimeout(timer)
  }
}

const COLOUR = { ok: 'green', look: 'yellow', broken: 'red' } as const

function lineOf({ check, verdict, found, advice }: Finding, paint: Paint): string {
  const line = table([[verdict.padEnd(6), check.padEnd(44), found]]).replace(verdict, paint(COLOUR[verdict], verdict))
  return advice === null ? `${line}\n` : `${line}\n        ${advice}\n`
}
