import { describe, expect, it } from 'vitest'
import manifest from '../package.json' with { type: 'json' }
import { createMetrics } from './metrics.ts'
import { LABELS, METRICS } from './metrics-table.ts'

describe('metrics', () => {
  it('have the names and labels that dashboards rely on', () => {
    const table = Object.values(METRICS).map(({ name, labels }) => `${name}{${labels.join(',')}}`)

    expect(table).toEqual([
      'sync_build_info{service,version,node}',
      'sync_ready{}',
      'sync_records_total{service,topic,outcome,reason}',
      'sync_tenant_records_total{service,tenant,outcome}',
      'sync_retries_total{service,topic,reason}',
      'sync_handling_seconds{service,topic}',
      'sync_end_to_end_seconds{service,topic}',
      'sync_consumer_lag_records{topic,partition}',
      'sync_oldest_pending_seconds{}',
      'sync_in_flight{}',
      'sync_in_flight_limit{}',
      'sync_pending_records{}',
      'sync_tenant_pending_records{tenant}',
      'sync_partitions_assigned{}',
      'sync_partitions_unclaimed{}',
      'sync_rebalances_total{}',
      'sync_kafka_writes_total{result}',
      'sync_kafka_write_seconds{}',
      'sync_parked_total{service,topic,reason}',
      'sync_shorter_logs_total{service,topic}',
      'sync_not_removed_total{service,list}',
      'sync_target_requests_total{target,operation,status}',
      'sync_target_request_seconds{target,operation}',
      'sync_circuit_state{target,tenant}',
      'sync_credentials_refused{target,tenant}',
      'sync_absence_guard_tripped{tenant,target}',
      'sync_role_missing{target,tenant,operation}',
      'sync_rate_limit_wait_seconds{target}',
      'sync_webhooks_total{source,answer}',
      'sync_webhook_seconds{source}',
      'sync_sweep_mark_age_seconds{tenant,source,entity}',
      'sync_sweep_found_total{tenant,source,entity}',
      'sync_sweep_missed_total{tenant,source,entity}',
      'sync_tenants{}',
      'sync_tenants_file_valid{}',
      'sync_tenants_reloads_total{result}',
      'sync_log_lines_dropped_total{}',
    ])
  })

  it('have base units, and labels from the closed sets that are documented', () => {
    for (const { name, type, labels } of Object.values(METRICS)) {
      if (type === 'counter') expect(name).toMatch(/_total$/)
      else expect(name).not.toMatch(/_total$|_ms$/)
      if (type === 'histogram') expect(name).toMatch(/_seconds$/)
      for (const label of labels) expect(Object.keys(LABELS), name).toContain(label)
    }
  })

  it('say what runs, and how the event loop does', async () => {
    const { text } = await createMetrics('relation-manager').render()

    const node = process.versions.node
    expect(text).toContain(`sync_build_info{version="${manifest.version}",node="${node}",service="relation-manager"} 1`)
    expect(text).toContain('nodejs_eventloop_lag_p99_seconds ')
  })

  it('fill in the service, show the process, and read what is read at a scrape', async () => {
    const metrics = createMetrics('customer-mapper')
    metrics.recordsTotal.inc({ topic: 'flow.customers.v1', outcome: 'done', reason: '' })
    metrics.handlingSeconds.observe(0.2, { topic: 'flow.customers.v1' })
    metrics.onScrape(() => metrics.inFlight.set(7))

    const { text } = await metrics.render()

    expect(text).toContain(
      'sync_records_total{topic="flow.customers.v1",outcome="done",reason="",service="customer-mapper"} 1',
    )
    expect(text).toContain('sync_handling_seconds_count{topic="flow.customers.v1",service="customer-mapper"} 1')
    expect(text).toContain('sync_in_flight 7')
    expect(text).toContain('process_cpu_seconds_total')
  })

  it('forget a series that is no longer ours', async () => {
    const metrics = createMetrics('customer-mapper')
    const labels = { topic: 'flow.customers.v1', partition: '3' }
    metrics.consumerLagRecords.set(12, labels)

    metrics.consumerLagRecords.remove(labels)

    expect((await metrics.render()).text).not.toContain('partition="3"')
  })

  it('of two services in one process do not mix', async () => {
    const mapper = createMetrics('customer-mapper')
    const ingest = createMetrics('flow-ingest')
    mapper.parkedTotal.inc({ topic: 'flow.customers.v1', reason: 'refused' })

    expect((await ingest.render()).text).not.toContain('reason="refused"')
  })

  it('are OpenMetrics with the last sampled trace of each bucket, for who accepts that, and stay text for who does not', async () => {
    const metrics = createMetrics('customer-mapper')
    const labels = { topic: 'flow.customers.v1' }
    metrics.endToEndSeconds.observe(0.3, labels, `00-${'a'.repeat(32)}-${'1'.repeat(16)}-01`)
    metrics.endToEndSeconds.observe(3, labels, `00-${'b'.repeat(32)}-${'1'.repeat(16)}-00`)
    metrics.recordsTotal.inc({ topic: 'flow.customers.v1', outcome: 'done', reason: '' })
    metrics.rebalancesTotal.inc(3)

    const [open, plain, again] = await Promise.all([
      metrics.render('application/openmetrics-text;version=1.0.0,text/plain;version=0.0.4;q=0.5'),
      metrics.render('text/plain'),
      metrics.render('application/openmetrics-text'),
    ])

    expect(open.contentType).toContain('application/openmetrics-text')
    expect(open.text).toMatch(/sync_end_to_end_seconds_bucket\{le="0.5",.*\} 1 # \{trace_id="a{32}"\} 0.3 /)
    expect(open.text).not.toContain('trace_id="b')
    expect(open.text).toContain('# TYPE sync_records counter\nsync_records_total{')
    expect(open.text).toMatch(/# EOF\n$/)
    expect(again.text).toContain('# TYPE sync_records counter\nsync_records_total{')
    expect(plain.contentType).toContain('text/plain')
    expect(plain.text).toContain('# TYPE sync_records_total counter\nsync_records_total{')
    expect(plain.text).toContain('sync_rebalances_total 3')
    expect(plain.text).not.toContain('trace_id')
  })
})
