import type { FlowCustomer } from '@sync/shared/flow/schema'
import type { OmniumCustomer, OmniumKind } from '@sync/shared/omnium/schema'
import type { SkipReason } from '@sync/shared/outcome'
import type { Tenant } from '@sync/shared/tenants'
import { compareVersions } from '@sync/shared/version'
import { compareCustomers, namesOf } from './differences.ts'
import { newOmniumCustomer, type OmniumBody, overlayPrivate, patchCustomer } from './omnium-write.ts'
import { storedVersion } from './sync-properties.ts'

/** What to do at Omnium for one Flow customer; `changed` names the compared fields that the write sets. */
export type UpsertDecision =
  | { readonly do: 'create' | 'overlay' | 'patch'; readonly body: OmniumBody; readonly changed: readonly string[] }
  | { readonly do: 'nothing'; readonly reason: SkipReason & ('unchanged' | 'stale') }
  | { readonly do: 'conflict' }

/** What Omnium holds under the customer's id. The other kind has to be looked for only when the own one is missing. */
export interface OmniumState {
  readonly own: OmniumCustomer | null
  readonly otherKindExists: boolean
  /** `own` comes from a search, which may show less than a by-id read: a full update could clear what it leaves out. */
  readonly isFromSearch?: boolean
}

/**
 * Flow → Omnium. A stored version that is strictly newer wins; a Flow customer without `lastModifiedAt` has nothing to
 * compare, and its place in the topic (or the look at Flow before) says that it is the newest.
 */
export function decideUpsert(
  kind: OmniumKind,
  flow: FlowCustomer,
  { own, otherKindExists, isFromSearch = false }: OmniumState,
  tenant: Tenant,
): UpsertDecision {
  if (own === null) {
    if (otherKindExists) return { do: 'conflict' }
    return { do: 'create', ...newOmniumCustomer(kind, flow, tenant) }
  }
  if (flow.lastModifiedAt && compareVersions(storedVersion(own, tenant), flow.lastModifiedAt) > 0) {
    return { do: 'nothing', reason: 'stale' }
  }
  const comparison = compareCustomers(kind, flow, own, tenant)
  const changed = namesOf(comparison)
  if (changed.length === 0) return { do: 'nothing', reason: 'unchanged' }
  return kind === 'B2C' && tenant.omnium.privateUpdates === 'full' && !isFromSearch
    ? { do: 'overlay', body: overlayPrivate(flow, own, comparison, tenant), changed }
    : { do: 'patch', body: patchCustomer(kind, flow, own, comparison, tenant), changed }
}
