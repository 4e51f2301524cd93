import { SyncError } from '@sync/shared/errors'
import { Command, CommanderError } from 'commander'
import { EXIT, type ExitCode } from './exit.ts'
import { painter, type Terminal } from './terminal.ts'
import { addTopics } from './topics.ts'

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
Environment: KAFKA_BROKERS and SCHEMA_REGISTRY_URL, the same as for the services; see .env.example.
Exit codes: 0 done, 1 failed, 2 differences found, 64 wrong usage, 78 wrong configuration.`,
    )
  addTopics(program, terminal, end)
  return program
}

function report(error: unknown, terminal: Terminal): ExitCode {
  if (error instanceof CommanderError) return error.exitCode === 0 ? EXIT.ok : EXIT.usage
  const paint = painter(terminal)
  if (error instanceof SyncError) {
    terminal.err(`${paint('red', 'syncctl:')} ${error.message}\n`)
    return error.code === 'config-invalid' ? EXIT.config : EXIT.error
  }
  // Not one of the expected failures, so it is a bug, and whoever reports it needs the stack.
  terminal.err(`${paint('red', 'syncctl:')} ${error instanceof Error ? error.stack : String(error)}\n`)
  return EXIT.error
}
