import { execFile } from 'node:child_process'
import { join, resolve } from 'node:path'

const PROGRAM = resolve(import.meta.dirname, '..', '..', 'packages', 'cli', 'src', 'main.ts')
const WITHIN_MS = 300_000

export interface SyncctlEnd {
  /** The exit code, or null if a signal ended the process. */
  readonly code: number | null
  readonly output: string
}

export type Syncctl = (...args: readonly string[]) => Promise<SyncctlEnd>

/** Runs the command-line tool with the environment of the services. Its state is in `folder`. Never rejects. */
export const createSyncctl =
  (folder: string, env: NodeJS.ProcessEnv): Syncctl =>
  (...args) =>
    new Promise((done) => {
      const { PATH } = process.env
      const options = {
        ...{ cwd: folder, timeout: WITHIN_MS, killSignal: 'SIGKILL' as const, maxBuffer: 2 ** 26 },
        env: { ...env, PATH, HOME: folder, SYNCCTL_STATE_DIR: join(folder, 'syncctl') },
      }
      const child = execFile(process.execPath, [PROGRAM, ...args], options, (_, stdout, stderr) =>
        done({ code: child.exitCode, output: stdout + stderr }),
      )
    })
