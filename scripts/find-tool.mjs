import { accessSync, constants, realpathSync } from 'node:fs'
import { delimiter, join, resolve } from 'node:path'

/** Where scripts/fetch-tools.sh puts what isn't installed. */
const FETCHED = resolve(import.meta.dirname, '..', '.cache', 'tools', 'bin')

/** Every program of this name, each once: on the PATH, then fetched. Empty: there is none. */
export const findTools = (name) => {
  const places = [...(process.env.PATH ?? '').split(delimiter), FETCHED].flatMap((folder) => {
    try {
      accessSync(join(folder, name), constants.X_OK)
      return [realpathSync(join(folder, name))]
    } catch {
      return []
    }
  })
  return [...new Set(places)]
}
