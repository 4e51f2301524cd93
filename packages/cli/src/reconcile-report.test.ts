import { mkdtemp, readFile, rm, stat } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import type { Drift } from './reconcile-compare.ts'
import { createSummary, type ReconcileSummary, writeReport } from './reconcile-report.ts'

const aDrift = (fields: Partial<Drift> = {}): Drift => ({
  ...{ tenant: 'acme', customer: '1000', kind: 'field', target: 'omnium', changes: [{ field: 'email' }] },
  ...{ repair: 'repaired', cure: { by: 'flow-notification' } },
  ...fields,
})
const aReported = (fields: Partial<Drift> = {}): Drift =>
  aDrift({
    kind: 'missing-in-flow',
    target: 'flow',
    changes: [],
    repair: 'reported',
    why: 'why',
    cure: null,
    ...fields,
  })

function summaryOf(drifts: readonly Drift[], fields: Partial<ReconcileSummary> = {}): ReconcileSummary {
  const summary = createSummary()
  for (const drift of drifts) summary.add(drift)
  return {
    ...{ tenant: 'acme', startedAt: '2026-11-25T12:00:00.000Z', durationMs: 61_000 },
    ...{ customersInFlow: 1_200, customersInOmnium: 1_100, looked: null },
    ...{ drifts: summary.drifts, byKind: summary.byKind(), byField: summary.byField() },
    ...fields,
  }
}

describe('the summary', () => {
  test('counts by kind, in the order of the kinds, and tells the repaired from the reported', () => {
    const { drifts, byKind } = summaryOf([
      aReported({ customer: '1' }),
      aDrift({ customer: '2' }),
      aDrift({ customer: '3', repair: 'reported' }),
    ])

    expect(drifts).toBe(3)
    expect(byKind).toEqual([
      { kind: 'missing-in-flow', drifts: 1, repaired: 0, reported: 1, examples: ['1'] },
      { kind: 'field', drifts: 2, repaired: 1, reported: 1, examples: ['2', '3'] },
    ])
  })

  test('names the first five customers of a kind, each once', () => {
    const ids = ['1', '1', '2', '3', '4', '5', '6']

    const { byKind } = summaryOf(ids.map((customer) => aDrift({ customer })))

    expect(byKind).toEqual([expect.objectContaining({ drifts: 7, examples: ['1', '2', '3', '4', '5'] })])
  })

  test('counts by the field of the target, the most frequent first', () => {
    const changes = (...fields: string[]) => fields.map((field) => ({ field }))

    const { byField } = summaryOf([
      aDrift({ changes: changes('phone') }),
      aDrift({ changes: changes('phone', 'email') }),
      aDrift({ changes: changes('email'), target: 'flow' }),
      aDrift({ changes: [] }),
    ])

    expect(byField).toEqual([
      { field: 'omnium phone', drifts: 2 },
      { field: 'omnium email', drifts: 1 },
      { field: 'flow email', drifts: 1 },
    ])
  })

  test('is empty without drift', () => {
    expect(summaryOf([])).toMatchObject({ drifts: 0, byKind: [], byField: [] })
  })
})

