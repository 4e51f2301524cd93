import type { FlowCustomer } from '@sync/shared/flow/schema'
import { unreadableOf } from '@sync/shared/http/reading'
import { isUnstated } from '@sync/shared/omnium/our-properties'
import { ELEMENT_LISTS, type ElementList } from '@sync/shared/omnium/raw-customer'
import type { OmniumCustomer, OmniumKind } from '@sync/shared/omnium/schema'
import type { SkipReason } from '@sync/shared/outcome'
import type { Tenant } from '@sync/shared/tenants'
import { compareVersions } from '@sync/shared/version'
import { type Comparison, compareCustomers, namesOf } from './differences.ts'
import type { OldInList } from './kept-elements.ts'
import { newOmniumCustomer, type OmniumBody, overlayPrivate, patchCustomer } from './omnium-write.ts'
import { storedVersion } from './sync-properties.ts'

/**
 * What to do at Omnium for one Flow customer. `changed` names the compared fields that the write sets, and `old` the elements of
 * lists that it has to take out.
 */
export type UpsertDecision =
  | { readonly do: 'create' | 'overlay'; readonly body: OmniumBody; readonly changed: readonly string[] }
  | {
      readonly do: 'patch'
      readonly body: OmniumBody
      readonly changed: readonly string[]
      readonly old: readonly OldInList[]
      /** Lists of the body about which Omnium makes no statement. They may hold more elements, so the write must only add to them. */
      readonly unstated?: readonly ElementList[]
    }
  | { readonly do: 'nothing'; readonly reason: SkipReason & ('unchanged' | 'stale') }
  | { readonly do: 'conflict' }

/** What Omnium holds under the customer's id. The other kind has to be looked for only when the own one is missing. */
export interface OmniumState {
  readonly own: OmniumCustomer | null
  readonly otherKindExists: boolean
  /** `own` comes from a search, which may show less than a by-id read: a full update could clear what it leaves out. */
  readonly isFromSearch?: boolean
  /** Our properties have to be written even if nothing differs, because an element was just removed. */
  readonly isDue?: boolean
}

/**
 * Flow → Omnium. A stored version that is strictly newer wins; a Flow customer without `lastModifiedAt` has nothing to
 * compare, and its place in the topic (or the look at Flow before) says that it is the newest.
 */
export function decideUpsert(
  kind: OmniumKind,
  flow: FlowCustomer,
  { own, otherKindExists, isFromSearch = false, isDue = false }: OmniumState,
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
  if (changed.length === 0 && !isDue) return { do: 'nothing', reason: 'unchanged' }
  // A full update would clear, or send back, what can't be read.
  const isRead = !isFromSearch && unreadableOf(own).length === 0
  if (kind === 'B2C' && tenant.omnium.privateUpdates === 'full' && isRead) {
    return { do: 'overlay', body: overlayPrivate(flow, own, comparison, tenant), changed }
  }
  const body = patchCustomer(kind, flow, own, comparison, tenant)
  const unstated = listsOf(comparison).filter((list) => isUnstated(own, list))
  return { do: 'patch', body, changed, old: oldOf(comparison), ...(unstated.length > 0 && { unstated }) }
}

const listsOf = ({ lists }: Comparison) => ELEMENT_LISTS.filter((list) => lists[list])
const oldOf = (comparison: Comparison): OldInList[] =>
  listsOf(comparison).flatMap((list) => (comparison.lists[list]?.old ?? []).map((old) => ({ ...old, list })))
