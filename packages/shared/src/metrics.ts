import { Counter, collectDefaultMetrics, Gauge, Histogram, Registry } from 'prom-client'
import type { ServiceName } from './kafka/topics.ts'

interface MetricSpec {
  readonly name: string
  readonly type: 'counter' | 'gauge' | 'histogram'
  readonly help: string
  /** From closed sets only (a tenant's uid included): never a customer, a key or an offset. */
  readonly labels: readonly string[]
  readonly buckets?: readonly number[]
}

/** Classes of an answer's status, and what takes its place when there was none. */
export const STATUS_CLASSES = ['2xx', '3xx', '4xx', '429', '5xx', 'error'] as const
export type StatusClass = (typeof STATUS_CLASSES)[number]

const HANDLING_BUCKETS = [0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60]
const END_TO_END_BUCKETS = [0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 300, 900, 3600, 21_600, 86_400]

/** Every metric of the system; dashboards, alerts and checks rely on these names and labels. */
export const METRICS = {
  recordsTotal: {
    name: 'sync_records_total',
    type: 'counter',
    help: 'Records whose handling ended, by outcome and reason',
    labels: ['service', 'topic', 'outcome', 'reason'],
  },
  handlingSeconds: {
    name: 'sync_handling_seconds',
    type: 'histogram',
    help: 'Time that one handling of a key took',
    labels: ['service', 'topic'],
    buckets: HANDLING_BUCKETS,
  },
  endToEndSeconds: {
    name: 'sync_end_to_end_seconds',
    type: 'histogram',
    help: 'Time from a change at its source to its effect',
    labels: ['service', 'topic'],
    buckets: END_TO_END_BUCKETS,
  },
  consumerLagRecords: {
    name: 'sync_consumer_lag_records',
    type: 'gauge',
    help: 'Records after the committed offset of an assigned partition',
    labels: ['topic', 'partition'],
  },
  oldestPendingSeconds: {
    name: 'sync_oldest_pending_seconds',
    type: 'gauge',
    help: 'Age of the oldest record that was read and has not ended',
    labels: [],
  },
  inFlight: {
    name: 'sync_in_flight',
    type: 'gauge',
    help: 'Handlers that run now',
    labels: [],
  },
  parkedTotal: {
    name: 'sync_parked_total',
    type: 'counter',
    help: 'Records set aside in the dead-letter topic, by reason',
    labels: ['service', 'topic', 'reason'],
  },
  targetRequestsTotal: {
    name: 'sync_target_requests_total',
    type: 'counter',
    help: "Requests sent to a target, by status class; 'error' when no answer came",
    labels: ['target', 'operation', 'status'],
  },
  targetRequestSeconds: {
    name: 'sync_target_request_seconds',
    type: 'histogram',
    help: 'Time from sending a request to its answer, waits of our own left out',
    labels: ['target', 'operation'],
    buckets: [0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30],
  },
  circuitState: {
    name: 'sync_circuit_state',
    type: 'gauge',
    help: 'State of the circuit of a tenant at a target: 0 closed, 1 half-open, 2 open',
    labels: ['target', 'tenant'],
  },
  credentialsRefused: {
    name: 'sync_credentials_refused',
    type: 'gauge',
    help: '1 while the circuit of a tenant at a target is not closed because its credentials were refused',
    labels: ['target', 'tenant'],
  },
  rateLimitWaitSeconds: {
    name: 'sync_rate_limit_wait_seconds',
    type: 'histogram',
    help: 'Time that a request waited for its turn at our own rate limit',
    labels: ['target'],
    buckets: [0.001, 0.005, 0.025, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60],
  },
  webhooksTotal: {
    name: 'sync_webhooks_total',
    type: 'counter',
    help: 'Webhooks received, by source and our answer',
    labels: ['source', 'answer'],
  },
  sweepMarkAgeSeconds: {
    name: 'sync_sweep_mark_age_seconds',
    type: 'gauge',
    help: 'Age of the high-water mark of a sweep',
    labels: ['tenant', 'source', 'entity'],
  },
  sweepFoundTotal: {
    name: 'sync_sweep_found_total',
    type: 'counter',
    help: 'Changed records that sweeps listed, each version once',
    labels: ['tenant', 'source', 'entity'],
  },
  sweepMissedTotal: {
    name: 'sync_sweep_missed_total',
    type: 'counter',
    help: 'Changes that only a sweep has told of: their webhook was lost, or is yet to come',
    labels: ['tenant', 'source', 'entity'],
  },
  tenants: {
    name: 'sync_tenants',
    type: 'gauge',
    help: 'Tenants in use, by the tenants file as it was last valid',
    labels: [],
  },
  tenantsFileValid: {
    name: 'sync_tenants_file_valid',
    type: 'gauge',
    help: '1 while the tenants file as it is now is in use, 0 while the tenants of before are kept',
    labels: [],
  },
  tenantsReloadsTotal: {
    name: 'sync_tenants_reloads_total',
    type: 'counter',
    help: 'Looks at the tenants file that found a change or were asked for, by what became of them',
    labels: ['result'],
  },
} as const satisfies Record<string, MetricSpec>

type Specs = typeof METRICS
/** What a caller names; `service` is filled in. */
type LabelsOf<K extends keyof Specs> = Record<Exclude<Specs[K]['labels'][number], 'service'>, string>
type Args<K extends keyof Specs> = keyof LabelsOf<K> extends never ? [] : [labels: LabelsOf<K>]

interface CounterOf<K extends keyof Specs> {
  /** By 1, unless told. */
  inc(...args: [...Args<K>, by?: number]): void
}
interface GaugeOf<K extends keyof Specs> {
  set(value: number, ...args: Args<K>): void
  /** Forgets the series, so that a partition or tenant that is no longer ours isn't reported with its last value. */
  remove(...args: Args<K>): void
}
interface HistogramOf<K extends keyof Specs> {
  observe(value: number, ...args: Args<K>): void
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
  /** All metrics in Prometheus' text format; `contentType` goes with it. */
  text(): Promise<string>
  readonly contentType: string
}

type AnyLabels = Record<string, string>

/** Creates the table's metrics and those of the process in a registry of its own. */
export function createMetrics(service: ServiceName | 'syncctl'): Metrics {
  const registry = new Registry()
  collectDefaultMetrics({ register: registry })
  const updates: (() => void)[] = []
  const instruments = Object.entries(METRICS).map(([key, spec]) => [key, instrument(registry, service, spec)])
  return {
    ...Object.fromEntries(instruments),
    onScrape: (update) => void updates.push(update),
    text: () => {
      for (const update of updates) update()
      return registry.metrics()
    },
    contentType: registry.contentType,
  } as Metrics
}

function instrument(registry: Registry, service: string, spec: MetricSpec) {
  const own: AnyLabels = spec.labels.includes('service') ? { service } : {}
  const { name, help } = spec
  const options = { name, help, labelNames: [...spec.labels], registers: [registry] }
  if (spec.type === 'counter') {
    const counter = new Counter(options)
    return { inc: (labels?: AnyLabels, by?: number) => counter.inc({ ...labels, ...own }, by) }
  }
  if (spec.type === 'gauge') {
    const gauge = new Gauge(options)
    return {
      set: (value: number, labels?: AnyLabels) => gauge.set({ ...labels, ...own }, value),
      remove: (labels?: AnyLabels) => gauge.remove({ ...labels, ...own }),
    }
  }
  const histogram = new Histogram({ ...options, ...(spec.buckets && { buckets: [...spec.buckets] }) })
  return { observe: (value: number, labels?: AnyLabels) => histogram.observe({ ...labels, ...own }, value) }
}
