import type { Fields } from '@sync/sandbox/fields'
import type { Check } from './check.ts'
import { nameOf, type PlannedTenant } from './operations.ts'
import type { Expected } from './oracle.ts'
import type { System } from './system.ts'

/**
 * What the services say of what they wrote, without which nobody could tell an older change from a newer one: the version
 * of each customer that came from Flow, and of each parent. None is ahead of Flow; one may be behind it, when what
 * changed since is mapped to nothing.
 */
export function checkVersions(
  { flow, omnium }: System,
  tenants: readonly PlannedTenant[],
  { privateInOmnium, businessInOmnium, companies }: Expected,
): Check {
  const prefixOf = new Map(tenants.map(({ uid, propertyPrefix }) => [uid, propertyPrefix]))
  const wrong: string[] = []
  let counted = 0
  const check = (tenant: string, id: string, row: Fields | undefined, property: string) => {
    const source = flow.customer(tenant, id)
    if (row === undefined || source === undefined) return
    counted++
    const name = prefixOf.get(tenant) + property
    const value = ((row.properties as Fields[] | null | undefined) ?? []).find(({ key }) => key === name)?.value
    // The version of a parent is followed by the parent.
    const isKnown = Date.parse(String(value).split('|')[0] ?? '') <= Date.parse(source.lastModifiedAt)
    if (!isKnown) wrong.push(`${nameOf(tenant, id)}: ${name} is ${value}, and Flow’s ${source.lastModifiedAt}`)
  }

  for (const { tenant, id, isFromFlow, isBornInOmnium } of privateInOmnium.values()) {
    const row = omnium.customer(tenant, 'B2C', id)
    if (!isFromFlow) continue
    check(tenant, id, row, 'LastModifiedAt')
    const source = flow.customer(tenant, id)
    if (!row || !source) continue
    // Omnium keeps the time at which the web shop created a customer, which is before the customer came to Flow.
    const age = Date.parse(source.createdAt) - Date.parse(row.created)
    if (isBornInOmnium ? !(age >= 0) : age !== 0) {
      wrong.push(`${nameOf(tenant, id)}: created ${row.created}, and in Flow ${source.createdAt}`)
    }
  }
  for (const { tenant, id, isFromFlow } of businessInOmnium.values()) {
    if (isFromFlow) check(tenant, id, omnium.customer(tenant, 'B2B', id), 'LastModifiedAt')
  }
  for (const { tenant, id, parent } of companies.values()) {
    if (parent !== null) check(tenant, id, omnium.customer(tenant, 'B2B', id), 'ParentVersion')
  }
  return { name: 'versions of customers and parents', counted, wrong }
}
