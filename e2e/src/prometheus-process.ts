import { spawn } from 'node:child_process'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join, resolve } from 'node:path'
import { freePorts } from '@sync/sandbox/free-ports'
import { eventually } from './eventually.ts'

const RULES = resolve(import.meta.dirname, '..', '..', 'deploy', 'prometheus')

/** A series and its value now. */
export interface Sample {
  readonly metric: Readonly<Record<string, string>>
  readonly value: readonly [number, string]
}

/** A Prometheus of its own, on loopback, with our rules, that scrapes every second. */
export interface PrometheusProcess {
  /** Throws with Prometheus' own words when it does not take the query. */
  query(expr: string): Promise<readonly Sample[]>
  /** Any answer of its API, the `data` of it. */
  get(path: string): Promise<unknown>
  stop(): Promise<void>
}

/** `jobs`: the addresses (host:port) of each. */
export async function startPrometheus(
  program: string,
  jobs: Readonly<Record<string, readonly string[]>>,
): Promise<PrometheusProcess> {
  const folder = await mkdtemp(join(tmpdir(), 'prometheus-e2e-'))
  const config = {
    global: { scrape_interval: '1s', scrape_timeout: '1s', evaluation_interval: '1s' },
    rule_files: [join(RULES, 'recording.yml'), join(RULES, 'alerts.yml')],
    scrape_configs: Object.entries(jobs).map(([job_name, targets]) => ({ job_name, static_configs: [{ targets }] })),
  }
  // JSON is YAML.
  await writeFile(join(folder, 'prometheus.yml'), JSON.stringify(config))
  const [port] = await freePorts(1)
  const child = spawn(
    program,
    [
      `--config.file=${join(folder, 'prometheus.yml')}`,
      `--storage.tsdb.path=${join(folder, 'data')}`,
      `--web.listen-address=127.0.0.1:${port}`,
      '--enable-feature=exemplar-storage',
    ],
    { cwd: folder, stdio: ['ignore', 'ignore', 'pipe'] },
  )
  let output = ''
  child.stderr.on('data', (chunk: Buffer) => {
    output = (output + chunk.toString()).slice(-20_000)
  })
  let ended: number | string | null = null
  const exited = new Promise<void>((done) => {
    child.once('error', (error) => {
      ended = error.message
      done()
    })
    child.once('exit', (code, signal) => {
      ended = code ?? signal ?? 'unknown'
      done()
    })
  })
  const url = `http://127.0.0.1:${port}`
  const get = async (path: string) => {
    const answer = await fetch(`${url}${path}`)
    const { status, data, error } = (await answer.json()) as { status: string; data: unknown; error?: string }
    if (status !== 'success') throw new Error(error ?? `${answer.status}`)
    return data
  }
  const stop = async () => {
    if (ended === null) child.kill('SIGTERM')
    await exited
    await rm(folder, { recursive: true, force: true })
  }
  try {
    await eventually('Prometheus being ready', async () => {
      if (ended !== null) throw new Error(`Prometheus ended with ${ended}:\n${output}`)
      return (await fetch(`${url}/-/ready`).catch(() => null))?.status === 200
    })
  } catch (error) {
    await stop()
    throw error
  }
  return {
    get,
    stop,
    async query(expr) {
      const { result } = (await get(`/api/v1/query?${new URLSearchParams({ query: expr })}`)) as { result: Sample[] }
      return result
    },
  }
}
