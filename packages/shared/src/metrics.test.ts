import { describe, expect, it } from 'vitest'
import { createMetrics, METRICS } from './metrics.ts'

describe('metrics', () => {
  it('have the names and labels that dashboards rely on', () => {
    const table = Object.values(METRICS).map(({ name, labels }) => `${name}{${labels.join(',')}}`)

    expect(table).toEqual([
      'sync_records_total{service,topic,outcome,reason}',
      'sync_handling_seconds{service,topic}',
      'sync_end_to_end_seconds{service,topic}',
      'sync_consumer_lag_records{topic,partition}',
      'sync_oldest_pending_seconds{}',
      'sync_in_flight{}',
      'sync_parked_total{service,topic,reason}',
      'sync_target_requests_total{target,operation,status}',
      'sync_target_request_seconds{target,operation}',
      'sync_circuit_state{target,tenant}',
      'sync_credentials_refused{target,tenant}',
      'sync_rate_limit_wait_seconds{target}',
      'sync_webhooks_total{source,answer}',
      'sync_sweep_mark_age_seconds{tenant,source,entity}',
      'sync_sweep_found_total{tenant,source,entity}',
      'sync_sweep_missed_total{tenant,source,entity}',
      'sync_tenants{}',
      'sync_tenants_file_valid{}',
      'sync_tenants_reloads_total{result}',
    ])
  })

  it('fill in the service, show the process, and read what is read at a scrape', async () => {
    const metrics = createMetrics('customer-mapper')
    metrics.recordsTotal.inc({ topic: 'flow.customers.v1', outcome: 'done', reason: '' })
    metrics.handlingSeconds.observe(0.2, { topic: 'flow.customers.v1' })
    metrics.onScrape(() => metrics.inFlight.set(7))

    const text = await metrics.text()

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

    expect(await metrics.text()).not.toContain('partition="3"')
  })

  it('of two services in one process do not mix', async () => {
    const mapper = createMetrics('customer-mapper')
    const ingest = createMetrics('flow-ingest')
    mapper.parkedTotal.inc({ topic: 'flow.customers.v1', reason: 'refused' })

    expect(await ingest.text()).not.toContain('reason="refused"')
  })
})
