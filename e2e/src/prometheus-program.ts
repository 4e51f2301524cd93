import { findPrograms } from './find-programs.ts'

/** Where the program is; null when it is not there. */
export const findProgram = (name: 'prometheus' | 'promtool'): string | null => findPrograms(name)[0] ?? null

/** For the name of what is skipped without it. */
export const unlessFound = (name: string, path: string | null): string =>
  path === null ? ` (skipped: ${name} is not installed; scripts/fetch-prometheus.sh gets it on Debian)` : ''
