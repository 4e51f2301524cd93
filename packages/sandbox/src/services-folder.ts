import { resolve } from 'node:path'

const PROJECT_ROOT = resolve(import.meta.dirname, '..', '..', '..')

/** Where `<service>/src/main.ts` are: the project's own, unless SYNC_SERVICES_DIR says otherwise (tests do). */
export const servicesFolder = (env: NodeJS.ProcessEnv): string =>
  resolve(env.SYNC_SERVICES_DIR || resolve(PROJECT_ROOT, 'services'))