describe('the report', () => {
  let folder: string

  beforeEach(async () => {
    folder = await mkdtemp(join(tmpdir(), 'report-test-'))
  })
  afterEach(() => rm(folder, { recursive: true, force: true }))

  async function report(drifts: readonly Drift[], fields: Partial<ReconcileSummary> = {}) {
    const summary = summaryOf(drifts, fields)
    const listed = async function* () {
      yield* drifts
    }
    const paths = await writeReport(join(folder, 'a', 'report'), summary, listed)
    const [json = '', csv = '', html = ''] = await Promise.all(paths.map((path) => readFile(path, 'utf8')))
    return { paths, summary, json: JSON.parse(json), csv, rows: csv.split('\n'), html }
  }

  test('is three files in a folder that is made for it, for this user alone', async () => {
    const { paths } = await report([aDrift()])

    const names = ['report.json', 'report.csv', 'report.html']
    expect(paths).toEqual(names.map((name) => join(folder, 'a', 'report', name)))
    const modes = await Promise.all(paths.map(async (path) => (await stat(path)).mode & 0o777))
    expect(modes).toEqual([0o600, 0o600, 0o600])
  })

  test('replaces an older one', async () => {
    await report([aDrift({ customer: 'old' }), aDrift(), aDrift()])

    const { json, csv, html } = await report([aDrift({ customer: 'new' })])

    expect(json.items).toHaveLength(1)
    expect(csv).not.toContain('old')
    expect(html).not.toContain('<td>old</td>')
  })

  test('is in JSON the summary and every drift, without what a repair would send', async () => {
    const drifts = [aDrift({ changes: [{ field: 'email', before: 'a', after: null }] }), aReported({ customer: '"\n' })]

    const { json, summary } = await report(drifts)

    expect(json).toEqual({ ...summary, items: drifts.map(({ cure: _cure, ...shown }) => shown) })
  })

  test('is whole without drift', async () => {
    const { json, rows, html } = await report([])

    expect(json).toMatchObject({ drifts: 0, items: [] })
    expect(rows).toEqual(['tenant,customer,kind,target,fields,related,repair,why', ''])
    expect(html).toContain('No drift.')
  })

  test('is in CSV a row for each drift', async () => {
    const changes = [{ field: 'email' }, { field: 'address.city' }]

    const { rows } = await report([aDrift({ changes }), aReported({ related: '2000' })])

    expect(rows.slice(1)).toEqual([
      '"acme","1000","field","omnium","email address.city","","repaired",""',
      '"acme","1000","missing-in-flow","flow","","2000","reported","why"',
      '',
    ])
  })

  test.each([
    ['quotes', 'a"b', '"a""b"'],
    ['commas', 'a,b', '"a,b"'],
    ['line breaks', 'a\nb', '"a\nb"'],
    ['a formula', '=HYPERLINK("http://evil")', `"'=HYPERLINK(""http://evil"")"`],
    ['a plus', '+47', `"'+47"`],
    ['a minus', '-1', `"'-1"`],
    ['an at', '@SUM(A1)', `"'@SUM(A1)"`],
    ['a tab', '\t=1', `"'\t=1"`],
    ['a carriage return', '\r=1', `"'\r=1"`],
    ['a minus inside', 'a-1', '"a-1"'],
  ])('keeps %s in its CSV cell, and lets no spreadsheet run it', async (_, customer, cell) => {
    const { csv } = await report([aDrift({ customer })])

    expect(csv).toContain(`"acme",${cell},"field"`)
  })

  test('is a page that shows hostile ids, and runs none of them', async () => {
    const hostile = `<script>alert("1")</script><img src=x onerror='x'>&`
    const drift = aDrift({ customer: hostile, related: hostile, why: hostile, changes: [{ field: hostile }] })

    const { html } = await report([drift], { tenant: hostile })

    expect(html).not.toMatch(/<(script|img)/i)
    const escaped = '&#60;script&#62;alert(&#34;1&#34;)&#60;/script&#62;&#60;img src=x onerror=&#39;x&#39;&#62;&#38;'
    expect(html).toContain(`<td>${escaped}</td>`)
    expect(html).toContain(`<title>Reconciliation of ${escaped}</title>`)
  })

  test('is a page that loads nothing from elsewhere', async () => {
    const { html } = await report([aDrift(), aReported()])

    expect(html).toMatch(/^<!doctype html>/)
    expect(html).not.toMatch(/<(script|link|iframe|img)\b|\b(src|href)=|url\(|@import|https?:/i)
    expect(html).toContain('<svg role="img" aria-label="Drift by kind"')
    expect(html).toContain('Customers in Flow: 1200, in Omnium: 1100. Drifts: 2.')
  })

  test('is a page of the first thousand rows, and points to the rest', async () => {
    const drifts = Array.from({ length: 1_001 }, (_, n) => aDrift({ customer: `c${n}` }))

    const { html, json, rows } = await report(drifts)

    expect(html.match(/<tr><td>/g)).toHaveLength(1_000)
    expect(html).toContain('The first 1000 of 1001; all of them are in report.csv.')
    expect([json.items.length, rows.length]).toEqual([1_001, 1_003])
  })
})
