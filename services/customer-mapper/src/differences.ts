import type { FlowCustomer } from '@sync/shared/flow/schema'
import { holdsUnreadable, isUnreadable } from '@sync/shared/http/reading'
import type { OmniumCustomer, OmniumKind } from '@sync/shared/omnium/schema'
import { sameMeaning } from '@sync/shared/same-meaning'
import type { Tenant } from '@sync/shared/tenants'
import type { ListName } from './kept-elements.ts'
import { mapToFlow } from './map-to-flow.ts'
import { type MappedField, mapAddresses, mapContacts, mapFields, omniumKindOf } from './map-to-omnium.ts'
import { type MergedElements, mergeElements } from './merge-elements.ts'
import { storedElementIds, storedVersion } from './sync-properties.ts'

/** What a write of Flow's customer changes at Omnium's. */
export interface Comparison {
  readonly fields: readonly MappedField[]
  /** The lists that differ. */
  readonly lists: Partial<Readonly<Record<ListName, MergedElements>>>
}

export const NOTHING: Comparison = { fields: [], lists: {} }

/**
 * Compares Flow's customer with Omnium's record of the same kind. While we never wrote that record, a field whose Flow
 * field is what we make of the record counts as equal, and so does one that no Flow field says: what we created in Flow
 * comes back and changes nothing. A field or list of Omnium's that can't be read is left as it is. Once anything really differs, everything that isn't equal does, so that a write leaves
 * nothing to be written again.
 */
export function compareCustomers(
  kind: OmniumKind,
  flow: FlowCustomer,
  omnium: OmniumCustomer,
  tenant: Tenant,
): Comparison {
  const fields = mapFields(kind, flow, tenant).filter(
    ({ field, value }) =>
      !isUnreadable(omnium, field) && !sameMeaning(field, valueAt(omnium, field), value, tenant.countryCode),
  )
  const lists = kind === 'B2B' ? differingLists(flow, omnium, tenant) : {}
  const comparison = { fields, lists }
  if (storedVersion(omnium, tenant) !== null) return comparison
  const edited = editedSinceCreated(kind, omnium, tenant, fields).length > 0 || Object.keys(lists).length > 0
  return edited ? comparison : NOTHING
}

/** Of `fields` those that come from a Flow field which says something else than we make of Omnium's record. */
export function editedSinceCreated(
  kind: OmniumKind,
  omnium: OmniumCustomer,
  tenant: Tenant,
  fields: readonly MappedField[],
): MappedField[] {
  const made = mapToFlow(kind, omnium, tenant)
  return fields.filter(({ from, value }) => from !== null && !sameMeaning(from, value, made[from], tenant.countryCode))
}

/** The names of the compared fields that a comparison found to differ, in the mapping's order. */
export const namesOf = ({ fields, lists }: Comparison): string[] => [
  ...fields.map(({ field }) => field),
  ...Object.keys(lists),
]

/**
 * Which of Omnium's fields differ from what Flow's customer says they are: what a write would change, and what a
 * reconciliation reports. `omnium` is the record of the same kind. Throws for a customer of unknown type.
 */
export function differences(flow: FlowCustomer, omnium: OmniumCustomer, tenant: Tenant): string[] {
  const kind = omniumKindOf(flow)
  if (kind === null) throw new Error('comparing customers: unknown customerType')
  return namesOf(compareCustomers(kind, flow, omnium, tenant))
}

function differingLists(flow: FlowCustomer, omnium: OmniumCustomer, tenant: Tenant): Comparison['lists'] {
  const written = storedElementIds(omnium, tenant)
  const contacts = holdsUnreadable(omnium, 'contacts') ? undefined : mapContacts(flow)
  const addresses = holdsUnreadable(omnium, 'addresses') ? undefined : mapAddresses(flow)
  const merged = {
    contacts: contacts && mergeElements(omnium.contacts ?? [], contacts, written.contacts, 'id', tenant.countryCode),
    addresses:
      addresses &&
      mergeElements(omnium.addresses ?? [], addresses, written.addresses, 'externalId', tenant.countryCode),
  }
  return {
    ...(merged.contacts?.differs && { contacts: merged.contacts }),
    ...(merged.addresses?.differs && { addresses: merged.addresses }),
  }
}

function valueAt(omnium: OmniumCustomer, field: string): string | null | undefined {
  const [first = '', second] = field.split('.')
  const value = omnium[first] as Record<string, string | null> | string | null | undefined
  return second === undefined ? (value as string | null) : (value as Record<string, string | null> | null)?.[second]
}
