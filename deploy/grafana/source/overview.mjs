import { dashboard, VARIABLES } from './dashboard.mjs'
import { lines, stat, table } from './panels.mjs'
import { CHOSEN, countOver, inTime, LANE, LIVE, lag, quantileBy, quantiles, rate, ratio } from './queries.mjs'

const OPEN = (target) => `count(max by (tenant) (sync_circuit_state{target="${target}"}) > 0) or vector(0)`
const JOB = 'job=~"$job"'

const peer = (target, name) =>
  stat(`${name}: circuits not closed`, OPEN(target), {
    description: `Tenants for whom ${name} can't be reached, fails, throttles, or refuses the credentials. What is aimed at it waits and goes on by itself. Runbook 8, step 2; credentials: 9.`,
    ...{ warn: 1, bad: 2, links: [['Targets', 'sync-targets']] },
  })

/** Whose fault is it: ours, Kafka's, or a peer's? */
const atAGlance = [
  stat(
    'Us: instances not ready',
    `(count(sync_ready{${JOB}} == 0) or vector(0)) + (count(up{${JOB}} == 0) or vector(0))`,
    {
      description: 'Processes that do not answer, or that wait for Kafka, the registry or their group. Runbook 14.',
      ...{ warn: 1, bad: 2 },
    },
  ),
  stat(
    'Kafka: writes that fail',
    ratio(`sync_kafka_writes_total{${JOB},result="failed"}`, `sync_kafka_writes_total{${JOB}}`, '', '5m'),
    {
      description: 'Of the last 5 minutes. While they fail nothing ends, and webhooks are answered 503. Runbook 15.',
      ...{ unit: 'percentunit', warn: 0.001, bad: 0.1, noValue: 'no writes', links: [['Kafka', 'sync-kafka']] },
    },
  ),
  peer('flow', 'Flow'),
  peer('omnium', 'Omnium'),
  stat(
    'Webhooks not stored',
    ratio('sync_webhooks_total{answer=~"overloaded|unavailable|unauthorized"}', 'sync_webhooks_total', '', '5m'),
    {
      description:
        'Answered 503 or 401 in the last 5 minutes. After a 401 the peer drops the event for good. Runbook 12, and 9 for 401.',
      ...{ unit: 'percentunit', warn: 0.001, bad: 0.05, noValue: 'none came', links: [['Ingest', 'sync-ingest']] },
    },
  ),
  stat('Alerts that fire', 'count(ALERTS{alertname=~"Sync.*",alertstate="firing"}) or vector(0)', {
    description: 'They are listed at the bottom.',
    ...{ warn: 1, bad: 5 },
  }),
  stat('Changes within 1 s', inTime('1h'), {
    description:
      'Of the changes in Flow, how many were in Omnium within a second, in the last hour. At least 95 % should be, over 30 days. Runbook 11.',
    ...{ unit: 'percentunit', bad: 0.7, warn: 0.95, decimals: 1, noValue: 'no changes' },
  }),
  stat('Dead letters, 24 h', countOver(`sync_parked_total{${JOB}}`, '24h'), {
    description: 'Records that were set aside, also those that were redriven since. They wait for somebody. Runbook 3.',
    ...{ warn: 1, bad: 50, decimals: 0 },
  }),
  stat('Live records waiting', `${lag(`${JOB},${LIVE}`)} or vector(0)`, {
    description:
      'Read or not, and not ended. Grows while something is slow or down. Runbook 11; if one partition only: 8.',
    ...{ warn: 1000, bad: 10_000, links: [['Kafka', 'sync-kafka']] },
  }),
  stat('Waiting in retry lanes', `${lag(`${JOB},${LANE}`)} or vector(0)`, {
    description:
      'Records that wait on purpose: for a peer that is down, for a parent, or for their turn in a backfill or replay.',
    ...{ warn: 10_000 },
  }),
  stat('Oldest record in memory', `max(sync_oldest_pending_seconds{${JOB}})`, {
    description:
      'What waits on purpose leaves memory after a minute or so. Minutes in a backfill or replay are normal, else: runbook 8.',
    ...{ unit: 's', warn: 120, bad: 900 },
  }),
  stat('Busiest instance', `max(sync_in_flight{${JOB}} / sync_in_flight_limit{${JOB}})`, {
    description:
      'Of the handlers that may run at once (MAX_IN_FLIGHT). At 100 % for long, with records waiting: more instances, or a slow peer.',
    ...{ unit: 'percentunit', warn: 0.8, bad: 0.99 },
  }),
]

const traffic = [
  lines('Records that ended', [{ expr: rate(`sync_records_total{${CHOSEN}}`, 'job'), legend: '{{job}}' }], {
    description: 'By service. All four at zero in the daytime: look at the webhooks.',
    unit: 'cps',
  }),
  lines('Webhooks', [{ expr: rate(`sync_webhooks_total{${CHOSEN}}`, 'source'), legend: '{{source}}' }], {
    description: 'By sender. None from a peer that usually sends: its subscription, or the proxy. Runbook 12.',
    ...{ unit: 'reqps', links: [['Ingest', 'sync-ingest']] },
  }),
  lines(
    'Requests to targets',
    [{ expr: rate(`sync_target_requests_total{${CHOSEN}}`, 'target, job'), legend: '{{target}} by {{job}}' }],
    {
      description: 'What we ask of the peers.',
      ...{ unit: 'reqps', links: [['Targets', 'sync-targets']] },
    },
  ),
]

