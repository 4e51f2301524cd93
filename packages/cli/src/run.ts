import { SyncError } from '@sync/shared/errors'
import { denialOf, reasonOf } from '@sync/shared/kafka/denials'
import { Command, CommanderError } from 'commander'
import { addAbsences } from './absences.ts'
import { addBackfill } from './backfill.ts'
import { addDeadLetters } from './dead-letters.ts'
import { addDoctor } from './doctor/doctor.ts'
import { addErase } from './erase.ts'
import { EXIT, type ExitCode } from './exit.ts'
import { addLag } from './lag.ts'
import { addReconcile } from './reconcile.ts'
import { isRefusal } from './refuse.ts'
import { addReplay } from './replay.ts'
import { painter, type Terminal } from './terminal.ts'
import { addTopics } from './topics.ts'
import { addTrace } from './trace.ts'

/** Runs one command line (without node and script) and returns its exit code; whatever it throws becomes one. */
export async function run(args: readonly string[], terminal: Terminal): Promise<ExitCode> {
  let code: ExitCode = EXIT.ok
  const program = createProgram(terminal, (ended) => {
    code = ended
  })
  try {
    await program.parseAsync([...args], { from: 'user' })
    return code
  } catch (error) {
    return report(error, terminal)
  }
}

function createProgram(terminal: Terminal, end: (code: ExitCode) => void): Command {
  const program = new Command('syncctl')
    .description('Operates flow-omnium-sync: topics, and what became of the records on them')
    .exitOverride()
    .configureOutput({
      writeOut: terminal.out,
      writeErr: terminal.err,
      getOutHasColors: () => terminal.isTTY && !terminal.env.NO_COLOR,
      getErrHasColors: () => false,
    })
    .showHelpAfterError('(add --help for the options and examples)')
    .addHelpText(
      'after',
      `
Environment, the same as for the services (see .env.example): KAFKA_BROKERS and SCHEMA_REGISTRY_URL always, TOPIC_PREFIX
where they have it, TENANTS_FILE for what asks Flow or Omnium (replay --dry-run, backfill, reconcile, erase, doctor),
FLOW_RATE_SHARE and OMNIUM_RATE_SHARE of each tenant's limits (0.1 and 0.0625), SYNCCTL_STATE_DIR.
Times are ISO 8601, or an age such as 30m, 2h, 7d, 1w. Positions (--from, --to of a replay) are a time, earliest, latest, an
offset for all partitions, or offsets such as 0:120,3:95, which leave the other partitions out.
Exit codes: 0 done, 1 failed, 2 differences found or something left over, 64 wrong usage, 78 wrong configuration,
130 interrupted (long work goes on where it stopped when the same command is run again).`,
    )
  addTopics(program, terminal, end)
  addLag(program, terminal, end)
  addTrace(program, terminal, end)
  addDeadLetters(program, terminal, end)
  addReplay(program, terminal, end)
  addBackfill(program, terminal, end)
  addReconcile(program, terminal, end)
  addErase(program, terminal, end)
  addAbsences(program, terminal, end)
  addDoctor(program, terminal, end)
  return program
}

function report(error: unknown, terminal: Terminal): ExitCode {
  const paint = painter(terminal)
  if (error instanceof CommanderError) {
    // Commander has said what it found by itself.
    if (!isRefusal(error)) return error.exitCode === 0 ? EXIT.ok : EXIT.usage
    terminal.err(`${paint('red', 'syncctl:')} ${error.message}\n`)
    return error.exitCode as ExitCode
  }
  if (terminal.signal?.aborted) {
    terminal.err(`${paint('yellow', 'Interrupted.')}\n`)
    return EXIT.interrupted
  }
  if (error instanceof SyncError) {
    terminal.err(`${paint('red', 'syncctl:')} ${error.message}\n`)
    return error.code === 'config-invalid' ? EXIT.config : EXIT.error
  }
  if (denialOf(error) !== null) {
    terminal.err(`${paint('red', 'syncctl:')} ${reasonOf(error)}\n`)
    return EXIT.error
  }
  // Not one of the expected failures, so it is a bug, and whoever reports it needs the stack.
  terminal.err(`${paint('red', 'syncctl:')} ${error instanceof Error ? error.stack : String(error)}\n`)
  return EXIT.error
}
