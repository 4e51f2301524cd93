export interface MetricSpec {
  readonly name: string
  readonly type: 'counter' | 'gauge' | 'histogram'
  readonly help: string
  readonly labels: readonly (keyof typeof LABELS)[]
  readonly buckets?: readonly number[]
}

/** What each label may say: closed sets only (a tenant's uid included), never a customer, a key or an offset. */
export const LABELS = {
  service: 'one of the four services, or `syncctl`',
  topic: 'a topic of the table (of lag: with TOPIC_PREFIX), `unknown` for a lane record that names none of ours',
  partition: 'a number below the number of partitions',
  outcome: '`done`, `skipped`, `deferred`, `parked`',
  reason: 'why it was skipped, deferred, parked or is tried again, see outcome.ts; empty for `done`',
  tenant: 'a uid of the tenants file, `unknown` for any other',
  target: '`flow`, `omnium`',
  operation: 'what was asked of the target, see OPERATIONS in http/request.ts',
  status: '`2xx`, `3xx`, `4xx`, `429`, `5xx`, `error` when no answer came',
  list: '`contacts`, `addresses`, `customerRelations`',
  source: '`flow`, `omnium`; of webhooks also `omnium-events-topic`',
  answer: 'what a webhook was answered, see http/problem.ts',
  entity: '`customers`, `private-customers`, `business-customers`, `orders`',
  result: 'what came of it, a few words for each metric',
  version: 'the version of this system',
  node: 'the version of Node',
} as const

/** Classes of an answer's status, and what takes its place when there was none. */
export const STATUS_CLASSES = ['2xx', '3xx', '4xx', '429', '5xx', 'error'] as const
export type StatusClass = (typeof STATUS_CLASSES)[number]

const HANDLING_BUCKETS = [0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60]
const END_TO_END_BUCKETS = [0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 300, 900, 3600, 21_600, 86_400]

/** Every metric of the system; dashboards, alerts and checks rely on these names and labels. */
export const METRICS = {
  buildInfo: {
    name: 'sync_build_info',
    type: 'gauge',
    help: 'What runs, by its labels; always 1',
    labels: ['service', 'version', 'node'],
  },
  ready: {
    name: 'sync_ready',
    type: 'gauge',
    help: '1 while /ready answers 200',
    labels: [],
  },
  recordsTotal: {
    name: 'sync_records_total',
    type: 'counter',
    help: 'Records whose handling ended, by outcome and reason',
    labels: ['service', 'topic', 'outcome', 'reason'],
  },
  tenantRecordsTotal: {
    name: 'sync_tenant_records_total',
    type: 'counter',
    help: 'Records whose handling ended, by tenant',
    labels: ['service', 'tenant', 'outcome'],
  },
  retriesTotal: {
    name: 'sync_retries_total',
    type: 'counter',
    help: 'Handlings after which a record is tried again, by what it failed on or waits for',
    labels: ['service', 'topic', 'reason'],
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
  inFlightLimit: {
    name: 'sync_in_flight_limit',
    type: 'gauge',
    help: 'Handlers that may run at once: MAX_IN_FLIGHT',
    labels: [],
  },
  pendingRecords: {
    name: 'sync_pending_records',
    type: 'gauge',
    help: 'Records in memory: read and not ended',
    labels: [],
  },
  tenantPendingRecords: {
    name: 'sync_tenant_pending_records',
    type: 'gauge',
    help: 'Records of a tenant that are in memory; no series for a tenant without any',
    labels: ['tenant'],
  },
  partitionsAssigned: {
    name: 'sync_partitions_assigned',
    type: 'gauge',
    help: "Partitions, of each topic, that are this process's",
    labels: [],
  },
  partitionsUnclaimed: {
    name: 'sync_partitions_unclaimed',
    type: 'gauge',
    help: 'Partitions of this process whose claim the broker has refused at least three times in a row, so that nothing of them is handled',
    labels: [],
  },
  rebalancesTotal: {
    name: 'sync_rebalances_total',
    type: 'counter',
    help: 'Joins of the consumer group that came to an assignment',
    labels: [],
  },
  kafkaWritesTotal: {
    name: 'sync_kafka_writes_total',
    type: 'counter',
    help: 'Produce requests: `acknowledged`, `refused` (of a record in it), `failed`',
    labels: ['result'],
  },
  kafkaWriteSeconds: {
    name: 'sync_kafka_write_seconds',
    type: 'histogram',
    help: 'Time from sending a produce request to its end',
    labels: [],
    buckets: [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5],
  },
  parkedTotal: {
    name: 'sync_parked_total',
    type: 'counter',
    help: 'Records set aside in the dead-letter topic, by reason',
    labels: ['service', 'topic', 'reason'],
  },
  shorterLogsTotal: {
    name: 'sync_shorter_logs_total',
    type: 'counter',
    help: 'Times that the log of a partition was shorter than what was read of it, or that its topic was created again',
    labels: ['service', 'topic'],
  },
  notRemovedTotal: {
    name: 'sync_not_removed_total',
    type: 'counter',
    help: 'Records after which Omnium keeps an element of a list that was removed in Flow, by list',
    labels: ['service', 'list'],
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
    help: '1 while the circuit of a tenant at a target is not closed because its credentials were refused; else no series',
    labels: ['target', 'tenant'],
  },
  absenceGuardTripped: {
    name: 'sync_absence_guard_tripped',
    type: 'gauge',
    help: '1 while the absence guard of a tenant at a target is tripped, so that no "not found" answer is acted on; else no series',
    labels: ['tenant', 'target'],
  },
  roleMissing: {
    name: 'sync_role_missing',
    type: 'gauge',
    help: '1 while a peer answers 403 to all requests of an operation and a kind, because our API user lacks a role; else no series',
    labels: ['target', 'tenant', 'operation'],
  },
  rateLimitWaitSeconds: {
    name: 'sync_rate_limit_wait_seconds',
    type: 'histogram',
    help: 'Time that a request or a handler waited for its slot and its turn at our own limits',
    labels: ['target'],
    buckets: [0.001, 0.005, 0.025, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60],
  },
  webhooksTotal: {
    name: 'sync_webhooks_total',
    type: 'counter',
    help: 'Webhooks received, by source and our answer',
    labels: ['source', 'answer'],
  },
  webhookSeconds: {
    name: 'sync_webhook_seconds',
    type: 'histogram',
    help: "Time from a webhook's arrival to our answer",
    labels: ['source'],
    buckets: [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10],
  },
  sweepMarkAgeSeconds: {
    name: 'sync_sweep_mark_age_seconds',
    type: 'gauge',
    help: 'Time since the list of a tenant was last swept to its end',
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
  logLinesDroppedTotal: {
    name: 'sync_log_lines_dropped_total',
    type: 'counter',
    help: 'Log lines that were dropped because nobody read standard output in time',
    labels: [],
  },
} as const satisfies Record<string, MetricSpec>
