import { createHash } from 'node:crypto'
import { mkdir, readFile, rename, rm, stat, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import type { Cluster } from './cluster.ts'

/** What a long command needs to go on where it was interrupted: a file of its own in SYNCCTL_STATE_DIR. */
export interface State<S> {
  /** null: there is nothing to go on with, or only something that was left lying for a day. */
  read(): Promise<S | null>
  write(state: S): Promise<void>
  remove(): Promise<void>
}

/** Whoever runs the same command later means something new by it. */
const FORGOTTEN_AFTER_MS = 24 * 3_600_000

/** `identity`: what makes a run the same one as before; the cluster it runs against is added. */
export function openState<S>({ config, prefix }: Cluster, command: string, identity: object): State<S> {
  const text = JSON.stringify({ brokers: config.kafkaBrokers, prefix, command, ...identity })
  const name = `${command}-${createHash('sha256').update(text).digest('hex').slice(0, 16)}.json`
  const file = join(config.syncctlStateDir, name)
  return {
    async read() {
      try {
        const { mtimeMs } = await stat(file)
        return Date.now() - mtimeMs > FORGOTTEN_AFTER_MS ? null : (JSON.parse(await readFile(file, 'utf8')) as S)
      } catch (error) {
        if ((error as NodeJS.ErrnoException).code === 'ENOENT' || error instanceof SyntaxError) return null
        throw error
      }
    },
    async write(state) {
      await mkdir(config.syncctlStateDir, { recursive: true, mode: 0o700 })
      // Whole or not at all, whatever ends the command.
      await writeFile(`${file}.new`, JSON.stringify(state), { mode: 0o600 })
      await rename(`${file}.new`, file)
    },
    remove: () => rm(file, { force: true }),
  }
}
