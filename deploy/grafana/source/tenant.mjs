import { dashboard, VARIABLES } from './dashboard.mjs'
import { lines, stat, states, table } from './panels.mjs'
import { CHOSEN, countOver, rate } from './queries.mjs'

export const CIRCUIT_WORDS = { 0: ['closed', 'green'], 1: ['half-open', 'yellow'], 2: ['open', 'red'] }
const OUTCOMES = { done: 'green', skipped: 'blue', deferred: 'yellow', parked: 'red' }
const TENANT = 'tenant=~"$tenant"'

const circuit = (target, name) =>
  stat(`${name}: circuit`, `max(sync_circuit_state{${TENANT},target="${target}"})`, {
    description: `The worst of what the services see. Not closed: what is aimed at ${name} waits, and goes on by itself. Runbook 8, step 2.`,
    ...{ words: CIRCUIT_WORDS, warn: 1, bad: 2, noValue: 'never asked', links: [['Targets', 'sync-targets']] },
  })

const now = [
  circuit('flow', 'Flow'),
  circuit('omnium', 'Omnium'),
  stat('Credentials', `max(sync_credentials_refused{${TENANT}}) or vector(0)`, {
    description: 'Refused by a peer: nothing comes through until the secret in the tenants file is right. Runbook 9.',
    ...{ words: { 0: ['accepted', 'green'], 1: ['refused', 'red'] }, bad: 1 },
  }),
  stat('Set aside, 24 h', countOver(`sync_tenant_records_total{${TENANT},outcome="parked"}`, '24h'), {
    description: 'Dead letters of the tenant. Runbook 3, with `--tenant`.',
    ...{ warn: 1, bad: 50, decimals: 0 },
  }),
  stat('Records in memory', `sum(sync_tenant_pending_records{${TENANT}}) or vector(0)`, {
    description: 'Read and not ended. Many for long: a peer that is slow or down, or a backlog.',
    ...{ warn: 1000, bad: 20_000 },
  }),
  stat('Longest since a sweep', `max(min by (tenant, source, entity) (sync_sweep_mark_age_seconds{${TENANT}}))`, {
    description: 'Of any of its lists. Sweeps find what webhooks missed. Runbook 13.',
    ...{ unit: 's', warn: 900, bad: 3600, noValue: 'no sweeps' },
  }),
]

const records = [
  lines(
    'Records that ended',
    [{ expr: rate(`sync_tenant_records_total{${CHOSEN},${TENANT}}`, 'outcome'), legend: '{{outcome}}' }],
    {
      description: 'By outcome, in all services. `deferred` waits in the retry lane, `parked` is set aside.',
      ...{ unit: 'cps', isStacked: true, colours: OUTCOMES, width: 12 },
    },
  ),
  lines(
    'Records that ended, by service',
    [{ expr: rate(`sync_tenant_records_total{${CHOSEN},${TENANT}}`, 'job'), legend: '{{job}}' }],
    {
      description:
        'Where they come to rest: much in an ingest service and nothing in the mapper means that nothing has changed.',
      ...{ unit: 'cps', width: 12 },
    },
  ),
  lines(
    'Records in memory',
    [{ expr: `sum by (job) (sync_tenant_pending_records{${CHOSEN},${TENANT}})`, legend: '{{job}}' }],
    {
      description: 'By service. No line while there are none.',
      width: 12,
    },
  ),
  table('Tenants with most in memory', `topk(10, sum by (tenant) (sync_tenant_pending_records{${CHOSEN}}))`, {
    description: 'Of all tenants, whichever are chosen.',
    ...{ value: 'Records', width: 12 },
  }),
]

const peers = [
  states(
    'Circuits',
    [
      {
        expr: `max by (tenant, target, job) (sync_circuit_state{${CHOSEN},${TENANT}})`,
        legend: '{{target}} {{tenant}} ({{job}})',
      },
    ],
    {
      description: 'As each service sees them. `/ready` of an instance says the cause.',
      words: CIRCUIT_WORDS,
      width: 24,
    },
  ),
]

const found = [
  lines(
    'Changes that only a sweep told of',
    [{ expr: rate(`sync_sweep_missed_total{${TENANT}}`, 'source, entity'), legend: '{{source}} {{entity}}' }],
    {
      description: 'Their webhook was lost, or is yet to come. A steady line: webhooks do not arrive. Runbook 13.',
      ...{ unit: 'cps', width: 12 },
    },
  ),
  lines(
    'Time since the last sweep',
    [
      {
        expr: `min by (source, entity, tenant) (sync_sweep_mark_age_seconds{${TENANT}})`,
        legend: '{{source}} {{entity}} {{tenant}}',
      },
    ],
    {
      description: 'Until its end. Minutes are normal. Runbook 13.',
      ...{ unit: 's', warn: 3600, width: 12 },
    },
  ),
]

export const tenant = dashboard({
  uid: 'sync-tenant',
  title: 'Sync: a tenant',
  description: 'What one tenant gets, and what it waits for. What became of one customer: `npx syncctl trace`.',
  variables: [VARIABLES.tenant, VARIABLES.job, VARIABLES.instance],
  rows: [
    { title: 'Now', panels: now },
    { title: 'Records', panels: records },
    { title: 'Its peers', panels: peers },
    { title: 'Sweeps', panels: found },
  ],
})
