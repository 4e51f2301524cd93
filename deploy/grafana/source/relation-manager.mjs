import { dashboard, instancesOf } from './dashboard.mjs'
import { lines, stat } from './panels.mjs'
import { countOver, LANE, LIVE, lag, quantileBy, quantiles, rate, ratio } from './queries.mjs'

const JOB = 'job="relation-manager"'
const FROM = `${JOB},instance=~"$instance"`
const CHANGES = 'topic="company.parent-changes.v1"'

const WAITS = {
  'child-pending': 'yellow',
  'parent-missing': 'orange',
  'parent-cycle-pending': 'purple',
  'target-failed': 'red',
  'handler-failed': 'dark-red',
}

const now = [
  stat('Instances ready', `sum(sync_ready{${JOB}}) or vector(0)`, {
    description: 'Runbook 14.',
    ...{ bad: 1, warn: 1.5 },
  }),
  stat('Parent changes waiting', `${lag(`${JOB},${LIVE}`)} or vector(0)`, {
    description: 'Not ended yet. Runbook 11; one partition only: 8.',
    ...{ warn: 1000, bad: 10_000 },
  }),
  stat('Waiting in the retry lane', `${lag(`${JOB},${LANE}`)} or vector(0)`, {
    description: 'Mostly companies whose parent is not in Omnium yet: many in a backfill, and they end by themselves.',
    ...{ warn: 10_000 },
  }),
  stat('Parents not found, 24 h', countOver(`sync_parked_total{${JOB},reason="parent-not-found"}`, '24h'), {
    description:
      'Neither in Omnium nor, as a company, in Flow. Create or correct the parent in Flow, redrive. Runbook 3.',
    ...{ warn: 1, bad: 50, decimals: 0 },
  }),
  stat('Circles, 24 h', countOver(`sync_parked_total{${JOB},reason="parent-cycle"}`, '24h'), {
    description: 'Companies that are their own ancestor in Flow. Break the circle there, redrive. Runbook 3.',
    ...{ warn: 1, bad: 50, decimals: 0 },
  }),
  stat(
    'Omnium: circuits not closed',
    `count(max by (tenant) (sync_circuit_state{${JOB},target="omnium"}) > 0) or vector(0)`,
    {
      description: 'Tenants whose relations wait for Omnium. Runbook 8, step 2.',
      ...{ warn: 1, bad: 2, links: [['Targets', 'sync-targets']] },
    },
  ),
]

const work = [
  lines(
    'Records that ended',
    [{ expr: rate(`sync_records_total{${FROM},${CHANGES}}`, 'outcome, reason'), legend: '{{outcome}} {{reason}}' }],
    {
      description: '`skipped unchanged`: both ends agreed already, by far the most. `done`: a relation was written.',
      ...{ unit: 'cps', isStacked: true, colours: { done: 'green', deferred: 'yellow', parked: 'red' } },
    },
  ),
  lines('What is waited for', [{ expr: rate(`sync_retries_total{${FROM}}`, 'reason'), legend: '{{reason}}' }], {
    description:
      '`child-pending`: until the child says its new parent, a minute at most. `parent-missing`: until the parent is in Omnium. `parent-cycle-pending`: two companies swap places. The others are failures.',
    ...{ unit: 'cps', colours: WAITS },
  }),
  lines('Set aside', [{ expr: rate(`sync_parked_total{${FROM}}`, 'reason'), legend: '{{reason}}' }], {
    description: 'What each reason means and its cure: runbook 3.',
    unit: 'cps',
  }),
]

const latency = [
  lines('From a change in Flow to the relation', quantiles(`sync_end_to_end_seconds_bucket{${FROM},${CHANGES}}`), {
    description: 'Of what was written. After the company itself, and longer if a child or parent had to be waited for.',
    unit: 's',
  }),
  lines('Handling of a key', quantiles(`sync_handling_seconds_bucket{${FROM}}`), {
    description:
      'All pending records of a company together: reads and writes of Omnium, and the wait for our own rate limit.',
    unit: 's',
  }),
  lines(
    'Wait for our own rate limit, p95',
    [quantileBy(0.95, `sync_rate_limit_wait_seconds_bucket{${FROM}}`, 'target')],
    {
      description:
        'Long: the tenant’s `requestsPerSecond`, of which this service takes its share, is too low for what it does.',
      unit: 's',
    },
  ),
]

const requests = [
  lines(
    'Requests',
    [{ expr: rate(`sync_target_requests_total{${FROM}}`, 'target, operation'), legend: '{{target}} {{operation}}' }],
    {
      description: 'Reads of both ends for each change; Flow is asked only about parents that are missing.',
      ...{ unit: 'reqps', width: 12 },
    },
  ),
  lines(
    'Requests that failed',
    [
      {
        expr: ratio(
          `sync_target_requests_total{${FROM},status=~"429|5xx|error"}`,
          `sync_target_requests_total{${FROM}}`,
          'target',
        ),
        legend: '{{target}}',
      },
    ],
    {
      description: 'Throttled, failed at the peer, or without an answer.',
      ...{ unit: 'percentunit', max: 1, warn: 0.01, bad: 0.1, width: 12 },
    },
  ),
]

const capacity = [
  lines(
    'Parent changes waiting, by partition',
    [{ expr: lag(`${FROM},${LIVE}`, 'partition'), legend: '{{partition}}' }],
    {
      description: 'One that stays while others move is stuck. Runbook 8.',
    },
  ),
  lines(
    'Handlers that run',
    [{ expr: `sync_in_flight{${FROM}} / sync_in_flight_limit{${FROM}}`, legend: '{{instance}}' }],
    {
      description: 'Of those that may (MAX_IN_FLIGHT).',
      ...{ unit: 'percentunit', max: 1, warn: 0.8 },
    },
  ),
  lines('Oldest record in memory', [{ expr: `sync_oldest_pending_seconds{${FROM}}`, legend: '{{instance}}' }], {
    description: 'Waits longer than a minute go to the retry lane. Runbook 8.',
    ...{ unit: 's', bad: 900 },
  }),
]

export const relationManager = dashboard({
  uid: 'sync-relation-manager',
  title: 'Sync: relation-manager',
  description: 'Parents of companies: both ends of a relation in Omnium.',
  variables: [instancesOf(JOB)],
  rows: [
    { title: 'Now', panels: now },
    { title: 'Work', panels: work },
    { title: 'Latency', panels: latency },
    { title: 'Requests', panels: requests },
    { title: 'Capacity', panels: capacity },
  ],
})
