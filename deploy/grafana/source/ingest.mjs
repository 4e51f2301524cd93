import { dashboard, VARIABLES } from './dashboard.mjs'
import { lines, stat } from './panels.mjs'
import { CHOSEN, countOver, quantileBy, quantiles, rate, ratio } from './queries.mjs'

const ANSWERS = {
  stored: 'green',
  ignored: 'blue',
  unauthorized: 'dark-red',
  'unknown-tenant': 'purple',
  'unknown-route': 'semi-dark-purple',
  'not-an-event': 'dark-orange',
  'too-large': 'orange',
  overloaded: 'red',
  unavailable: 'light-red',
  stopping: 'yellow',
}
const HOOKS = `sync_webhooks_total{${CHOSEN}`
const rateOf = (answers) => `sum(rate(${HOOKS},answer=~"${answers}"}[5m])) or vector(0)`

const now = [
  stat('Webhooks', `sum(rate(${HOOKS}}[5m])) or vector(0)`, {
    description: 'Each second, in the last 5 minutes.',
    ...{ unit: 'reqps', decimals: 2 },
  }),
  stat('Not stored (503)', ratio(`${HOOKS},answer=~"overloaded|unavailable"}`, `${HOOKS}}`, '', '5m'), {
    description:
      '`unavailable`: Kafka does not take them. `overloaded`: too many at once. The sender tries again a few times. Runbook 12.',
    ...{ unit: 'percentunit', warn: 0.001, bad: 0.05, noValue: 'none came' },
  }),
  stat('No valid secret (401), 24 h', countOver(`${HOOKS},answer="unauthorized"}`, '24h'), {
    description: 'If it is the peer, it drops these events for good. Runbook 9, step 5.',
    ...{ warn: 1, bad: 20, decimals: 0 },
  }),
  stat('Refused for good, 24 h', countOver(`${HOOKS},answer=~"unknown-tenant|not-an-event|too-large"}`, '24h'), {
    description:
      '404, 400 or 413: a tenant that is missing from the file, or a peer whose events look different now. Runbook 12.',
    ...{ warn: 1, bad: 100, decimals: 0 },
  }),
  stat('Longest since a sweep', `max(min by (tenant, source, entity) (sync_sweep_mark_age_seconds{${CHOSEN}}))`, {
    description: 'Of any list of any tenant. Sweeps find what webhooks missed. Runbook 13.',
    ...{ unit: 's', warn: 900, bad: 3600, noValue: 'no sweeps' },
  }),
  stat('Found by sweeps alone, 24 h', countOver(`sync_sweep_missed_total{${CHOSEN}}`, '24h'), {
    description: 'Changes whose webhook was lost, or came after the sweep. Some are normal, many are not. Runbook 13.',
    ...{ warn: 100, decimals: 0 },
  }),
]

const webhooks = [
  lines('Webhooks by answer', [{ expr: rate(`${HOOKS}}`, 'source, answer'), legend: '{{source}} {{answer}}' }], {
    description:
      '`stored`: in Kafka, acknowledged by all replicas. `ignored`: an event that nothing here is for. The rest is not stored.',
    ...{ unit: 'reqps', isStacked: true, colours: ANSWERS, width: 12 },
  }),
  lines('Time to answer', quantiles(`sync_webhook_seconds_bucket{${CHOSEN}}`), {
    description: 'Mostly Kafka’s acknowledgement. Flow gives up after 10 s.',
    ...{ unit: 's', warn: 1, bad: 5, width: 12 },
  }),
  lines(
    'Not stored',
    [
      { expr: rateOf('overloaded|unavailable'), legend: '503' },
      { expr: rateOf('stopping'), legend: '503 stopping' },
      { expr: rateOf('unauthorized'), legend: '401' },
      { expr: rateOf('unknown-tenant|not-an-event|too-large'), legend: '404, 400, 413' },
    ],
    {
      description:
        'Lost unless the sender tries again (503) or a sweep finds the change. `stopping` is normal for a minute of a deployment.',
      ...{ unit: 'reqps', colours: { 503: 'red', 401: 'dark-red', stopping: 'yellow' }, width: 12 },
    },
  ),
  lines('Webhooks by instance', [{ expr: rate(`${HOOKS}}`, 'instance'), legend: '{{instance}}' }], {
    description: 'Should be even. One at zero gets none from the proxy.',
    ...{ unit: 'reqps', width: 12 },
  }),
]

const INBOX = 'topic=~"flow[.]notifications[.]v1|omnium[.]notifications[.]v1"'
const hydration = [
  lines(
    'Notifications that ended',
    [
      {
        expr: rate(`sync_records_total{${CHOSEN},${INBOX}}`, 'topic, outcome, reason'),
        legend: '{{topic}} {{outcome}} {{reason}}',
      },
    ],
    {
      description:
        '`done`: fetched from the peer and written to its topic. `known`, `echo` and `superseded` are normal.',
      ...{ unit: 'cps', isStacked: true, colours: { done: 'green', deferred: 'yellow', parked: 'red' } },
    },
  ),
  lines('From a notification to its snapshot', quantiles(`sync_end_to_end_seconds_bucket{${CHOSEN},${INBOX}}`), {
    description: 'Long: the peer is slow, or its `requestsPerSecond` too low for what comes.',
    unit: 's',
  }),
  lines(
    'Wait for our own rate limit, p95',
    [
      quantileBy(
        0.95,
        `sync_rate_limit_wait_seconds_bucket{job=~"flow-ingest|omnium-ingest",instance=~"$instance"}`,
        'target',
      ),
    ],
    {
      description: 'Of the requests of the ingest services.',
      unit: 's',
    },
  ),
]

const sweeps = [
  lines(
    'Time since the last sweep',
    [
      {
        expr: `max by (source, entity) (min by (tenant, source, entity) (sync_sweep_mark_age_seconds{${CHOSEN}}))`,
        legend: '{{source}} {{entity}}',
      },
    ],
    {
      description:
        'The tenant that has waited longest. A sweep begins every SWEEP_INTERVAL_MS (5 minutes). Runbook 13.',
      ...{ unit: 's', warn: 3600 },
    },
  ),
  lines(
    'Changes that sweeps listed',
    [{ expr: rate(`sync_sweep_found_total{${CHOSEN}}`, 'source, entity'), legend: '{{source}} {{entity}}' }],
    {
      description: 'All changes pass by here, whether a webhook told of them or not.',
      unit: 'cps',
    },
  ),
  lines(
    'Of these, told of by no webhook',
    [
      {
        expr: ratio(`sync_sweep_missed_total{${CHOSEN}}`, `sync_sweep_found_total{${CHOSEN}}`, 'source', '30m'),
        legend: '{{source}}',
      },
    ],
    {
      description:
        'In half an hour. A fifth and more: webhooks do not arrive. Which tenant: the dashboard of a tenant. Runbook 13.',
      ...{ unit: 'percentunit', max: 1, warn: 0.2, links: [['A tenant', 'sync-tenant']] },
    },
  ),
]

export const ingest = dashboard({
  uid: 'sync-ingest',
  title: 'Sync: ingest',
  description: 'Webhooks, what is fetched for them, and the sweeps that find what they missed.',
  variables: [VARIABLES.job, VARIABLES.instance],
  rows: [
    { title: 'Now', panels: now },
    { title: 'Webhooks', panels: webhooks },
    { title: 'Hydration', panels: hydration },
    { title: 'Sweeps', panels: sweeps },
  ],
})
