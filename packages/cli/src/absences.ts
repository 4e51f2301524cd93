import type { GuardState } from '@sync/shared/absences/absence-guards'
import { guardRecord, guardStateOf } from '@sync/shared/absences/guard-state'
import type { Target } from '@sync/shared/errors'
import { type Command, Option } from 'commander'
import { type Cluster, withCluster } from './cluster.ts'
import { confirm } from './confirm.ts'
import { EXIT, type ExitCode } from './exit.ts'
import { readValue } from './read-value.ts'
import { refuse } from './refuse.ts'
import { select } from './selectors.ts'
import { jsonList, painter, type Terminal, titled } from './terminal.ts'

const EXAMPLES = `
A guard trips when many known customers are answered "not found" at once: the API user lost a role or a store, the base URL is
the URL of the wrong environment, or the peer was restored from a backup. Until a person releases the guard, the records of the
tenant that met such an answer wait.
Examples:
  syncctl absences list
  syncctl absences release --tenant acme-no --target omnium`

interface ReleaseOptions {
  readonly tenant: string
  readonly target: Target
  readonly yes?: boolean
}

/** `syncctl absences list | release`. */
export function addAbsences(program: Command, terminal: Terminal, end: (code: ExitCode) => void): void {
  const absences = program.command('absences').description('see which absence guards are tripped, and release them')

  absences
    .command('list')
    .description('list the tripped absence guards')
    .addOption(select.json())
    .addHelpText('after', EXAMPLES)
    .action(async (options: { readonly json?: boolean }) => {
      const tripped = await withCluster(terminal, readTrippedGuards)
      const listed = tripped.map(({ isTripped: _isTripped, ...guard }) => guard)
      terminal.out(options.json ? jsonList(listed) : describe(tripped, terminal))
      end(tripped.length > 0 ? EXIT.differences : EXIT.ok)
    })

  absences
    .command('release')
    .description('act on "not found" answers of a tenant and target again')
    .addOption(select.tenant().makeOptionMandatory())
    .addOption(new Option('--target <name>', 'the peer').choices(['flow', 'omnium']).makeOptionMandatory())
    .addOption(select.yes())
    .addHelpText('after', EXAMPLES)
    .action(async (options: ReleaseOptions) => {
      const { tenant, target, yes } = options
      await withCluster(terminal, async (cluster) => {
        // The guard of a mistyped tenant is not tripped either.
        if (cluster.tenants() !== null) cluster.tenant(tenant)
        const guard = (await readTrippedGuards(cluster)).find((it) => it.tenant === tenant && it.target === target)
        if (guard === undefined) refuse(`the absence guard of ${tenant} at ${target} is not tripped`)
        const { missing, reads, at } = guard
        const what =
          `The services act on "not found" answers of ${target} about tenant ${tenant} again. The guard tripped at ${at}: ` +
          `${missing} of ${reads} reads were "not found".`
        if (!(await confirm(terminal, what, yes))) return
        const publisher = await cluster.publisher()
        const released = { ...guard, isTripped: false, at: new Date().toISOString() }
        await publisher.publish('sync.cursors.v1', [guardRecord(released)])
        terminal.out(`Released the absence guard of ${tenant} at ${target}. Its records go on within minutes.\n`)
      })
      end(EXIT.ok)
    })
}

/** The absence guards that are tripped now. */
export async function readTrippedGuards(cluster: Cluster): Promise<GuardState[]> {
  const states = new Map<string, GuardState>()
  const ranges = await cluster.ranges(['sync.cursors.v1'], { from: { end: 'earliest' } })
  await cluster.read({
    ranges,
    take: async (record) => {
      const value = await readValue(cluster, 'sync.cursors.v1', record)
      const state = value && guardStateOf(value)
      if (state) states.set(`${state.target} ${state.tenant}`, state)
    },
  })
  return [...states.values()].filter(({ isTripped }) => isTripped)
}

function describe(tripped: readonly GuardState[], terminal: Terminal): string {
  if (tripped.length === 0) return 'No absence guard is tripped.\n'
  const rows = tripped.map(({ tenant, target, at, missing, reads }) => [
    tenant,
    target,
    at,
    `${missing} of ${reads} reads`,
  ])
  const hint = painter(terminal)('dim', 'Release: syncctl absences release --tenant <uid> --target <name>')
  return `${titled(terminal, ['tenant', 'target', 'tripped at', '"not found"'], rows)}${hint}\n`
}
