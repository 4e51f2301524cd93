import type { Metrics } from '../metrics.ts'
import type { Runtime } from './runtime.ts'

/** Sets the gauges of a runtime at every scrape; a partition that is no longer ours is not reported with its last lag. */
export function exportStatus(runtime: Runtime, metrics: Metrics): void {
  const reported = new Map<string, { topic: string; partition: string }>()
  metrics.onScrape(() => {
    const { inFlight, oldestPendingMs } = runtime.status()
    metrics.inFlight.set(inFlight)
    metrics.oldestPendingSeconds.set(oldestPendingMs / 1000)
    const gone = new Map(reported)
    for (const { topic, partition, records } of runtime.lag()) {
      const labels = { topic, partition: String(partition) }
      const name = `${topic}/${partition}`
      metrics.consumerLagRecords.set(records, labels)
      reported.set(name, labels)
      gone.delete(name)
    }
    for (const [name, labels] of gone) {
      metrics.consumerLagRecords.remove(labels)
      reported.delete(name)
    }
  })
}
