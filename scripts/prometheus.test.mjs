import { execFileSync } from 'node:child_process'
import { readdirSync, readFileSync } from 'node:fs'
import { join, resolve } from 'node:path'
import { findProgram, unlessFound } from '@sync/e2e/prometheus-program'
import { parseQuery } from '@sync/e2e/promql'
import { describe, expect, it } from 'vitest'
import { parse } from 'yaml'
import { problemsOf } from './check-query.mjs'
import { knownSeries } from './metric-names.mjs'

const ROOT = resolve(import.meta.dirname, '..')
const FOLDER = join(ROOT, 'deploy', 'prometheus')
const read = (...path) => readFileSync(join(...path), 'utf8')
const rulesIn = (file) => parse(read(FOLDER, file)).groups.flatMap(({ rules }) => rules)

const recorded = rulesIn('recording.yml')
const alerts = rulesIn('alerts.yml')
const tests = readdirSync(join(FOLDER, 'tests'))
const runbook = read(ROOT, 'docs', 'runbook.md')

/** As GitHub and its like make them of headings. */
const anchors = [...runbook.matchAll(/^#+ (.+)$/gm)].map(([, heading]) =>
  heading
    .toLowerCase()
    .replaceAll(/[^\p{L}\p{N}\s_-]/gu, '')
    .replaceAll(' ', '-'),
)

/** The metrics, and what is recorded of them: the labels that are left by its outermost `by`. */
async function known() {
  const all = await knownSeries()
  for (const { record, expr } of recorded) all.set(record, parseQuery(expr).groupings[0]?.labels ?? [])
  return all
}

describe('the rules', () => {
  it.each([...recorded, ...alerts].map(({ alert, record, expr }) => [alert ?? record, expr]))(
    'ask for series that there are: %s',
    async (_name, expr) => {
      expect(problemsOf(expr, await known())).toEqual([])
    },
  )
})

describe('an alert', () => {
  it('is one of many, each of its own name', () => {
    const names = alerts.map(({ alert }) => alert)

    expect(names.length).toBeGreaterThan(20)
    expect(new Set(names).size).toBe(names.length)
  })

  it.each(alerts.map((alert) => [alert.alert, alert]))(
    'says how urgent it is, what it means, and where the runbook goes on: %s',
    (name, { labels, annotations }) => {
      expect(['page', 'ticket']).toContain(labels.severity)
      expect(annotations).toEqual({
        summary: expect.any(String),
        description: expect.any(String),
        runbook_url: expect.stringMatching(/^\{\{ \$externalLabels\.runbook_base \}\}docs\/runbook\.md#/),
      })
      const [, anchor] = annotations.runbook_url.split('#')
      expect(anchors).toContain(anchor)
      const row = runbook.split('\n').find((line) => line.startsWith('|') && line.includes(`\`${name}\``))
      expect(row, 'its row in the table of the runbook').toContain(`(#${anchor})`)
      expect(row.includes(`\`${name}\` (page)`), 'a page, by that row').toBe(labels.severity === 'page')
    },
  )

  it.each(alerts.map(({ alert }) => alert))(
    'has a test in which it fires, and one in which it does not: %s',
    (name) => {
      const checks = tests
        .flatMap((file) => parse(read(FOLDER, 'tests', file)).tests)
        .flatMap((test) => test.promql_expr_test ?? [])
        .filter(({ expr }) => expr.includes(`alertname="${name}"`))

      expect(checks.some(({ exp_samples }) => exp_samples.length > 0)).toBe(true)
      expect(checks.some(({ exp_samples }) => exp_samples.length === 0)).toBe(true)
    },
  )

  it('is in the table of the runbook only if there is one', () => {
    const named = [...runbook.matchAll(/`(Sync[A-Z]\w+)`/g)].map(([, name]) => name)

    expect(new Set(named)).toEqual(new Set(alerts.map(({ alert }) => alert)))
  })
})

const promtool = findProgram('promtool')
/** It evaluates days of rules, on a machine that may be busy. */
const PATIENCE_MS = 120_000
/** Its words when it finds a fault. */
function run(...args) {
  try {
    return execFileSync(promtool, args, { cwd: FOLDER, encoding: 'utf8', stdio: 'pipe' })
  } catch (error) {
    throw new Error(`promtool ${args.join(' ')}:\n${error.stdout}${error.stderr}`)
  }
}

describe.skipIf(promtool === null)(`promtool${unlessFound('promtool', promtool)}`, () => {
  it('finds the rules valid', () => {
    expect(run('check', 'rules', 'recording.yml', 'alerts.yml')).toContain(`SUCCESS: ${alerts.length} rules found`)
  })

  it.each(tests)(
    'sees the alerts fire when they should, and only then: %s',
    (file) => {
      expect(run('test', 'rules', join('tests', file))).toContain('SUCCESS')
    },
    PATIENCE_MS,
  )

  it('finds prometheus.yml valid, with both files of rules', () => {
    expect(run('check', 'config', 'prometheus.yml')).toContain('SUCCESS')
    expect(parse(read(FOLDER, 'prometheus.yml')).rule_files).toEqual(
      expect.arrayContaining(['recording.yml', 'alerts.yml']),
    )
  })
})
