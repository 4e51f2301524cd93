import { type FlowCustomer, parentUidOf } from '@sync/shared/flow/schema'
import type { OmniumCustomer } from '@sync/shared/omnium/schema'
import type { Tenant } from '@sync/shared/tenants'
import { storedVersion } from './sync-properties.ts'

/** `createdAt` and `lastModifiedAt` of one request may be two looks at a clock. */
const ONE_REQUEST_MS = 1_000

/**
 * Whether Flow's company says nothing of its parent because it is as we made it there of this Omnium record, which no
 * write of ours has touched: the table into Flow has no parent. Its relations in Omnium stay until somebody edits it.
 */
export function knowsNoParentYet(flow: FlowCustomer, omnium: OmniumCustomer | null, tenant: Tenant): boolean {
  if (omnium === null || storedVersion(omnium, tenant) !== null || parentUidOf(flow)) return false
  const editedAfterMs = Date.parse(flow.lastModifiedAt ?? '') - Date.parse(flow.createdAt ?? '')
  return Math.abs(editedAfterMs) < ONE_REQUEST_MS
}
