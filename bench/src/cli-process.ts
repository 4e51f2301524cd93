import { spawn } from 'node:child_process'
import { readFileSync } from 'node:fs'
import { resolve } from 'node:path'

const ROOT = resolve(import.meta.dirname, '..', '..')

export interface CliRun {
  readonly code: number
  readonly seconds: number
  /** Peak resident memory, MiB. */
  readonly peakMiB: number
  readonly out: string
}

/** One run of syncctl as a process, its memory watched. */
export async function runSyncctl(args: readonly string[], env: NodeJS.ProcessEnv, cwd: string): Promise<CliRun> {
  const startedAt = performance.now()
  const child = spawn(process.execPath, [resolve(ROOT, 'packages/cli/src/main.ts'), ...args], {
    cwd,
    env: { PATH: process.env.PATH, HOME: cwd, SYNCCTL_STATE_DIR: cwd, ...env },
    stdio: ['ignore', 'pipe', 'inherit'],
  })
  let out = ''
  child.stdout.on('data', (chunk: Buffer) => {
    out = (out + chunk.toString()).slice(-10_000)
  })
  let peakKiB = 0
  // The kernel keeps the peak; it is read while the process is there.
  const watch = setInterval(() => {
    const status = attempt(() => readFileSync(`/proc/${child.pid}/status`, 'utf8'))
    peakKiB = Math.max(peakKiB, Number(/^VmHWM:\s+(\d+) kB/m.exec(status ?? '')?.[1] ?? 0))
  }, 100)
  const code = await new Promise<number>((done) => child.once('close', (ended) => done(ended ?? -1)))
  clearInterval(watch)
  return { code, seconds: (performance.now() - startedAt) / 1_000, peakMiB: Math.round(peakKiB / 1_024), out }
}

function attempt<V>(read: () => V): V | null {
  try {
    return read()
  } catch {
    return null
  }
}
