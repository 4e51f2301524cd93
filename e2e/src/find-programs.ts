import { accessSync, constants, realpathSync } from 'node:fs'
import { delimiter, join, resolve } from 'node:path'

const CACHE = resolve(import.meta.dirname, '..', '..', '.cache')
/** Where scripts/fetch-tools.sh and scripts/fetch-prometheus.sh put what isn't installed. */
const FETCHED = [join(CACHE, 'tools', 'bin'), join(CACHE, 'prometheus', 'usr', 'bin')]

/** Every program of this name, each once: on the PATH, then fetched. Empty: there is none. */
export function findPrograms(name: string): string[] {
  const onPath = (process.env.PATH ?? '').split(delimiter).filter((folder) => folder !== '')
  const places = [...onPath, ...FETCHED].flatMap((folder) => {
    try {
      accessSync(join(folder, name), constants.X_OK)
      return [realpathSync(join(folder, name))]
    } catch {
      return []
    }
  })
  return [...new Set(places)]
}
