import { accessSync, constants } from 'node:fs'
import { delimiter, join, resolve } from 'node:path'

const UNPACKED = resolve(import.meta.dirname, '..', '..', '.cache', 'prometheus', 'usr', 'bin')

/** Where the program is: on the path, or where scripts/fetch-prometheus.sh puts it; null when it is not there. */
export function findProgram(name: 'prometheus' | 'promtool'): string | null {
  const folders = [...(process.env.PATH ?? '').split(delimiter).filter((folder) => folder !== ''), UNPACKED]
  return folders.map((folder) => join(folder, name)).find(isExecutable) ?? null
}

/** For the name of what is skipped without it. */
export const unlessFound = (name: string, path: string | null): string =>
  path === null ? ` (skipped: ${name} is not installed; scripts/fetch-prometheus.sh gets it on Debian)` : ''

function isExecutable(path: string): boolean {
  try {
    accessSync(path, constants.X_OK)
    return true
  } catch {
    return false
  }
}
