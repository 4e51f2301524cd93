import { readdirSync, readFileSync } from 'node:fs'
import { join, resolve } from 'node:path'
import { queriesOf, readDashboards } from '@sync/e2e/dashboards'
import { parseQuery } from '@sync/e2e/promql'
import { describe, expect, it } from 'vitest'
import { parse } from 'yaml'
import { files } from '../deploy/grafana/source/all.mjs'
import { problemsOf } from './check-query.mjs'
import { knownSeries } from './metric-names.mjs'

const FOLDER = resolve(import.meta.dirname, '..', 'deploy', 'grafana')
const read = (...path) => readFileSync(join(FOLDER, ...path), 'utf8')
const dashboards = readDashboards()
const uids = dashboards.map(({ uid }) => uid)
const panelsOf = ({ panels }) => panels.filter(({ type }) => type !== 'row')

it('the dashboards are as `npx node deploy/grafana/source/write.mjs` writes them', () => {
  expect(readdirSync(join(FOLDER, 'dashboards')).sort()).toEqual(Object.keys(files).sort())
  for (const [name, text] of Object.entries(files)) expect(read('dashboards', name), name).toBe(text)
})

it('there is one for each of overview, tenant, relation-manager, ingest, targets and Kafka', () => {
  expect([...uids].sort()).toEqual(
    ['overview', 'tenant', 'relation-manager', 'ingest', 'targets', 'kafka'].map((name) => `sync-${name}`).sort(),
  )
})

/** Durations stay what they are: the parser knows none with a `$`. */
const VARIABLES = { __rate_interval: '1m', __range: '3h' }

describe.each(dashboards.map((dashboard) => [dashboard.title, dashboard]))('%s', (_title, dashboard) => {
  it.each(queriesOf(dashboard, VARIABLES).map((query) => [query.asks, query]))(
    'asks for series that there are: %s',
    async (_asks, { expr, legend }) => {
      const known = await knownSeries()

      expect(problemsOf(expr, known)).toEqual([])
      const labels = parseQuery(expr).selectors.flatMap(({ metric }) => known.get(metric))
      for (const label of legend) expect(labels).toContain(label)
    },
  )

  it('uses only variables that it has', () => {
    const names = dashboard.templating.list.map(({ name }) => name)

    const used = queriesOf(dashboard, VARIABLES).flatMap(({ expr }) =>
      [...expr.matchAll(/\$(\w+)/g)].map(([, name]) => name),
    )
    for (const name of used) expect(names).toContain(name)
  })

  it('has a unit and a description on every panel, in Grafana’s grid and none over another', () => {
    const taken = new Set()
    for (const { title, description, fieldConfig, gridPos } of panelsOf(dashboard)) {
      expect(description, title).toMatch(/\.$/)
      expect(fieldConfig.defaults.unit ?? fieldConfig.defaults.mappings[0]?.type, title).toBeDefined()
      expect(gridPos.x + gridPos.w, title).toBeLessThanOrEqual(24)
      for (let x = gridPos.x; x < gridPos.x + gridPos.w; x++) {
        for (let y = gridPos.y; y < gridPos.y + gridPos.h; y++) {
          expect(taken.has(`${x} ${y}`), title).toBe(false)
          taken.add(`${x} ${y}`)
        }
      }
    }
  })

  it('begins with numbers, and its ids are its own', () => {
    const [first, ...others] = panelsOf(dashboard)

    expect(first.type).toBe('stat')
    expect(others.slice(0, 5).map(({ type }) => type)).toEqual(Array(5).fill('stat'))
    const ids = dashboard.panels.map(({ id }) => id)
    expect(new Set(ids).size).toBe(ids.length)
  })

  it('links only to dashboards that there are, and names runbook sections that there are', () => {
    const runbook = readFileSync(resolve(FOLDER, '..', '..', 'docs', 'runbook.md'), 'utf8')
    for (const { title, links = [], description } of panelsOf(dashboard)) {
      for (const { url } of links) expect(uids, title).toContain(/^\/d\/([\w-]+)\?/.exec(url)?.[1])
      for (const [, number] of description.matchAll(/[Rr]unbook (\d+)/g)) {
        expect(runbook, title).toMatch(new RegExp(`^## ${number}\\. `, 'm'))
      }
    }
  })

  it('shows traces on its latencies', () => {
    const latencies = panelsOf(dashboard).filter(
      ({ type, targets }) => type === 'timeseries' && targets[0].expr.includes('_seconds_bucket'),
    )

    for (const { title, targets } of latencies) {
      const hasTraces =
        !targets[0].expr.includes('sync_kafka_write_seconds') &&
        !targets[0].expr.includes('sync_rate_limit_wait_seconds')
      expect(
        targets.every(({ exemplar }) => exemplar === hasTraces),
        title,
      ).toBe(true)
    }
  })
})

describe('the provisioning', () => {
  it('names a folder for the dashboards, and a data source with their traces', () => {
    const { providers } = parse(read('provisioning', 'dashboards', 'flow-omnium-sync.yml'))
    const { datasources } = parse(read('provisioning', 'datasources', 'prometheus.yml'))

    expect(providers.map(({ type, options }) => [type, options.path])).toEqual([['file', '/etc/grafana/dashboards']])
    expect(datasources[0]).toMatchObject({
      type: 'prometheus',
      isDefault: true,
      jsonData: { exemplarTraceIdDestinations: [{ name: 'trace_id' }] },
    })
  })
})
