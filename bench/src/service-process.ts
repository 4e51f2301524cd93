import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { resolve } from 'node:path'
import { freePorts } from '@sync/sandbox/free-ports'

const ROOT = resolve(import.meta.dirname, '..', '..')
const READY_WITHIN_MS = 60_000

/** A process under measurement. */
export interface MeasuredProcess {
  /** Where it is asked. */
  readonly url: string
  /** A metric without labels, by its name, from its `/metrics`. */
  metric(name: string): Promise<number>
  stop(): Promise<void>
}

const metricsOf = (metricsUrl: string) => async (name: string) => {
  const text = await (await fetch(metricsUrl)).text()
  const value = new RegExp(`^${name} (\\S+)`, 'm').exec(text)?.[1]
  if (value === undefined) throw new Error(`${metricsUrl} tells no ${name}`)
  return Number(value)
}

const start = (program: string, env: NodeJS.ProcessEnv) => {
  const child = spawn(process.execPath, [resolve(ROOT, program)], {
    cwd: ROOT,
    env: { PATH: process.env.PATH, ...env },
    stdio: ['ignore', 'pipe', 'inherit'],
  })
  const exited = once(child, 'exit')
  return {
    child,
    async stop() {
      child.kill('SIGTERM')
      await exited
    },
  }
}

/** A service as its operators run it; resolves when it is ready. `url` is that of its webhooks. */
export async function startService(name: string, env: NodeJS.ProcessEnv): Promise<MeasuredProcess> {
  const [adminPort, httpPort] = await freePorts(2)
  const adminUrl = `http://127.0.0.1:${adminPort}`
  const { child, stop } = start(`services/${name}/src/main.ts`, {
    ADMIN_PORT: String(adminPort),
    HTTP_HOST: '127.0.0.1',
    HTTP_PORT: String(httpPort),
    LOG_LEVEL: 'warn',
    SERVICE_INSTANCE_ID: `bench-${name}`,
    ...env,
  })
  child.stdout.pipe(process.stderr)
  const deadline = performance.now() + READY_WITHIN_MS
  while ((await fetch(`${adminUrl}/ready`).catch(() => null))?.status !== 200) {
    if (child.exitCode !== null) throw new Error(`${name} ended with ${child.exitCode}`)
    if (performance.now() > deadline) throw new Error(`${name} is not ready within ${READY_WITHIN_MS} ms`)
    await new Promise((resolve) => setTimeout(resolve, 50))
  }
  return { url: `http://127.0.0.1:${httpPort}`, metric: metricsOf(`${adminUrl}/metrics`), stop }
}

export async function startBareFastify(): Promise<MeasuredProcess> {
  const { child, stop } = start('bench/src/bare-fastify.ts', {})
  const [chunk] = (await once(child.stdout, 'data')) as [Buffer]
  const url = chunk.toString().trim()
  return { url, metric: metricsOf(`${url}/metrics`), stop }
}
