import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, test } from 'vitest'

const ROOT = join(import.meta.dirname, '..')

/** Files that decide and touch nothing: no clock, no chance, no effects. By name, wherever they stand. */
const PURE =
  /^(decide.*|differences|map-.*|merge-elements|sync-properties|emptiness|assigner|relations|fold|key-queues|due-heap|offsets|plan|backoff|read-again|dead-letter|retry-lane|watchdog|outcome|errors|version|circuit-state|evidence|topic-plan|acls|denials|paging)\.ts$/
/** All of `contracts/` but what talks to the registry or the disk. */
const IMPURE_CONTRACTS = /^(registry|registry-http|codec|write-schemas)\.ts$/

const FORBIDDEN_IMPORT = /from '(node:[^']*|kafkajs|undici|pino|prom-client)'/
const FORBIDDEN_CALL = /\b(Date\.now\(|new Date\(\)|Math\.random\(|performance\.|process\.|setTimeout\()/

const sources = (folder) =>
  readdirSync(folder, { withFileTypes: true, recursive: true })
    .filter((entry) => entry.isFile() && !entry.parentPath.includes('node_modules'))
    .map((entry) => ({ name: entry.name, path: join(entry.parentPath, entry.name) }))
    .filter(({ name }) => name.endsWith('.ts') && !name.includes('.test.'))

const pure = [...sources(join(ROOT, 'packages')), ...sources(join(ROOT, 'services'))].filter(
  ({ name, path }) => PURE.test(name) || (path.includes('/shared/src/contracts/') && !IMPURE_CONTRACTS.test(name)),
)

test('there are pure files to look at', () => {
  expect(pure.length).toBeGreaterThan(30)
})

test.each(pure)('$name imports no effects and asks neither clock nor chance', ({ path }) => {
  const text = readFileSync(path, 'utf8')

  expect(text.match(FORBIDDEN_IMPORT)).toBeNull()
  expect(text.match(FORBIDDEN_CALL)).toBeNull()
})
