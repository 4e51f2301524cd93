import { type ChildProcess, spawn } from 'node:child_process'
import { mkdtemp } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { delimiter, join, resolve } from 'node:path'

const ROOT = resolve(import.meta.dirname, '..', '..')
/** npx puts it first on the path too, so that the command runs on the pinned Node. */
const BIN = resolve(ROOT, 'node_modules', '.bin')
const WITHIN_MS = 110_000

export interface Ended {
  readonly code: number
  readonly out: string
  readonly err: string
}

export interface Syncctl {
  /** Runs the installed command as a person's script would: nobody is there to answer. */
  (...args: readonly string[]): Promise<Ended>
  /** The same, to be interrupted. */
  start(...args: readonly string[]): { readonly child: ChildProcess; readonly ended: Promise<Ended>; err(): string }
  /** Standard output as JSON. */
  json<T>(...args: readonly string[]): Promise<T[]>
  /** Where it keeps its state and reports. */
  readonly folder: string
}

export async function syncctlFor(env: NodeJS.ProcessEnv): Promise<Syncctl> {
  const folder = await mkdtemp(join(tmpdir(), 'sync-cli-'))
  const start: Syncctl['start'] = (...args) => {
    const child = spawn(resolve(BIN, 'syncctl'), args, {
      cwd: folder,
      timeout: WITHIN_MS,
      stdio: ['ignore', 'pipe', 'pipe'],
      env: { PATH: `${BIN}${delimiter}${process.env.PATH ?? ''}`, HOME: folder, SYNCCTL_STATE_DIR: folder, ...env },
    })
    let out = ''
    let err = ''
    child.stdout.on('data', (chunk: Buffer) => {
      out += chunk.toString()
    })
    child.stderr.on('data', (chunk: Buffer) => {
      err += chunk.toString()
    })
    const ended = new Promise<Ended>((done) => child.once('close', (code) => done({ code: code ?? -1, out, err })))
    return { child, ended, err: () => err }
  }
  const run = (...args: readonly string[]) => start(...args).ended
  return Object.assign(run, {
    start,
    folder,
    async json<T>(...args: readonly string[]) {
      const { out, err, code } = await run(...args)
      if (!out.startsWith('[')) throw new Error(`syncctl ${args.join(' ')} ended with ${code}, and no list: ${err}`)
      return JSON.parse(out) as T[]
    },
  })
}
