import { LABELS, METRICS, type MetricSpec } from '@sync/shared/metrics-table'
import { collectDefaultMetrics, Registry } from 'prom-client'

type Cells = readonly string[]

const SPECS: readonly MetricSpec[] = Object.values(METRICS)
const UNITS: readonly (readonly [RegExp, string])[] = [
  [/_seconds$/, 's'],
  [/_bytes$/, 'bytes'],
  [/_total$/, 'count'],
]

const unitOf = (name: string) => UNITS.find(([pattern]) => pattern.test(name))?.[1] ?? ''
const code = (text: string) => `\`${text}\``
const row = (cells: Cells) => `| ${cells.join(' | ')} |`
const table = (head: Cells, rows: readonly Cells[]) =>
  [row(head), row(head.map(() => '---')), ...rows.map(row)].join('\n')

const own = (): Cells[] =>
  SPECS.map(({ name, type, labels, help }) => [code(name), type, labels.map(code).join(', '), unitOf(name), help])

const buckets = (): Cells[] =>
  SPECS.flatMap(({ name, buckets: bounds }) => (bounds === undefined ? [] : [[code(name), bounds.join(', ')]]))

/** prom-client's own metrics of Node and the process, as a fresh registry has them. */
function ofProcess(): Cells[] {
  const registry = new Registry()
  collectDefaultMetrics({ register: registry })
  return registry.getMetricsAsArray().map(({ name, type, help }) => [code(name), String(type), help.trim()])
}

/** docs/metrics.md, from the table in code. */
export const metricsDocument = (): string => `# Metrics

Made by \`npm run docs\` from the one table in code,
[metrics-table.ts](../packages/shared/src/metrics-table.ts); a test holds this page against it. Every service serves them at
\`/metrics\` of its \`ADMIN_PORT\`: in OpenMetrics for who accepts that, as Prometheus does, with the id of a sampled
trace as exemplar of each bucket, else in Prometheus' text format.

## Ours

${table(['metric', 'type', 'labels', 'unit', 'meaning'], own())}

## Labels

Each takes its values from a closed set; none ever holds a customer, a key or an offset. With 500 tenants a service has
some thousands of series, most of them of \`tenant\`.

${table(
  ['label', 'values'],
  Object.entries(LABELS).map(([name, values]) => [code(name), values]),
)}

## Buckets

Upper bounds, in seconds.

${table(['histogram', 'buckets'], buckets())}

## Of Node and the process

The event loop's delay is \`nodejs_eventloop_lag_*\`: what a handler that computes for long does to all others.

${table(['metric', 'type', 'meaning'], ofProcess())}
`
