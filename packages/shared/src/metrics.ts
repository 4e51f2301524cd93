import { Counter, collectDefaultMetrics, Gauge, Histogram, Registry } from 'prom-client'
import manifest from '../package.json' with { type: 'json' }
import type { ServiceName } from './kafka/topics.ts'
import { METRICS, type MetricSpec } from './metrics-table.ts'
import { createMetricsText, type MetricsText, type OpenMetrics } from './metrics-text.ts'
import { isSampled, traceIdOf } from './tracing.ts'

type Specs = typeof METRICS
/** What a caller names; `service` is filled in. */
type LabelsOf<K extends keyof Specs> = Record<Exclude<Specs[K]['labels'][number], 'service'>, string>
type Args<K extends keyof Specs> = keyof LabelsOf<K> extends never ? [] : [labels: LabelsOf<K>]

interface CounterOf<K extends keyof Specs> {
  /** By 1, unless told. */
  inc(...args: [...Args<K>, by?: number]): void
  remove(...args: Args<K>): void
}
interface GaugeOf<K extends keyof Specs> {
  set(value: number, ...args: Args<K>): void
  /** Forgets the series, so that a partition or tenant that is no longer ours isn't reported with its last value. */
  remove(...args: Args<K>): void
}
interface HistogramOf<K extends keyof Specs> {
  /** A sampled trace becomes the bucket's exemplar. */
  observe(value: number, ...args: [...Args<K>, traceparent?: string | undefined]): void
}
type InstrumentOf<K extends keyof Specs> = Specs[K]['type'] extends 'counter'
  ? CounterOf<K>
  : Specs[K]['type'] extends 'gauge'
    ? GaugeOf<K>
    : HistogramOf<K>

/** One process's metrics; the names are the table's keys. */
export type Metrics = { readonly [K in keyof Specs]: InstrumentOf<K> } & {
  /** Runs before each scrape: the place to set gauges that are read rather than counted. */
  onScrape(update: () => void): void
  /** All metrics; OpenMetrics (with exemplars) for who accepts it, else Prometheus' text format. */
  render(accept?: string): Promise<MetricsText>
}

type AnyLabels = Record<string, string>

/** Creates the table's metrics and those of the process in a registry of its own. */
export function createMetrics(service: ServiceName | 'syncctl'): Metrics {
  // As text it takes no exemplars.
  const registry = new Registry<OpenMetrics>()
  registry.setContentType(Registry.OPENMETRICS_CONTENT_TYPE)
  collectDefaultMetrics({ register: registry })
  const updates: (() => void)[] = []
  const instruments = Object.entries(METRICS).map(([key, spec]) => [key, instrument(registry, service, spec)])
  const metrics = Object.fromEntries(instruments) as Metrics
  metrics.buildInfo.set(1, { version: manifest.version, node: process.versions.node })
  const write = createMetricsText(registry)
  return {
    ...metrics,
    onScrape: (update) => void updates.push(update),
    render: (accept = '') => {
      for (const update of updates) update()
      return write(accept.includes('application/openmetrics-text'))
    },
  }
}

function instrument(registry: Registry<OpenMetrics>, service: string, spec: MetricSpec) {
  const own: AnyLabels = spec.labels.includes('service') ? { service } : {}
  const { name, help } = spec
  const options = { name, help, labelNames: [...spec.labels], registers: [registry] }
  if (spec.type === 'counter') {
    const counter = new Counter(options)
    return {
      inc: (...args: [labels?: AnyLabels | number, by?: number]) => {
        const by = args.find((arg) => typeof arg === 'number')
        counter.inc({ ...(typeof args[0] === 'object' && args[0]), ...own }, by)
      },
      remove: (labels?: AnyLabels) => counter.remove({ ...labels, ...own }),
    }
  }
  if (spec.type === 'gauge') {
    const gauge = new Gauge(options)
    return {
      set: (value: number, labels?: AnyLabels) => gauge.set({ ...labels, ...own }, value),
      remove: (labels?: AnyLabels) => gauge.remove({ ...labels, ...own }),
    }
  }
  const buckets = spec.buckets && { buckets: [...spec.buckets] }
  const histogram = new Histogram<string>({ ...options, ...buckets, enableExemplars: true })
  return {
    observe: (value: number, ...args: [labels?: AnyLabels | string, traceparent?: string]) => {
      const traceparent = args.find((arg) => typeof arg === 'string')
      const labels = { ...(typeof args[0] === 'object' && args[0]), ...own }
      const exemplarLabels =
        traceparent !== undefined && isSampled(traceparent) ? { trace_id: traceIdOf(traceparent) } : {}
      histogram.observe({ labels, value, exemplarLabels })
    },
  }
}
