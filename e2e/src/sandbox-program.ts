import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { tmpdir } from 'node:os'
import { resolve } from 'node:path'
import { onTestFinished } from 'vitest'
import { newTopicPrefix, sharedStack } from './stack.ts'

const PROGRAMS = resolve(import.meta.dirname, '..', '..', 'packages', 'sandbox', 'src')

export interface SandboxProgram {
  readonly child: ChildProcess
  /** What it has told so far, to both outputs. */
  readonly text: () => string
  readonly exited: Promise<number | null>
}

/** A program of the sandbox as its user runs it, on the shared stack, with topics of its own; killed when the test ends. */
export function startSandboxProgram(file: string, args: readonly string[], env: NodeJS.ProcessEnv): SandboxProgram {
  const { brokers, registryUrl } = sharedStack()
  const child = spawn(process.execPath, [resolve(PROGRAMS, file), ...args], {
    env: {
      PATH: process.env.PATH,
      TMPDIR: tmpdir(),
      KAFKA_BROKERS: brokers.join(','),
      SCHEMA_REGISTRY_URL: registryUrl,
      TOPIC_PREFIX: newTopicPrefix(file.replace(/\W+/g, '-')),
      ...env,
    },
    stdio: ['ignore', 'pipe', 'pipe'],
  })
  onTestFinished(() => void child.kill('SIGKILL'))
  let text = ''
  const keep = (chunk: Buffer) => {
    text += chunk
  }
  child.stdout.on('data', keep)
  child.stderr.on('data', keep)
  return { child, text: () => text, exited: once(child, 'close').then(([code]) => code) }
}
