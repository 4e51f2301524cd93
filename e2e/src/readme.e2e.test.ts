import { type ChildProcess, spawn, spawnSync } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { delimiter, join, resolve } from 'node:path'
import { freePorts } from '@sync/sandbox/free-ports'
import { describe, expect, it, onTestFinished } from 'vitest'
import { eventually } from './eventually.ts'
import { newTopicPrefix, sharedStack } from './stack.ts'

const ROOT = resolve(import.meta.dirname, '..', '..')
const README = readFileSync(join(ROOT, 'README.md'), 'utf8')
const WHOLE_MS = 240_000
const COMMAND_MS = 60_000

const sectionOf = (heading: string): string => {
  const [, section] = new RegExp(`^## ${heading}\\n([\\s\\S]*?)^## `, 'm').exec(README) ?? []
  if (section === undefined) throw new Error(`README.md has no section "${heading}"`)
  return section
}

/** The commands of a section's blocks, each block a list, continued lines in one. */
const blocksOf = (section: string): string[][] =>
  [...section.matchAll(/^```sh\n([\s\S]*?)^```/gm)].map(([, code]) =>
    code!
      .replaceAll(/\\\n\s*/g, '')
      .split('\n')
      .filter(Boolean),
  )

const curl = spawnSync('curl', ['--json', '{}', '--version']).status === 0
const unless = curl ? '' : ' (skipped: no curl that knows --json is installed)'

/** As a person's terminal in the project's folder has it, but for the ports. */
const terminalEnv = (more: NodeJS.ProcessEnv): NodeJS.ProcessEnv => ({
  PATH: `${process.env.PATH}${delimiter}${join(ROOT, 'node_modules', '.bin')}`,
  HOME: process.env.HOME,
  ...more,
})

interface Running {
  readonly child: ChildProcess
  said(): string
}

/** A command in a group of its own, which Ctrl-C reaches as a whole. */
function start(command: string, env: NodeJS.ProcessEnv): Running {
  const child = spawn('sh', ['-c', command], { cwd: ROOT, env, detached: true, stdio: ['ignore', 'pipe', 'pipe'] })
  let said = ''
  const keep = (chunk: Buffer) => {
    said += chunk
  }
  child.stdout.on('data', keep)
  child.stderr.on('data', keep)
  const closed = once(child, 'close')
  onTestFinished(async () => {
    signalGroup(child, 'SIGINT')
    const deadline = setTimeout(() => signalGroup(child, 'SIGKILL'), 30_000)
    await closed
    clearTimeout(deadline)
  })
  return { child, said: () => said }
}

const signalGroup = (child: ChildProcess, signal: NodeJS.Signals) => {
  try {
    process.kill(-child.pid!, signal)
  } catch {
    // gone already
  }
}

/** Runs a command to its end, and answers what it printed. Throws with what it said when it failed. */
function output(command: string, env: NodeJS.ProcessEnv): string {
  const { status, stdout, stderr } = spawnSync('sh', ['-c', command], {
    ...{ cwd: ROOT, env, encoding: 'utf8', timeout: COMMAND_MS },
  })
  if (status !== 0) throw new Error(`${command}: exit code ${status}\n${stdout}${stderr}`)
  return stdout
}

const stackEnv = () => {
  const { brokers, registryUrl } = sharedStack()
  return { KAFKA_BROKERS: brokers.join(','), SCHEMA_REGISTRY_URL: registryUrl }
}

describe('what the README says about running it for real', () => {
  it('creates the topics by the command that it names', { timeout: WHOLE_MS }, () => {
    const [, command] = /`(KAFKA_BROKERS=… SCHEMA_REGISTRY_URL=… npx syncctl topics apply)`/.exec(README) ?? []
    const { KAFKA_BROKERS, SCHEMA_REGISTRY_URL } = stackEnv()
    const filled = command!.replace('…', KAFKA_BROKERS).replace('…', SCHEMA_REGISTRY_URL)
    const env = terminalEnv({ TOPIC_PREFIX: newTopicPrefix('readme') })

    expect(output(filled, env)).toContain('flow.customers.v1')

    expect(output(filled.replace('topics apply', 'topics check'), env)).toContain('In place')
  })
})

describe.skipIf(!curl)(`what the README says about trying it by hand${unless}`, () => {
  const section = sectionOf('Trying it by hand')
  const [[stack] = [], commands = []] = blocksOf(section)

  it('brings a customer from the till to Omnium, command by command', { timeout: WHOLE_MS }, async () => {
    const folder = mkdtempSync(join(tmpdir(), 'readme-'))
    onTestFinished(() => rmSync(folder, { recursive: true, force: true }))
    const file = join(folder, 'stack.env')
    const here = (command: string) => command.replace(/(\.\/)?stack\.env/, file)
    const [flowPort, omniumPort, ...adminPorts] = await freePorts(6)
    const around = start(
      here(stack!),
      terminalEnv({
        ...stackEnv(),
        TOPIC_PREFIX: newTopicPrefix('readme'),
        FLOW_WEBHOOK_URL: `http://127.0.0.1:${flowPort}/webhooks/flow/{tenant}`,
        OMNIUM_WEBHOOK_URL: `http://127.0.0.1:${omniumPort}/webhooks/omnium/{tenant}`,
      }),
    )
    await eventually('the stack', () => around.said().includes('Ctrl-C ends it'), COMMAND_MS)

    const [reading, ...rest] = commands.map(here)
    expect(reading).toContain(file)
    const httpPorts = [flowPort, omniumPort]
    const starts = rest.filter((command) => command.endsWith(' &'))
    expect(starts).toHaveLength(4)
    expect(output(`${reading}\n${rest[0]}`, terminalEnv({}))).toContain('In place')
    for (const [i, command] of starts.entries()) {
      const ports = { ADMIN_PORT: String(adminPorts[i]), ...(httpPorts[i] && { HTTP_PORT: String(httpPorts[i]) }) }
      start(`${reading}\nexec ${command.replace(/ &$/, '')}`, terminalEnv(ports))
    }
    for (const port of adminPorts) {
      await eventually(`the service at ${port}`, () => isReady(port), COMMAND_MS)
    }

    const [create, look, trace, ...more] = rest.filter((command) => !command.endsWith(' &')).slice(1)
    expect(more).toEqual([])
    const inShell = (command: string) => output(`${reading}\n${command}`, terminalEnv({}))
    inShell(create!)
    await eventually('the customer in Omnium', () => inShell(look!).includes('Eksempel'))
    await eventually('its trace', () => /ended .*customer-mapper|customer-mapper.* ended/.test(inShell(trace!)))

    const faults = [...section.matchAll(/`(curl [^`]*faults[^`]*)`/g)].map(([, command]) => command!)
    expect(faults).toHaveLength(2)
    expect(inShell(faults[0]!)).toContain('"id"')
    expect(inShell(faults[1]!)).toBe('{}')
  })
})

const isReady = (port: number) =>
  fetch(`http://127.0.0.1:${port}/ready`).then(
    ({ status }) => status === 200,
    () => false,
  )
