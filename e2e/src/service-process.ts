import { type ChildProcess, spawn } from 'node:child_process'
import { resolve } from 'node:path'
import { freePorts } from '@sync/sandbox/free-ports'
import type { ServiceName } from '@sync/shared/kafka/topics'
import { metricValue } from '@sync/shared/testing/metric-value'
import { eventually } from './eventually.ts'

const ROOT = resolve(import.meta.dirname, '..', '..')

/** A service as its operators run it: its own process, nothing but the environment. */
export interface ServiceProcess {
  readonly name: ServiceName
  readonly adminUrl: string
  /** Of the ingest services. */
  readonly webhookUrl: string
  readonly pid: number
  /** What it has written so far, to both outputs. */
  output(): string
  /** The code, or the signal's name. */
  readonly exited: Promise<number | string>
  untilReady(): Promise<void>
  metrics(): Promise<string>
  /** Of its page of metrics, as `metricValue`. */
  metric(name: string, labels?: Readonly<Record<string, string>>): Promise<number>
  signal(name: NodeJS.Signals): void
  /** From now on nobody reads its outputs: what it writes fills their pipes. */
  stopReading(): void
  readAgain(): void
  /** SIGTERM, and its end. */
  stop(): Promise<number | string>
}

/** `program`: another one than the service's own, in its name. */
export async function startService(
  name: ServiceName,
  env: NodeJS.ProcessEnv,
  program: string = resolve(ROOT, 'services', name, 'src', 'main.ts'),
): Promise<ServiceProcess> {
  const [adminPort, httpPort] = await freePorts(2)
  const child: ChildProcess = spawn(process.execPath, [program], {
    cwd: ROOT,
    env: {
      PATH: process.env.PATH,
      ADMIN_PORT: String(adminPort),
      HTTP_HOST: '127.0.0.1',
      HTTP_PORT: String(httpPort),
      SERVICE_INSTANCE_ID: `${name}-${adminPort}`,
      LOG_LEVEL: 'info',
      ...env,
    },
    stdio: ['ignore', 'pipe', 'pipe'],
  })
  let output = ''
  const keep = (chunk: Buffer) => {
    output = (output + chunk.toString()).slice(-2_000_000)
  }
  child.stdout?.on('data', keep)
  child.stderr?.on('data', keep)
  let ended: number | string | null = null
  const exited = new Promise<number | string>((done) =>
    child.once('exit', (code, signal) => {
      ended = code ?? signal ?? 'unknown'
      done(ended)
    }),
  )
  const adminUrl = `http://127.0.0.1:${adminPort}`
  const metrics = async () => (await fetch(`${adminUrl}/metrics`)).text()
  return {
    name,
    adminUrl,
    webhookUrl: `http://127.0.0.1:${httpPort}`,
    pid: child.pid!,
    output: () => output,
    exited,
    async untilReady() {
      let answered = 'nothing'
      try {
        await eventually(`${name} being ready`, async () => {
          if (ended !== null) throw new Error(`${name} ended with ${ended}`)
          const answer = await fetch(`${adminUrl}/ready`).catch(() => null)
          if (answer !== null) answered = await answer.text()
          return answer?.status === 200
        })
      } catch (error) {
        throw new Error(`${(error as Error).message}; /ready said ${answered}\n${output.slice(-4000)}`)
      }
    },
    metrics,
    metric: async (metric, labels) => metricValue(await metrics(), metric, labels),
    signal: (signal) => void child.kill(signal),
    stopReading() {
      for (const stream of [child.stdout, child.stderr]) stream?.pause()
    },
    readAgain() {
      for (const stream of [child.stdout, child.stderr]) stream?.resume()
    },
    async stop() {
      if (ended === null) child.kill('SIGTERM')
      return exited
    },
  }
}