const errors = [
  lines(
    'Records set aside',
    [
      {
        expr: `sum by (job, reason) (rate(sync_parked_total{${CHOSEN}}[$__rate_interval]))`,
        legend: '{{job}}: {{reason}}',
      },
    ],
    {
      description: 'By service and reason; what each reason means and its cure: runbook 3.',
      unit: 'cps',
    },
  ),
  lines(
    'Attempts that failed',
    [
      {
        expr: rate(`sync_retries_total{${CHOSEN},reason=~"target-failed|handler-failed"}`, 'job, reason'),
        legend: '{{job}}: {{reason}}',
      },
    ],
    {
      description: 'They are tried again, RETRY_MAX_ATTEMPTS times. `handler-failed` is a fault of ours. Runbook 11.',
      unit: 'cps',
    },
  ),
  lines(
    'Requests that failed',
    [
      {
        expr: ratio(
          `sync_target_requests_total{${CHOSEN},status=~"429|5xx|error"}`,
          `sync_target_requests_total{${CHOSEN}}`,
          'target, job',
        ),
        legend: '{{target}} by {{job}}',
      },
    ],
    {
      description: 'Part of the requests that were throttled, failed at the peer or got no answer. 404 is an answer.',
      ...{ unit: 'percentunit', max: 1, warn: 0.01, bad: 0.1, links: [['Targets', 'sync-targets']] },
    },
  ),
]

const latency = [
  lines(
    'From a change to its effect',
    quantiles(`sync_end_to_end_seconds_bucket{${CHOSEN},service="customer-mapper",topic="flow.customers.v1"}`),
    {
      description:
        'Flow to Omnium; days are imports. What waits for a peer counts when it has taken effect, and not at all if it was deferred: see the circuits.',
      ...{ unit: 's', warn: 1 },
    },
  ),
  lines('Handling, p95', [quantileBy(0.95, `sync_handling_seconds_bucket{${CHOSEN}}`, 'job')], {
    description: 'One handling of a key, by service: its requests, and the wait for our own rate limit.',
    unit: 's',
  }),
  lines(
    'Answers, p95',
    [
      quantileBy(0.95, `sync_target_request_seconds_bucket{${CHOSEN}}`, 'target'),
      { ...quantileBy(0.95, `sync_webhook_seconds_bucket{${CHOSEN}}`, 'source'), legend: 'our answer to {{source}}' },
    ],
    {
      description: 'How long the peers take to answer us, and we to answer their webhooks (Flow gives up after 10 s).',
      unit: 's',
    },
  ),
]

const saturation = [
  lines(
    'Handlers that run',
    [
      {
        expr: `sum by (job) (sync_in_flight{${CHOSEN}}) / sum by (job) (sync_in_flight_limit{${CHOSEN}})`,
        legend: '{{job}}',
      },
    ],
    {
      description: 'Of those that may (MAX_IN_FLIGHT). Full, and live records waiting: more instances, or a slow peer.',
      ...{ unit: 'percentunit', max: 1, warn: 0.8 },
    },
  ),
  lines('Live records waiting', [{ expr: lag(`${CHOSEN},${LIVE}`, 'job'), legend: '{{job}}' }], {
    description: 'By service. Growing: it handles less than what comes.',
    links: [['Kafka', 'sync-kafka']],
  }),
  lines(
    'Event loop delay, p99',
    [{ expr: `max by (job) (nodejs_eventloop_lag_p99_seconds{${CHOSEN}})`, legend: '{{job}}' }],
    {
      description: 'The worst instance of each service. Heartbeats and deadlines suffer from it. Runbook 14.',
      ...{ unit: 's', warn: 0.1, bad: 0.25 },
    },
  ),
  lines(
    'CPU',
    [{ expr: rate(`process_cpu_seconds_total{${CHOSEN}}`, 'job, instance'), legend: '{{job}} {{instance}}' }],
    {
      description: 'Cores. One instance can hardly use more than one.',
      ...{ warn: 0.9 },
    },
  ),
  lines('Memory', [{ expr: `process_resident_memory_bytes{${CHOSEN}}`, legend: '{{job}} {{instance}}' }], {
    description: 'Bounded by MAX_PENDING_BYTES and what Node keeps. Growing for days: a leak.',
    unit: 'bytes',
  }),
  lines(
    'Oldest record in memory',
    [{ expr: `max by (job) (sync_oldest_pending_seconds{${CHOSEN}})`, legend: '{{job}}' }],
    {
      description: 'Runbook 8, unless a backfill or a replay is under way.',
      ...{ unit: 's', bad: 900 },
    },
  ),
]

const alerts = [
  table('Alerts that fire', 'ALERTS{alertname=~"Sync.*",alertstate="firing"}', {
    description: 'What each means, and the section for it, is in the table at the beginning of docs/runbook.md.',
    ...{ hide: ['alertstate', 'Value'], value: 'Value', width: 12 },
  }),
  table('What runs', `sum by (job, version, node) (sync_build_info{${JOB}})`, {
    description: 'Instances by version. Two versions for long: a deployment that did not end.',
    ...{ value: 'Instances', width: 12 },
  }),
]

export const overview = dashboard({
  uid: 'sync-overview',
  title: 'Sync: overview',
  description: 'Is it us, Kafka, or a peer? Then traffic, errors, latency and saturation of each service.',
  variables: [VARIABLES.job, VARIABLES.instance],
  rows: [
    { title: 'At a glance', panels: atAGlance },
    { title: 'Traffic', panels: traffic },
    { title: 'Errors', panels: errors },
    { title: 'Latency', panels: latency },
    { title: 'Saturation', panels: saturation },
    { title: 'Alerts and versions', panels: alerts },
  ],
})
