import { readFileSync } from 'node:fs'
import { stat } from 'node:fs/promises'
import { isDeepStrictEqual } from 'node:util'
import { SyncError } from './errors.ts'
import type { Part } from './lifecycle.ts'
import type { Logger } from './logger.ts'
import { createTenants, parseTenants, secretFilesOf, type Tenants } from './tenants.ts'

/** What became of a look at the file. */
export type ReloadResult = 'applied' | 'unchanged' | 'invalid'

export interface TenantsFileOptions {
  readonly path: string
  /** Where `env:` secrets are looked up. */
  readonly env: Readonly<Record<string, string | undefined>>
  readonly logger: Pick<Logger, 'info' | 'error'>
  /** How often the file and the files of its secrets are looked at. */
  readonly pollMs?: number
}

/** The tenants by their file, which may change at any time; what is not valid leaves those of before in use. */
export interface TenantsFile extends Part {
  current(): Tenants
  /** Reads the file and its secrets now, changed or not. Never rejects. */
  reload(): Promise<void>
  /** Told after each change, with the new tenants. One that did not change is the same object as before. */
  onChange(listener: (tenants: Tenants) => void): void
  /** Told of each look that found a change, or that was asked for. */
  onReload(listener: (result: ReloadResult) => void): void
  /** Why the file as it is now is not in use; null when it is. */
  problem(): string | null
}

/** Often enough for a file that several processes read, which should agree before a new tenant's records come. */
const POLL_MS = 2_000
/**
 * Opens the file, which has to be valid now. By its state and not by events of the file system, which don't tell of a
 * volume whose files are links that are put elsewhere (a ConfigMap, a Secret). Throws SyncError `config-invalid`.
 */
export function openTenantsFile(options: TenantsFileOptions): TenantsFile {
  const { path, env, logger, pollMs = POLL_MS } = options
  const changed = new Set<(tenants: Tenants) => void>()
  const reloaded = new Set<(result: ReloadResult) => void>()
  let files: readonly string[] = [path]
  let seen = ''
  let problem: string | null = null
  let timer: NodeJS.Timeout | undefined
  let stopped = false
  let looking: Promise<void> = Promise.resolve()

  const read = (): Tenants => {
    files = [path]
    const text = readText(path)
    files = [path, ...secretFilesOf(text)]
    return parseTenants(text, env)
  }
  let tenants = read()

  const apply = (next: Tenants): ReloadResult => {
    const { merged, difference } = compare(tenants, next)
    if (problem !== null) logger.info('the tenants file is valid again')
    problem = null
    if (Object.values(difference).every((uids) => uids.length === 0)) return 'unchanged'
    tenants = merged
    logger.info({ tenants: merged.all().length, ...difference }, 'the tenants file is in use as it is now')
    for (const listener of changed) listener(merged)
    return 'applied'
  }

  const attempt = (): ReloadResult => {
    try {
      return apply(read())
    } catch (error) {
      if (!(error instanceof SyncError)) throw error
      problem = error.message
      logger.error({ err: error }, 'the tenants file is not valid: the tenants of before are kept')
      return 'invalid'
    }
  }

  const look = async (isAsked: boolean) => {
    const [looked, state] = [files, await stateOf(files)]
    if (!isAsked && state === seen) return
    const result = attempt()
    // The state of before it was read, else a change in between would be missed; of files that are new to us it isn't known.
    seen = isDeepStrictEqual(files, looked) ? state : ''
    if (isAsked || result !== 'unchanged') for (const listener of reloaded) listener(result)
  }
  const queue = (isAsked: boolean): Promise<void> => {
    looking = looking
      .then(() => look(isAsked))
      .catch((error: unknown) => logger.error({ err: error }, 'looking at the tenants file failed'))
    return looking
  }
  const poll = async () => {
    await queue(false)
    if (!stopped) timer = setTimeout(poll, pollMs)
  }

  return {
    name: 'tenants file',
    async start() {
      timer = setTimeout(poll, pollMs)
    },
    async stop() {
      stopped = true
      clearTimeout(timer)
      await looking
    },
    current: () => tenants,
    reload: () => queue(true),
    onChange: (listener) => void changed.add(listener),
    onReload: (listener) => void reloaded.add(listener),
    problem: () => problem,
  }
}

/** A tenants file's text. Throws SyncError `config-invalid` when it can't be read. */
export function readText(path: string): string {
  try {
    return readFileSync(path, 'utf8')
  } catch (cause) {
    throw new SyncError('config-invalid', `reading tenants: TENANTS_FILE ${path} can't be read`, { cause })
  }
}

/** Changes whenever one of the files is written, replaced, or comes or goes. */
async function stateOf(files: readonly string[]): Promise<string> {
  const states = await Promise.all(
    files.map(async (file) => {
      try {
        const { ino, size, mtimeNs, ctimeNs } = await stat(file, { bigint: true })
        return `${ino} ${size} ${mtimeNs} ${ctimeNs}`
      } catch {
        return 'missing'
      }
    }),
  )
  return states.join('\n')
}

/** The next tenants, of which those that equal the ones of before are the same objects; and the uids that differ. */
function compare(before: Tenants, next: Tenants) {
  const difference: Record<'added' | 'changed' | 'removed', string[]> = { added: [], changed: [], removed: [] }
  const merged = next.all().map((tenant) => {
    const known = before.get(tenant.uid)
    if (known !== undefined && isDeepStrictEqual(known, tenant)) return known
    difference[known === undefined ? 'added' : 'changed'].push(tenant.uid)
    return tenant
  })
  difference.removed.push(...before.all().flatMap(({ uid }) => (next.get(uid) === undefined ? uid : [])))
  return { merged: createTenants(merged), difference }
}
