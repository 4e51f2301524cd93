import type { RecordMetrics } from './kafka/settle.ts'
import type { Metrics } from './metrics.ts'
import type { Tenants } from './tenants.ts'

/** A record's key may name any tenant; a label may not. */
export const tenantLabel = (tenants: Tenants, uid: string): string => (tenants.get(uid) === undefined ? 'unknown' : uid)

/** The runtime's measurements as metrics. */
export function createRecordMetrics(metrics: Metrics, tenants: () => Tenants) {
  const counted = new Map<string, Set<string>>()

  const records: RecordMetrics = {
    ended(topic, outcome, reason, uid) {
      const tenant = tenantLabel(tenants(), uid)
      metrics.recordsTotal.inc({ topic, outcome, reason })
      metrics.tenantRecordsTotal.inc({ tenant, outcome })
      const outcomes = counted.get(tenant)
      if (outcomes === undefined) counted.set(tenant, new Set([outcome]))
      else outcomes.add(outcome)
    },
    retried: (topic, reason) => metrics.retriesTotal.inc({ topic, reason }),
    notRemoved: (list) => metrics.notRemovedTotal.inc({ list }),
    logShortened: (topic) => metrics.shorterLogsTotal.inc({ topic }),
    parked: (topic, reason) => metrics.parkedTotal.inc({ topic, reason }),
    endToEnd: (topic, seconds, traceparent) => metrics.endToEndSeconds.observe(seconds, { topic }, traceparent),
  }
  return {
    metrics: records,
    observeHandling: (topic: string, seconds: number, traceparent?: string) =>
      metrics.handlingSeconds.observe(seconds, { topic }, traceparent),
    /** Forgets the series of tenants that are no more. */
    tenantsChanged(now: Tenants) {
      for (const [tenant, outcomes] of counted) {
        if (tenant === 'unknown' || now.get(tenant) !== undefined) continue
        for (const outcome of outcomes) metrics.tenantRecordsTotal.remove({ tenant, outcome })
        counted.delete(tenant)
      }
    },
  }
}
