import { dashboard, VARIABLES } from './dashboard.mjs'
import { lines, stat, table } from './panels.mjs'
import { CHOSEN, LANE, LIVE, lag, quantiles, rate, ratio } from './queries.mjs'

const RESULTS = { acknowledged: 'green', refused: 'orange', failed: 'red' }

const now = [
  stat(
    'Writes that fail',
    ratio(`sync_kafka_writes_total{${CHOSEN},result="failed"}`, `sync_kafka_writes_total{${CHOSEN}}`, '', '5m'),
    {
      description: 'In the last 5 minutes. Nothing ends meanwhile, and nothing is lost. Runbook 15.',
      ...{ unit: 'percentunit', warn: 0.001, bad: 0.1, noValue: 'no writes' },
    },
  ),
  stat('Write, p95', `histogram_quantile(0.95, sum by (le) (rate(sync_kafka_write_seconds_bucket{${CHOSEN}}[5m])))`, {
    description: 'With `acks=all`, in the last 5 minutes. Slow: the disk of a broker, or a replica that lags.',
    ...{ unit: 's', warn: 0.1, bad: 1, noValue: 'no writes' },
  }),
  stat('Live records waiting', `${lag(`${CHOSEN},${LIVE}`)} or vector(0)`, {
    description: 'Runbook 11; one partition only: 8.',
    ...{ warn: 1000, bad: 10_000 },
  }),
  stat('Waiting in retry lanes', `${lag(`${CHOSEN},${LANE}`)} or vector(0)`, {
    description: 'On purpose: for a peer, for a parent, or for their turn in a backfill or replay.',
    ...{ warn: 10_000 },
  }),
  stat('Joins in 15 minutes', `max(increase(sync_rebalances_total{${CHOSEN}}[15m])) or vector(0)`, {
    description: 'Of the member with most. Some in a deployment; again and again: runbook 15.',
    ...{ warn: 3, bad: 6, decimals: 0 },
  }),
  stat('Instances without partitions', `count(sync_partitions_assigned{${CHOSEN}} == 0) or vector(0)`, {
    description: 'More instances than partitions, or one that is not in its group. Runbook 14.',
    ...{ warn: 1 },
  }),
]

const waiting = [
  lines(
    'Live records waiting, by topic',
    [{ expr: lag(`${CHOSEN},${LIVE}`, 'job, topic'), legend: '{{job}}: {{topic}}' }],
    {
      description: 'After the committed offset. Grows: less is handled than comes.',
      width: 12,
    },
  ),
  lines('Waiting in retry lanes', [{ expr: lag(`${CHOSEN},${LANE}`, 'job, topic'), legend: '{{topic}}' }], {
    description: 'Falls by itself when what is waited for is over.',
    width: 12,
  }),
  table(
    'Partitions with most',
    `topk(12, max by (job, topic, partition) (sync_consumer_lag_records{${CHOSEN},${LIVE}}))`,
    {
      description: 'One far above the others of its topic: a hot key, or stuck. Runbook 8.',
      ...{ value: 'Records', width: 12 },
    },
  ),
  lines('Records that ended', [{ expr: rate(`sync_records_total{${CHOSEN}}`, 'topic'), legend: '{{topic}}' }], {
    description: 'By the topic that they came from at first.',
    ...{ unit: 'cps', width: 12 },
  }),
]

const memory = [
  lines('Handlers that run', [{ expr: `sync_in_flight{${CHOSEN}}`, legend: '{{job}} {{instance}}' }], {
    description: 'Keys that are handled now; MAX_IN_FLIGHT may be.',
  }),
  lines('Records in memory', [{ expr: `sync_pending_records{${CHOSEN}}`, legend: '{{job}} {{instance}}' }], {
    description: 'Read and not ended. At 100,000, or MAX_PENDING_BYTES, reading pauses.',
    warn: 100_000,
  }),
  lines(
    'Oldest record in memory',
    [{ expr: `sync_oldest_pending_seconds{${CHOSEN}}`, legend: '{{job}} {{instance}}' }],
    {
      description: 'Waits longer than a minute go to the retry lane. Runbook 8.',
      ...{ unit: 's', bad: 900 },
    },
  ),
]

const writes = [
  lines('Writes', [{ expr: rate(`sync_kafka_writes_total{${CHOSEN}}`, 'job, result'), legend: '{{job}} {{result}}' }], {
    description: 'Produce requests. `refused`: of a record in it (too large); it is parked, the others are written.',
    ...{ unit: 'reqps', isStacked: true, colours: RESULTS, width: 12 },
  }),
  lines('Time to acknowledge', quantiles(`sync_kafka_write_seconds_bucket{${CHOSEN}}`), {
    description: 'By all replicas that are in sync.',
    ...{ unit: 's', warn: 1, width: 12 },
  }),
]

const groups = [
  lines(
    'Joins',
    [
      {
        expr: `sum by (job, instance) (increase(sync_rebalances_total{${CHOSEN}}[5m]))`,
        legend: '{{job}} {{instance}}',
      },
    ],
    {
      description: 'In 5 minutes. Each holds the group up for a moment.',
    },
  ),
  lines('Partitions', [{ expr: `sync_partitions_assigned{${CHOSEN}}`, legend: '{{job}} {{instance}}' }], {
    description: 'Of each topic. Should be even, and add up to all of them for each service.',
  }),
  lines(
    'Event loop delay, p99',
    [{ expr: `nodejs_eventloop_lag_p99_seconds{${CHOSEN}}`, legend: '{{job}} {{instance}}' }],
    {
      description: 'Heartbeats go out by it. Runbook 14.',
      ...{ unit: 's', warn: 0.1, bad: 0.25 },
    },
  ),
]

export const kafka = dashboard({
  uid: 'sync-kafka',
  title: 'Sync: Kafka',
  description:
    'Lag, memory, writes and consumer groups, as the services see them: is it Kafka? The brokers have metrics of their own.',
  variables: [VARIABLES.job, VARIABLES.instance],
  rows: [
    { title: 'Now', panels: now },
    { title: 'Waiting', panels: waiting },
    { title: 'In memory', panels: memory },
    { title: 'Writes', panels: writes },
    { title: 'Consumer groups', panels: groups },
  ],
})
