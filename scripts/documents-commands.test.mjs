import { execFileSync } from 'node:child_process'
import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { readOptions } from '@sync/chaos/options'
import { readSoakOptions } from '@sync/chaos/soak-options'
import { EXIT } from '@sync/cli/exit'
import { run } from '@sync/cli/run'
import { demoOptions } from '@sync/sandbox/demo/options'
import { devOptions } from '@sync/sandbox/dev/options'
import { describe, expect, it } from 'vitest'
import { callsOf, documents, isPattern, ROOT } from './documents.mjs'

const read = (path) => readFileSync(join(ROOT, path), 'utf8')
const { scripts } = JSON.parse(read('package.json'))

/** Each call of a command, by a pattern for it, with the document that makes it, without those that are patterns to fill in. */
const calls = (command) =>
  documents.flatMap(({ path, text }) =>
    callsOf(command, text)
      .filter((args) => args !== '' && !isPattern(args))
      .map((args) => [path, args]),
  )

describe('a call of syncctl in a document', () => {
  const CALLS = calls('(?:npx |docker compose run --rm )?syncctl')

  it('is among several', () => {
    expect(CALLS.length).toBeGreaterThan(30)
  })

  it.each(CALLS)('in %s is understood: %s', async (_path, args) => {
    const said = []
    const terminal = { env: {}, isTTY: false, out: () => {}, err: (text) => void said.push(text) }

    const code = await run(args.split(/\s+/), terminal)

    // What is missing here is the environment.
    expect([EXIT.ok, EXIT.config], said.join('')).toContain(code)
  })

  it.each([['--help'], ['topics list']])('runs by its name: %s', (args) => {
    const said = execFileSync('npx', ['syncctl', ...args.split(' ')], { cwd: ROOT, encoding: 'utf8' })

    expect(said).toMatch(/topics|flow\.customers\.v1/)
  })
})

/** What a script of package.json makes of its arguments: throws when it would not take them. */
const SCRIPTS = {
  start: (args) => demoOptions(args, {}),
  dev: (args) => devOptions(args, {}),
  chaos: (args) => readOptions(args, 1),
  soak: readSoakOptions,
  bench: readsBench,
  e2e: (args) => {
    const files = readdirSync(join(ROOT, 'e2e', 'src'))
    for (const name of args) expect(files.filter((file) => file.includes(name))).not.toEqual([])
  },
}

/** A bench reads its options as it starts, so its own text has to tell. */
function readsBench([name, ...args]) {
  expect(read('bench/src/main.ts')).toContain(`./${name}.ts`)
  const text = read(`bench/src/${name}.ts`)
  for (const option of args.filter((arg) => arg.startsWith('--'))) {
    expect(text).toMatch(new RegExp(`\\b'?${option.slice(2)}'?: \\{ type`))
  }
}

describe('a call of an npm script in a document', () => {
  const CALLS = calls('npm').filter(([, args]) => /^(run|start|test)\b/.test(args))

  it('is among several', () => {
    expect(CALLS.length).toBeGreaterThan(10)
  })

  it.each(CALLS)('in %s is understood: npm %s', (_path, call) => {
    const [name, ...args] = call.replace(/^run (--silent )?/, '').split(/\s+/)
    const own = args[0] === '--' ? args.slice(1) : args

    expect(Object.keys(scripts)).toContain(name)
    if (own.length > 0) expect(Object.keys(SCRIPTS), `${name} takes no arguments`).toContain(name)
    SCRIPTS[name]?.(own)
  })

  it('is made by scripts that scripts/run.mjs knows', () => {
    const commands = Object.values(scripts).flatMap((script) => /scripts\/run\.mjs (\w+)$/.exec(script)?.[1] ?? [])

    for (const name of commands) expect(read('scripts/run.mjs')).toMatch(new RegExp(`^  ${name}[:,]`, 'm'))
    expect(commands).toEqual(expect.arrayContaining(['start', 'test', 'dev', 'stack']))
  })
})

describe('a call of node in a document', () => {
  const CALLS = [...calls('node'), ...calls('node_modules/.bin/node')]

  it('is among several', () => {
    expect(CALLS.length).toBeGreaterThan(3)
  })

  it.each(CALLS)('in %s runs a file that is there: node %s', (_path, args) => {
    const file = args.split(/\s+/).find((arg) => !arg.startsWith('-'))

    if (file !== undefined) expect(existsSync(join(ROOT, file)), file).toBe(true)
  })
})
