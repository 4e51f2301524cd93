import { globSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { Config as CustomerMapper } from '@sync/customer-mapper/config'
import { Config as FlowIngest } from '@sync/flow-ingest/config'
import { Config as OmniumIngest } from '@sync/omnium-ingest/config'
import { Config as RelationManager } from '@sync/relation-manager/config'
import { cliEnv } from '@sync/shared/config'
import { createAdminApp } from '@sync/shared/http/admin'
import { TOPICS } from '@sync/shared/kafka/topics'
import { createMetrics } from '@sync/shared/metrics'
import { METRICS } from '@sync/shared/metrics-table'
import { describe, expect, it } from 'vitest'
import { codeIn, documents, fencesIn, ROOT } from './documents.mjs'

/** A changelog names what was, too. */
const current = documents.filter(({ path }) => path !== 'CHANGELOG.md')

/** Each of what `find` finds, once for each document. */
const named = (find) => current.flatMap(({ path, text }) => [...new Set(find(text))].map((name) => [path, name]))
const matches = (pattern) => (text) => [...text.matchAll(pattern)].map(([, name]) => name)

const settings = new Set(
  [FlowIngest, OmniumIngest, CustomerMapper, RelationManager].flatMap((schema) => Object.keys(schema.shape)),
)
for (const name of Object.keys(cliEnv)) settings.add(name)

const SOURCES = [
  '{packages,services,bench,chaos,scripts}/**/src/**/*.ts',
  'e2e/src/**/*.ts',
  'scripts/**/*.mjs',
  'deploy/**/*.{yml,yaml,json,tpl,properties,sh}',
  '{docker-compose.yml,Dockerfile,tenants.example.json,.ci/run}',
]
const files = globSync(SOURCES, { cwd: ROOT, exclude: ['**/node_modules/**'] }).filter(
  (path) => !path.includes('node_modules'),
)
/** Every name in the sources, and of those in tests what they read from the environment. */
const words = new Set(
  files.flatMap((path) => {
    const text = readFileSync(join(ROOT, path), 'utf8')
    return text.match(/\.test\.\w+$/.test(path) ? /(?<=\benv\.)[A-Z][A-Z\d_]+\b/g : /\b[A-Z][A-Z\d_]+\b/g) ?? []
  }),
)

/** Names that are nobody's here, and whose they are. */
const OTHERS = {
  COMPOSE_PROFILES: 'read by Docker Compose itself',
  IDEMPOTENT_WRITE: "an operation of Kafka's ACLs",
}

describe('a variable that a document names', () => {
  const NAMES = named(matches(/(?<![\w$])\$?([A-Z][A-Z\d]*(?:_[A-Z\d]+)*_(?:[A-Z\d]+|\*))(?!\w)/g))

  it('is among several', () => {
    expect(NAMES.length).toBeGreaterThan(40)
  })

  // Most are settings of the services or of syncctl. The others are those of a script, a deployment, or a peer's words.
  it.each(NAMES)('in %s is one that something reads: %s', (_path, name) => {
    const isIt = name.endsWith('*') ? (known) => known.startsWith(name.slice(0, -1)) : (known) => known === name

    expect([...settings, ...words, ...Object.keys(OTHERS)].some(isIt)).toBe(true)
  })

  const defaults = (name) =>
    [FlowIngest, OmniumIngest, CustomerMapper, RelationManager].flatMap(({ shape }) =>
      Object.hasOwn(shape, name) ? [String(shape[name].safeParse(undefined).data)] : [],
    )
  const ROWS = named((text) =>
    [...text.matchAll(/^\| `([A-Z][A-Z\d_]+)` \| (\d+(?:\.\d+)?) \|/gm)].map(([, name, value]) => `${name}=${value}`),
  )

  it('has a default in several tables', () => {
    expect(ROWS.length).toBeGreaterThan(2)
  })

  it.each(ROWS)('in %s has the default that a table shows: %s', (_path, row) => {
    const [name, value] = row.split('=')

    expect(defaults(name)).toContain(value)
  })
})

describe('a metric that a document names', async () => {
  const NAMES = named(matches(/(?<![\w:])((?:sync|nodejs|process)_[a-z\d_]+\*?)(?![\w:])/g))
  const { text: scraped } = await createMetrics('flow-ingest').render()
  const exposed = scraped.match(/^# TYPE (\S+) (\S+)/gm)
  const known = new Set(
    [...exposed.map((line) => line.split(' ')), ...Object.values(METRICS).map(({ name, type }) => ['', '', name, type])]
      .map(([, , name, type]) => [name, type])
      .flatMap(([name, type]) =>
        type === 'histogram' ? [name, `${name}_bucket`, `${name}_sum`, `${name}_count`] : [name],
      ),
  )

  it('is among several', () => {
    expect(NAMES.length).toBeGreaterThan(4)
  })

  it.each(NAMES)('in %s is one that there is: %s', (_path, name) => {
    const isIt = name.endsWith('*') ? (metric) => metric.startsWith(name.slice(0, -1)) : (metric) => metric === name

    expect([...known].some(isIt)).toBe(true)
  })
})

describe('a topic that a document names', () => {
  const topics = TOPICS.map(({ name }) => name)
  const NAMES = named(matches(/(?<![\w.<>-])([a-z]+(?:[.-][a-z]+)+\.v\d+)(?![\w-])/g))

  it('is among several', () => {
    expect(NAMES.length).toBeGreaterThan(15)
  })

  it.each(NAMES)('in %s is one that there is: %s', (_path, name) => {
    expect(topics).toContain(name)
  })
})

describe('an address of a service that a document names', () => {
  const URLS = named((text) =>
    [...codeIn(text), ...fencesIn(text).map(({ code }) => code)].flatMap((code) => [
      ...matches(/(:9(?:40\d)\/[\w/.-]*)/g)(code),
      ...matches(/(:808[12]\/[\w/.<>{}-]*)/g)(code),
    ]),
  )
  const admin = createAdminApp({ readiness: () => ({ waitingFor: [], details: {} }), metrics: async () => ({}) })

  it('is among several', () => {
    expect(URLS.length).toBeGreaterThan(0)
  })

  it.each(URLS)('in %s is one that it answers: %s', (_path, found) => {
    const url = found.slice(found.indexOf('/'))

    if (found.startsWith(':9')) expect(admin.hasRoute({ method: 'GET', url })).toBe(true)
    else expect(url).toMatch(/^\/webhooks\/(flow|omnium)\/[^/]+$/)
  })
})
