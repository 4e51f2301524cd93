import { delimiter, join, resolve } from 'node:path'

const BIN = resolve(import.meta.dirname, '..', '..', '..', '..', 'node_modules', '.bin')

/** A PATH on which `node` is the one that the services run on; without what npm puts on it for a script. */
export const pathWithNode = (path = ''): string => {
  const ofNpm = (folder: string) => folder.endsWith(join('node_modules', '.bin')) || folder.endsWith('node-gyp-bin')
  return [BIN, ...path.split(delimiter).filter((folder) => folder !== '' && !ofNpm(folder))].join(delimiter)
}
