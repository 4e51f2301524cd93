import type { Metrics } from '../metrics.ts'
import { tenantLabel } from '../record-metrics.ts'
import type { Tenants } from '../tenants.ts'
import type { Runtime } from './runtime.ts'

/** Sets the gauges of a runtime at every scrape; what is no longer ours, or waits no more, is not reported with its last value. */
export function exportStatus(runtime: Runtime, metrics: Metrics, tenants: () => Tenants, maxInFlight: number): void {
  metrics.inFlightLimit.set(maxInFlight)
  const setLag = replacing(metrics.consumerLagRecords)
  const setWaiting = replacing(metrics.tenantPendingRecords)
  metrics.onScrape(() => {
    const { inFlight, pending, oldestPendingMs, partitions } = runtime.status()
    metrics.inFlight.set(inFlight)
    metrics.pendingRecords.set(pending)
    metrics.partitionsAssigned.set(partitions)
    metrics.partitionsUnclaimed.set(runtime.unclaimed().length)
    metrics.oldestPendingSeconds.set(oldestPendingMs / 1000)
    setLag(
      runtime.lag().map(({ topic, partition, records }) => [{ topic, partition: String(partition) }, records] as const),
    )
    const waiting = new Map<string, number>()
    for (const [uid, records] of runtime.pendingByTenant()) {
      const tenant = tenantLabel(tenants(), uid)
      waiting.set(tenant, (waiting.get(tenant) ?? 0) + records)
    }
    setWaiting([...waiting].map(([tenant, records]) => [{ tenant }, records] as const))
  })
}

/** Sets a gauge's series, and forgets those that were set the last time and are not among them. */
function replacing<L extends Record<string, string>>(gauge: {
  set(value: number, labels: L): void
  remove(labels: L): void
}) {
  let last = new Map<string, L>()
  return (series: readonly (readonly [L, number])[]) => {
    const next = new Map<string, L>()
    for (const [labels, value] of series) {
      gauge.set(value, labels)
      next.set(Object.values(labels).join('\u0000'), labels)
    }
    for (const [name, labels] of last) if (!next.has(name)) gauge.remove(labels)
    last = next
  }
}
