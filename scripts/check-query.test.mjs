import { expect, it } from 'vitest'
import { problemsOf } from './check-query.mjs'
import { knownSeries } from './metric-names.mjs'

it.each([
  ['sum by (job) (rate(sync_records_total{outcome="done"}[5m]))', []],
  ['histogram_quantile(0.95, sum by (le) (rate(sync_webhook_seconds_bucket{source="flow"}[5m])))', []],
  ['rate(sync_webhook_seconds_sum[5m]) / rate(sync_webhook_seconds_count[5m])', []],
  ['nodejs_eventloop_lag_p99_seconds{job="flow-ingest"} and on (job, instance) up', []],
  ['sync_consumer_lag_records{topic=~".*[.]retry[.]v1"}', []],
  ['sync_gone_total', ['no metric sync_gone_total']],
  ['rate(sync_webhook_seconds[5m])', ['no metric sync_webhook_seconds']],
  ['sync_ready{tenant="acme-no"}', ['sync_ready has no label tenant']],
  ['sync_records_total{outcome="finished"}', ['outcome never is finished']],
  ['sync_webhooks_total{answer=~"stored|refused"}', ['answer never is stored|refused']],
  ['sum by (tenant) (sync_in_flight)', ['nothing there has a label tenant']],
  ['up unless on (instance, pod) sync_ready', ['nothing there has a label pod']],
])('%s: %j', async (expr, problems) => {
  expect(problemsOf(expr, await knownSeries())).toEqual(problems)
})

it('refuses what is no PromQL', async () => {
  const known = await knownSeries()

  expect(() => problemsOf('sum(rate(sync_records_total[5m])', known)).toThrow(/no PromQL at \d+/)
})
