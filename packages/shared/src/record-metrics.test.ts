import { describe, expect, it } from 'vitest'
import { createMetrics } from './metrics.ts'
import { createRecordMetrics } from './record-metrics.ts'
import { createTenants } from './tenants.ts'
import { aTenant } from './testing/builders.ts'

const ACME = aTenant({ uid: 'acme' })
const OTHER = aTenant({ uid: 'other' })

function given() {
  let tenants = createTenants([ACME, OTHER])
  const metrics = createMetrics('customer-mapper')
  const records = createRecordMetrics(metrics, () => tenants)
  return {
    records,
    lines: async () =>
      (await metrics.render()).text.split('\n').filter((line) => line.startsWith('sync_tenant_records')),
    become(next: typeof tenants) {
      tenants = next
      records.tenantsChanged(next)
    },
  }
}

describe('the metrics of records', () => {
  it('name no tenant that the tenants file does not', async () => {
    const { records, lines } = given()

    for (const tenant of ['acme', 'x'.repeat(500), 'y']) records.metrics.ended('flow.customers.v1', 'done', '', tenant)

    expect(await lines()).toEqual([
      'sync_tenant_records_total{tenant="acme",outcome="done",service="customer-mapper"} 1',
      'sync_tenant_records_total{tenant="unknown",outcome="done",service="customer-mapper"} 2',
    ])
  })

  it('forget the series of a tenant that is no more', async () => {
    const { records, lines, become } = given()
    records.metrics.ended('flow.customers.v1', 'done', '', 'acme')
    records.metrics.ended('flow.customers.v1', 'parked', 'refused', 'other')

    become(createTenants([ACME]))

    expect(await lines()).toEqual([
      'sync_tenant_records_total{tenant="acme",outcome="done",service="customer-mapper"} 1',
    ])
  })
})
