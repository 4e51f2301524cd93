import { dashboard, VARIABLES } from './dashboard.mjs'
import { lines, stat, states, table } from './panels.mjs'
import { CHOSEN, quantileBy, quantiles, rate, ratio } from './queries.mjs'
import { CIRCUIT_WORDS } from './tenant.mjs'

const FROM = `${CHOSEN},target=~"$target"`
const REQUESTS = `sync_target_requests_total{${FROM}`
const STATUSES = {
  '2xx': 'green',
  '3xx': 'blue',
  '4xx': 'light-orange',
  429: 'yellow',
  '5xx': 'red',
  error: 'dark-red',
}
const tenants = (selector) => `count(max by (tenant, target) (${selector}) > 0) or vector(0)`

const now = [
  stat('Circuits not closed', tenants(`sync_circuit_state{${FROM}}`), {
    description:
      'Of a tenant at a target. What is aimed there waits and goes on by itself: don’t restart. Runbook 8, step 2.',
    ...{ warn: 1, bad: 2 },
  }),
  stat('Credentials refused', tenants(`sync_credentials_refused{${FROM}}`), {
    description: 'Does not end by itself: correct the secret in the tenants file. Runbook 9.',
    bad: 1,
  }),
  stat('Requests that failed', ratio(`${REQUESTS},status=~"429|5xx|error"}`, `${REQUESTS}}`, '', '5m'), {
    description: 'Throttled, failed at the peer, or without an answer, in the last 5 minutes.',
    ...{ unit: 'percentunit', warn: 0.01, bad: 0.1, noValue: 'none sent' },
  }),
  stat('Throttled (429)', `sum(rate(${REQUESTS},status="429"}[5m])) or vector(0)`, {
    description:
      'Each second. Steady: lower the tenant’s `requestsPerSecond`, or somebody else uses the same credentials.',
    ...{ unit: 'reqps', warn: 0.01, bad: 1 },
  }),
  stat('Answer, p95', `histogram_quantile(0.95, sum by (le) (rate(sync_target_request_seconds_bucket{${FROM}}[5m])))`, {
    description: 'In the last 5 minutes, our own waits left out.',
    ...{ unit: 's', warn: 1, bad: 5, noValue: 'none sent' },
  }),
  stat(
    'Wait for our rate limit, p95',
    `histogram_quantile(0.95, sum by (le) (rate(sync_rate_limit_wait_seconds_bucket{${FROM}}[5m])))`,
    {
      description: 'Long: a backlog is worked off, or `requestsPerSecond` is too low for what comes.',
      ...{ unit: 's', warn: 1, bad: 10, noValue: 'none sent' },
    },
  ),
]

const circuits = [
  states(
    'Circuits that opened',
    [
      {
        expr: `max by (target, tenant) (sync_circuit_state{${FROM}}) and on (target, tenant) max by (target, tenant) (max_over_time(sync_circuit_state{${FROM}}[$__range])) > 0`,
        legend: '{{target}} {{tenant}}',
      },
    ],
    {
      description: 'Only those that were not closed all the time. `/ready` of a service says the cause.',
      ...{ words: CIRCUIT_WORDS, width: 16 },
    },
  ),
  table('Not closed now', `max by (target, tenant) (sync_circuit_state{${FROM}}) > 0`, {
    description: '1: half-open, 2: open.',
    ...{ value: 'State', width: 8 },
  }),
]

const requests = [
  lines('Requests by status', [{ expr: rate(`${REQUESTS}}`, 'target, status'), legend: '{{target}} {{status}}' }], {
    description:
      '4xx are answers: 404 of a customer that is not there is normal, 400 and 422 are parked. `error`: no answer came.',
    ...{ unit: 'reqps', isStacked: true, colours: STATUSES, width: 12 },
  }),
  lines(
    'Requests by operation',
    [{ expr: rate(`${REQUESTS}}`, 'target, operation'), legend: '{{target}} {{operation}}' }],
    {
      description:
        '`probe`: of a circuit that is open. `token` more than now and then: Omnium does not keep its word about their life.',
      ...{ unit: 'reqps', width: 12 },
    },
  ),
  lines(
    'Requests that failed',
    [
      {
        expr: ratio(`${REQUESTS},status=~"429|5xx|error"}`, `${REQUESTS}}`, 'target, operation'),
        legend: '{{target}} {{operation}}',
      },
    ],
    {
      description: 'Only reads, only writes, or all? Tell the peer.',
      ...{ unit: 'percentunit', max: 1, warn: 0.01, bad: 0.1, width: 12 },
    },
  ),
  lines('Requests by service', [{ expr: rate(`${REQUESTS}}`, 'target, job'), legend: '{{target}} by {{job}}' }], {
    description: 'Who uses the rate. Each service has its share (FLOW_RATE_SHARE, OMNIUM_RATE_SHARE).',
    ...{ unit: 'reqps', width: 12 },
  }),
]

const latency = [
  lines('Answers', quantiles(`sync_target_request_seconds_bucket{${FROM}}`), {
    description: 'From sending to the whole answer. Our deadline is 40 % of the session timeout: 8 s, unless told.',
    unit: 's',
  }),
  lines(
    'Answers by operation, p95',
    [
      {
        ...quantileBy(0.95, `sync_target_request_seconds_bucket{${FROM}}`, 'target, operation'),
        legend: '{{target}} {{operation}}',
      },
    ],
    {
      description: 'Which call is slow.',
      unit: 's',
    },
  ),
  lines('Wait for our own rate limit', quantiles(`sync_rate_limit_wait_seconds_bucket{${FROM}}`), {
    description: 'A request’s wait for its turn, and for one of `maxInFlight`.',
    unit: 's',
  }),
]

export const targets = dashboard({
  uid: 'sync-targets',
  title: 'Sync: targets',
  description: 'Flow and Omnium as we see them: is it a peer?',
  variables: [VARIABLES.target, VARIABLES.job, VARIABLES.instance],
  rows: [
    { title: 'Now', panels: now },
    { title: 'Circuits', panels: circuits },
    { title: 'Requests', panels: requests },
    { title: 'Latency', panels: latency },
  ],
})
