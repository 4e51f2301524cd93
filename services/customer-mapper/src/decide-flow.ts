import type { FlowCustomer } from '@sync/shared/flow/schema'
import { isUnreadable } from '@sync/shared/http/reading'
import { isOmniumApiUser } from '@sync/shared/omnium/api-users'
import type { OmniumCustomer, OmniumKind } from '@sync/shared/omnium/schema'
import type { SkipReason } from '@sync/shared/outcome'
import { sameMeaning } from '@sync/shared/same-meaning'
import type { Tenant } from '@sync/shared/tenants'
import { compareVersions } from '@sync/shared/version'
import { differingFields, editedSinceCreated } from './differences.ts'
import { type FlowFields, mapToFlow } from './map-to-flow.ts'
import { mapFields } from './map-to-omnium.ts'
import { storedVersion } from './sync-properties.ts'

/** What to write over a Flow customer that exists, from Omnium's record of the same kind. */
export type FlowUpdateDecision =
  | { readonly do: 'update'; readonly fields: FlowFields }
  | { readonly do: 'nothing'; readonly reason: SkipReason & ('unchanged' | 'echo' | 'stale') }

/**
 * Omnium → Flow for a tenant with `omniumCustomerEvents: update`. Once we have written the record, only fields that differ
 * in both directions are (an address's e-mail that our own write left behind is no edit). None is emptied. Flow wins a tie, so a
 * field of Flow's that can't be read is left as it is.
 */
export function decideFlowUpdate(
  kind: OmniumKind,
  omnium: OmniumCustomer,
  flow: FlowCustomer,
  tenant: Tenant,
): FlowUpdateDecision {
  const made = mapToFlow(kind, omnium, tenant)
  const differing = differingFields(mapFields(kind, withEmpty(made, flow), tenant), omnium, tenant)
  const fields = storedVersion(omnium, tenant) === null ? untold(kind, made, flow, tenant) : {}
  for (const { from } of editedSinceCreated(kind, omnium, tenant, differing)) {
    if (from !== null && made[from] !== undefined) fields[from] = made[from]
  }
  if (Object.keys(fields).length === 0) return { do: 'nothing', reason: 'unchanged' }
  if (wroteLast(omnium, tenant)) return { do: 'nothing', reason: 'echo' }
  const isNewer =
    compareVersions(omnium.modified, flow.lastModifiedAt) > 0 &&
    compareVersions(storedVersion(omnium, tenant), flow.lastModifiedAt) <= 0
  return isNewer ? { do: 'update', fields } : { do: 'nothing', reason: 'stale' }
}

/**
 * What Flow does not say as Omnium's record does. While we never wrote that record, nothing in it is left of a write of ours.
 * The country of a private customer is the tenant's in the other direction.
 */
const untold = (kind: OmniumKind, made: FlowFields, flow: FlowCustomer, tenant: Tenant): FlowFields =>
  Object.fromEntries(
    (Object.keys(made) as (keyof FlowFields)[])
      .filter((field) => !(kind === 'B2C' && field === 'countryCode') && !isUnreadable(flow, field))
      .filter((field) => !sameMeaning(field, made[field], flow[field], tenant.countryCode))
      .map((field) => [field, made[field]]),
  )

/**
 * Whether somebody edited Flow's customer since we wrote the Omnium record, so that the edit may be on its way there.
 * Only a tenant that names our own user in Flow lets us tell their edits from our own writes.
 */
export function mayHaveEditOnItsWay(omnium: OmniumCustomer, flow: FlowCustomer, tenant: Tenant): boolean {
  const { apiUser } = tenant.flow
  if (apiUser === undefined || !flow.lastModifiedBy || flow.lastModifiedBy === apiUser) return false
  return compareVersions(storedVersion(omnium, tenant), flow.lastModifiedAt) < 0
}

/**
 * Whether the record shows our own last write, so that what differs from Flow was edited in Flow since and is on its
 * way: one of our API users modified it, or its `modified` is the Flow version that we wrote with it.
 */
function wroteLast(omnium: OmniumCustomer, tenant: Tenant): boolean {
  const stored = storedVersion(omnium, tenant)
  if (stored === null) return false
  return isOmniumApiUser(tenant, omnium.modifiedBy ?? '') || compareVersions(omnium.modified, stored) <= 0
}

/** Flow's customer, what Flow leaves out of `fields` being empty: it was read now, so there is no value. */
function withEmpty(fields: FlowFields, flow: FlowCustomer): FlowCustomer {
  const absent = (Object.keys(fields) as (keyof FlowFields)[]).filter(
    (field) => flow[field] === undefined && !isUnreadable(flow, field),
  )
  return { ...flow, ...Object.fromEntries(absent.map((field) => [field, null])) }
}
