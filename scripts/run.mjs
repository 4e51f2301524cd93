// Runs on any Node from 20 on, before anything is installed: built-in modules only.
import { readdirSync, readFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { run, wasInterrupted } from './child.mjs'
import { closingLine, failures, readReports, removeResults, summarize, writeSummary } from './results.mjs'
import { setUp } from './set-up.mjs'
import { removeRuns, turboSteps } from './turbo-steps.mjs'

const ROOT = dirname(dirname(fileURLToPath(import.meta.url)))
const USAGE =
  'usage: node scripts/run.mjs start [args] | test | e2e [vitest args] | bench [args] | chaos [args] | soak [args] | stack' +
  ' | dev [args] | docs [--check]'

const vitest = (cwd, args) => run(ROOT, 'vitest', ['run', ...args], { cwd })
const e2e = (args) => vitest(join(ROOT, 'e2e'), args)

/** What stands in the root's folder and belongs to no package. */
const rootPaths = () => {
  const { workspaces } = JSON.parse(readFileSync(join(ROOT, 'package.json'), 'utf8'))
  const apart = new Set(['node_modules', 'package-lock.json', ...workspaces.map((pattern) => pattern.split('/')[0])])
  return readdirSync(ROOT).filter((name) => !name.startsWith('.') && !apart.has(name))
}
const lintRoot = () => run(ROOT, 'biome', ['check', '--no-errors-on-unmatched', ...rootPaths()])

// As many tasks as cores: with more, each test takes as long as its deadlines allow, and the whole is no faster.
const TURBO_ARGS = [
  '--concurrency=100%',
  '--continue=always',
  '--ui=stream',
  '--log-order=grouped',
  '--output-logs=new-only',
  '--summarize',
]
const turbo = () => {
  removeRuns(ROOT)
  const env = { TURBO_TELEMETRY_DISABLED: '1', TURBO_NO_UPDATE_NOTIFIER: '1' }
  return run(ROOT, 'turbo', ['run', 'lint', 'typecheck', 'test', ...TURBO_ARGS], { env, toGroup: true })
}

const PACKAGES = 'lint, types and unit tests of every package'

const testEverything = async () => {
  removeResults(ROOT)
  const steps = []
  const step = async (name, start, isTests = false) => {
    if (wasInterrupted()) return
    console.log(`\n== ${name}`)
    steps.push({ name, ok: (await start()) === 0, isTests })
  }
  await step('lint of what is in no package', lintRoot)
  await step('tests of the scripts', () => vitest(ROOT, ['--project', 'scripts']), true)
  if (!wasInterrupted()) {
    console.log(`\n== ${PACKAGES}`)
    steps.push(...turboSteps(ROOT, PACKAGES, await turbo()))
  }
  await step('end-to-end tests', () => e2e([]), true)
  await step('a minute of chaos', () => vitest(join(ROOT, 'chaos'), ['--config', 'vitest.smoke.config.ts']), true)

  const reports = readReports(ROOT)
  const summary = summarize(steps, reports)
  writeSummary(ROOT, summary)
  console.log('')
  for (const failure of failures(ROOT, reports)) console.log(`${failure}\n`)
  for (const { name, ok } of summary.steps) console.log(`${ok ? 'ok    ' : 'FAILED'} ${name}`)
  if (wasInterrupted()) console.log('interrupted: what follows is not the whole')
  console.log(closingLine(summary))
  return wasInterrupted() ? 130 : summary.failed === 0 ? 0 : 1
}

const program =
  (file, flags = []) =>
  (args) =>
    run(ROOT, 'node', [...flags, join(ROOT, file), ...args])

const COMMANDS = {
  start: program('packages/sandbox/src/demo.ts'),
  test: testEverything,
  e2e,
  // Node takes memory while there is some: what a process needs is seen only where it is told to be thrifty.
  bench: program('bench/src/main.ts', ['--max-semi-space-size=8', '--max-old-space-size=192']),
  chaos: program('chaos/src/main.ts'),
  soak: program('chaos/src/soak-main.ts'),
  stack: program('packages/sandbox/src/stack-main.ts'),
  dev: program('packages/sandbox/src/dev-main.ts'),
  docs: program('packages/docs/src/main.ts'),
}

const [name, ...args] = process.argv.slice(2)
const command = Object.hasOwn(COMMANDS, name ?? '') ? COMMANDS[name] : undefined
try {
  if (command === undefined) throw new Error(USAGE)
  setUp(ROOT)
  process.exitCode = await command(args[0] === '--' ? args.slice(1) : args)
} catch (error) {
  console.error(error.message)
  process.exitCode = 1
}
