import { spawnSync } from 'node:child_process'
import { existsSync, readFileSync } from 'node:fs'
import { join } from 'node:path'

const readJson = (path) => {
  try {
    return JSON.parse(readFileSync(path, 'utf8'))
  } catch {
    return undefined
  }
}

const sameVersion = (wanted, found) =>
  found !== undefined && found.version === wanted.version && found.link === wanted.link

/**
 * The first package of the lock file that is not installed in its version; undefined when all are. `installed` is the
 * lock file that npm leaves in node_modules at the end of each complete installation, however that was asked for.
 */
export const firstMissing = (lock, installed) =>
  Object.entries(lock.packages)
    .filter(([path, wanted]) => path !== '' && !(wanted.optional && installed.packages[path] === undefined))
    .find(([path, wanted]) => !sameVersion(wanted, installed.packages[path]))?.[0]

const whyInstall = (root) => {
  const lock = readJson(join(root, 'package-lock.json'))
  if (lock === undefined) throw new Error('reading package-lock.json: it is missing or is not JSON')
  const installed = readJson(join(root, 'node_modules', '.package-lock.json'))
  if (installed === undefined) return 'nothing is installed yet'
  const missing = firstMissing(lock, installed)
  if (missing !== undefined) return `${missing} is not installed in the version of package-lock.json`
  return existsSync(pinnedNode(root)) ? undefined : 'the pinned Node is missing'
}

export const pinnedNode = (root) => join(root, 'node_modules', 'node', 'bin', 'node')

/** Installs what package-lock.json says, unless that is what is there. Throws when it can't. */
export const setUp = (root) => {
  const why = whyInstall(root)
  if (why === undefined) return
  console.error(`installing packages: ${why}`)
  const args = ['ci', '--no-audit', '--no-fund', '--loglevel=error']
  const { status, error } = spawnSync('npm', args, { cwd: root, stdio: ['ignore', 'inherit', 'inherit'] })
  if (status !== 0) throw new Error(`installing packages: npm ci failed (${error?.message ?? `exit code ${status}`})`)
  if (!existsSync(pinnedNode(root))) {
    throw new Error('installing packages: the pinned Node is missing. Is `ignore-scripts` on in an .npmrc?')
  }
}
