import { mkdir, open } from 'node:fs/promises'
import { join } from 'node:path'
import { DRIFT_KINDS, type Drift, type DriftKind } from './reconcile-compare.ts'

/** What one reconciliation found, without the single drifts. */
export interface ReconcileSummary {
  readonly tenant: string
  readonly startedAt: string
  readonly durationMs: number
  /** null: only some were looked at. */
  readonly customersInFlow: number | null
  readonly customersInOmnium: number | null
  /** Looked at one by one; null: all were. */
  readonly looked: number | null
  readonly drifts: number
  readonly byKind: readonly KindCount[]
  readonly byField: readonly { readonly field: string; readonly drifts: number }[]
}

export interface KindCount {
  readonly kind: DriftKind
  readonly drifts: number
  readonly repaired: number
  readonly reported: number
  /** Ids of the first ones. */
  readonly examples: readonly string[]
}

const EXAMPLES = 5

export function createSummary() {
  const kinds = new Map<DriftKind, { drifts: number; repaired: number; examples: string[] }>()
  const fields = new Map<string, number>()
  return {
    add({ kind, customer, repair, target, changes }: Drift): void {
      const own = kinds.get(kind) ?? { drifts: 0, repaired: 0, examples: [] }
      kinds.set(kind, own)
      own.drifts++
      if (repair === 'repaired') own.repaired++
      if (customer !== '' && own.examples.length < EXAMPLES && !own.examples.includes(customer))
        own.examples.push(customer)
      for (const { field } of changes) fields.set(`${target} ${field}`, (fields.get(`${target} ${field}`) ?? 0) + 1)
    },
    get drifts() {
      return [...kinds.values()].reduce((sum, { drifts }) => sum + drifts, 0)
    },
    byKind: (): KindCount[] =>
      DRIFT_KINDS.flatMap((kind) => {
        const own = kinds.get(kind)
        return own === undefined ? [] : [{ kind, ...own, reported: own.drifts - own.repaired }]
      }),
    byField: () => [...fields].map(([field, drifts]) => ({ field, drifts })).sort((a, b) => b.drifts - a.drifts),
  }
}

const CSV_COLUMNS = ['tenant', 'customer', 'kind', 'target', 'fields', 'related', 'repair', 'why'] as const
/** So that a page of a broken tenant can still be opened. */
const MAX_ROWS_IN_PAGE = 1_000

/** Writes `report.json`, `report.csv` and `report.html` into a folder, and answers their paths. */
export async function writeReport(
  folder: string,
  summary: ReconcileSummary,
  drifts: () => AsyncIterable<Drift>,
): Promise<string[]> {
  await mkdir(folder, { recursive: true })
  const paths = ['report.json', 'report.csv', 'report.html'].map((name) => join(folder, name)) as [
    string,
    string,
    string,
  ]
  const json = await open(paths[0], 'w', 0o600)
  const csv = await open(paths[1], 'w', 0o600)
  const rows: Drift[] = []
  try {
    await json.write(`${JSON.stringify(summary, null, 2).slice(0, -2)},\n  "items": [`)
    await csv.write(`${CSV_COLUMNS.join(',')}\n`)
    let first = true
    for await (const drift of drifts()) {
      const { cure: _cure, ...shown } = drift
      await json.write(`${first ? '' : ','}\n    ${JSON.stringify(shown)}`)
      await csv.write(`${csvRow(drift)}\n`)
      if (rows.length < MAX_ROWS_IN_PAGE) rows.push(drift)
      first = false
    }
    await json.write('\n  ]\n}\n')
  } finally {
    await Promise.all([json.close(), csv.close()])
  }
  const html = await open(paths[2], 'w', 0o600)
  await html.write(page(summary, rows)).finally(() => html.close())
  return paths
}

function csvRow(drift: Drift): string {
  const fields = drift.changes.map(({ field }) => field).join(' ')
  const cells = [
    drift.tenant,
    drift.customer,
    drift.kind,
    drift.target,
    fields,
    drift.related ?? '',
    drift.repair,
    drift.why ?? '',
  ]
  // A cell that begins like a formula would be run by a spreadsheet.
  return cells.map((cell) => `"${(/^[=+\-@\t\r]/.test(cell) ? `'${cell}` : cell).replaceAll('"', '""')}"`).join(',')
}

const escapeHtml = (text: string) => text.replace(/[&<>"']/g, (char) => `&#${char.charCodeAt(0)};`)

function chart(title: string, bars: readonly { readonly name: string; readonly n: number }[]): string {
  const most = Math.max(1, ...bars.map(({ n }) => n))
  const rows = bars.map(({ name, n }, i) => {
    const y = i * 26
    return `<text x="210" y="${y + 17}" text-anchor="end">${escapeHtml(name)}</text><rect x="220" y="${y + 4}" width="${Math.max(1, Math.round((n / most) * 420))}" height="18" rx="2"/><text x="${228 + Math.round((n / most) * 420)}" y="${y + 17}">${n}</text>`
  })
  return `<h2>${title}</h2><svg role="img" aria-label="${title}" width="720" height="${bars.length * 26 + 4}">${rows.join('')}</svg>`
}

function page(summary: ReconcileSummary, rows: readonly Drift[]): string {
  const { tenant, startedAt, durationMs, customersInFlow, customersInOmnium, looked, drifts, byKind, byField } = summary
  const of = looked === null ? `in Flow: ${customersInFlow}, in Omnium: ${customersInOmnium}` : `looked at: ${looked}`
  const cells = (values: readonly string[]) => values.map((value) => `<td>${escapeHtml(value)}</td>`).join('')
  const listed = rows.map((it) => {
    const fields = it.changes.map(({ field }) => field).join(', ')
    return `<tr>${cells([it.customer, it.kind, it.target, fields, it.related ?? '', it.repair, it.why ?? ''])}</tr>`
  })
  const more =
    drifts > rows.length ? `<p>The first ${rows.length} of ${drifts}; all of them are in report.csv.</p>` : ''
  const charts =
    drifts === 0
      ? '<p>No drift.</p>'
      : chart(
          'Drift by kind',
          byKind.map(({ kind, drifts: n }) => ({ name: kind, n })),
        ) +
        chart(
          'Drift by field',
          byField.slice(0, 30).map(({ field, drifts: n }) => ({ name: field, n })),
        )
  return `<!doctype html>
<html lang="en"><head><meta charset="utf-8"><title>Reconciliation of ${escapeHtml(tenant)}</title>
<style>
body{font:14px/1.5 system-ui,sans-serif;margin:2rem;max-width:70rem;color:#1c2733;background:#fff}
table{border-collapse:collapse;width:100%}td,th{text-align:left;padding:.25rem .6rem;border-bottom:1px solid #d8dee6}
svg text{font:12px system-ui,sans-serif;fill:currentColor}svg rect{fill:#2f6fb3}
@media (prefers-color-scheme:dark){body{color:#dfe6ee;background:#12181f}td,th{border-color:#2c3947}svg rect{fill:#6aa7e8}}
</style></head><body>
<h1>Reconciliation of ${escapeHtml(tenant)}</h1>
<p>${escapeHtml(startedAt)}, in ${Math.round(durationMs / 1_000)} s. Customers ${of}. Drifts: ${drifts}.</p>
${charts}
<h2>Drifts</h2>${more}
<table><thead><tr><th>Customer</th><th>Kind</th><th>Wrong in</th><th>Fields</th><th>Related</th><th>Repair</th><th>Why</th></tr></thead>
<tbody>${listed.join('\n')}</tbody></table>
</body></html>
`
}
