import { parseArgs } from 'node:util'
import { createAdminApp } from '@sync/shared/http/admin'
import type { CircuitStatus } from '@sync/shared/http/circuits'
import { exportCircuits } from '@sync/shared/http/export-circuits'
import { createMetrics, type Metrics } from '@sync/shared/metrics'
import { PARK_REASONS, RETRY_REASONS, SKIP_REASONS } from '@sync/shared/outcome'

const SCRAPES = 200
const TOPICS = ['flow.customers.v1', 'omnium.orders.v1', 'omnium.customers.v1', 'customer-mapper.retry.v1']
const PARTITIONS = 12

/**
 * `npm run bench -- scrape [--tenants 500]`: what one scrape costs a service whose every tenant has every series there can
 * be, in both formats: its CPU time, which is how long its event loop is held up, and the time over HTTP.
 */
export async function scrape(args: readonly string[]): Promise<void> {
  const { values } = parseArgs({ args: [...args], options: { tenants: { type: 'string', default: '500' } } })
  const metrics = createMetrics('omnium-ingest')
  fill(
    metrics,
    Array.from({ length: Number(values.tenants) }, (_, n) => `tenant-${n}`),
  )
  const app = createAdminApp({ readiness: () => ({ waitingFor: [], details: {} }), metrics: metrics.render })
  const url = await app.listen({ host: '127.0.0.1', port: 0 })
  const rows = []
  for (const accept of ['text/plain', 'application/openmetrics-text']) {
    const took: number[] = []
    let bytes = 0
    let series = 0
    const cpu: number[] = []
    for (let count = 0; count < SCRAPES; count++) {
      const before = process.cpuUsage()
      await metrics.render(accept)
      const { user, system } = process.cpuUsage(before)
      cpu.push((user + system) / 1000)
      const startedAt = performance.now()
      const text = await (await fetch(`${url}/metrics`, { headers: { accept } })).text()
      took.push(performance.now() - startedAt)
      bytes = text.length
      series = text.split('\n').filter((line) => line !== '' && !line.startsWith('#')).length
    }
    const at = (of: number[], share: number) =>
      Math.round(of.toSorted((a, b) => a - b)[Math.floor(share * SCRAPES)]! * 10) / 10
    rows.push({
      ...{ accept, series, KB: Math.round(bytes / 1000) },
      ...{ 'CPU p50 ms': at(cpu, 0.5), 'CPU p95 ms': at(cpu, 0.95), 'HTTP p50 ms': at(took, 0.5) },
    })
  }
  await app.close()
  console.table(rows)
}

/** What grows over time; what is read at a scrape is read anew at each. */
function fill(metrics: Metrics, tenants: readonly string[]): void {
  exportCircuits({ list: () => circuitsOf(tenants) }, metrics)
  for (const tenant of tenants) {
    for (const outcome of ['done', 'skipped', 'deferred', 'parked']) metrics.tenantRecordsTotal.inc({ tenant, outcome })
    for (const entity of ['private-customers', 'business-customers', 'orders']) {
      const labels = { tenant, source: 'omnium', entity }
      metrics.sweepMarkAgeSeconds.set(60, labels)
      metrics.sweepFoundTotal.inc(labels)
      metrics.sweepMissedTotal.inc(labels)
    }
  }
  for (const topic of TOPICS) {
    for (const reason of SKIP_REASONS) metrics.recordsTotal.inc({ topic, outcome: 'skipped', reason })
    for (const reason of PARK_REASONS) metrics.parkedTotal.inc({ topic, reason })
    for (const reason of Object.keys(RETRY_REASONS)) metrics.retriesTotal.inc({ topic, reason })
    metrics.handlingSeconds.observe(0.1, { topic })
    metrics.endToEndSeconds.observe(0.1, { topic })
  }
  metrics.onScrape(() => {
    for (const tenant of tenants) metrics.tenantPendingRecords.set(Math.round(Math.random() * 100), { tenant })
    for (const topic of TOPICS) {
      for (let partition = 0; partition < PARTITIONS; partition++) {
        metrics.consumerLagRecords.set(partition, { topic, partition: String(partition) })
      }
    }
  })
}

const circuitsOf = (tenants: readonly string[]): CircuitStatus[] =>
  tenants.flatMap((tenant) =>
    (['flow', 'omnium'] as const).map((target) => ({
      ...{ tenant, target, state: 'closed' as const, cause: null, sinceMs: 0, retryAtMs: null },
    })),
  )
