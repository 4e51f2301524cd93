import type { FlowCustomer } from '@sync/shared/flow/schema'
import { holdsUnreadable, isUnreadable, unreadableOf, unsendableOf } from '@sync/shared/http/reading'
import { isUnstated, storedElementIds } from '@sync/shared/omnium/our-properties'
import { ELEMENT_ID_FIELD, ELEMENT_LISTS, type ElementList } from '@sync/shared/omnium/raw-customer'
import type { OmniumCustomer, OmniumKind } from '@sync/shared/omnium/schema'
import { sameMeaning } from '@sync/shared/same-meaning'
import type { Tenant } from '@sync/shared/tenants'
import { compareVersions } from '@sync/shared/version'
import { mapToFlow } from './map-to-flow.ts'
import { type MappedField, mapAddresses, mapContacts, mapFields, omniumKindOf } from './map-to-omnium.ts'
import { type MergedElements, mergeElements } from './merge-elements.ts'
import { storedVersion } from './sync-properties.ts'

/** What a write of Flow's customer changes at Omnium's. */
export interface Comparison {
  readonly fields: readonly MappedField[]
  /** The lists that differ. */
  readonly lists: Partial<Readonly<Record<ElementList, MergedElements>>>
  /** The lists that a write leaves as they are, whatever Flow says, because they can't be read. */
  readonly left: readonly ElementList[]
}

/**
 * Compares Flow's customer with Omnium's record of the same kind. While we never wrote that record, a field whose Flow
 * field is what we make of the record counts as equal, and so does one that no Flow field says: what we created in Flow
 * comes back and changes nothing. Once anything really differs, everything that isn't equal does, so that a write leaves
 * nothing to be written again.
 *
 * A field of Omnium's that can't be read differs from each value of Flow's that we have not written yet, because an edit in Flow
 * would be lost otherwise. Such a field is never cleared. An address or a list is left as it is if it holds an unreadable value that
 * Flow does not replace.
 */
export function compareCustomers(
  kind: OmniumKind,
  flow: FlowCustomer,
  omnium: OmniumCustomer,
  tenant: Tenant,
): Comparison {
  const isNew = !isWritten(flow, omnium, tenant)
  const mapped = mapFields(kind, flow, tenant)
  const replaced = isNew ? mapped.filter(({ field, value }) => isUnreadable(omnium, field) && value !== null) : []
  const differing = new Set([...differingFields(mapped, omnium, tenant), ...replaced])
  const fields = sendable(
    mapped.filter((it) => differing.has(it)),
    omnium,
  )
  const { lists, left } = kind === 'B2B' ? compareLists(flow, omnium, tenant, isNew) : { lists: {}, left: [] }
  if (storedVersion(omnium, tenant) !== null) return { fields, lists, left }
  const edited = editedSinceCreated(kind, omnium, tenant, fields).length > 0 || Object.keys(lists).length > 0
  return edited ? { fields, lists, left } : { fields: [], lists: {}, left }
}

/** Whether our last write brought this version of Flow's customer. */
function isWritten(flow: FlowCustomer, omnium: OmniumCustomer, tenant: Tenant): boolean {
  const stored = storedVersion(omnium, tenant)
  return stored !== null && Boolean(flow.lastModifiedAt) && compareVersions(flow.lastModifiedAt, stored) <= 0
}

/** Of `mapped` the fields that Omnium answers with another value. */
export const differingFields = (
  mapped: readonly MappedField[],
  omnium: OmniumCustomer,
  tenant: Tenant,
): MappedField[] =>
  mapped.filter(
    ({ field, value }) =>
      !isUnreadable(omnium, field) && !sameMeaning(field, valueAt(omnium, field), value, tenant.countryCode),
  )

/** Without the fields of an address that holds an unreadable value, because a write replaces the address whole. */
function sendable(fields: readonly MappedField[], omnium: OmniumCustomer): readonly MappedField[] {
  const names = new Set(fields.map(({ field }) => field))
  const isLeft =
    isUnreadable(omnium, 'address') ||
    unsendableOf(omnium.address ?? {}).some((inner) => !names.has(`address.${inner}`))
  return isLeft ? fields.filter(({ field }) => !field.startsWith('address.')) : fields
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

/**
 * Names of the fields and lists of Omnium's record that could not be read, and of lists that were null. A list that Omnium leaves
 * out is named if elements of ours should stand in the list.
 */
export const unreadableInOmnium = (flow: FlowCustomer, omnium: OmniumCustomer, tenant: Tenant): string[] => [
  ...new Set([...unreadableOf(omnium), ...ELEMENT_LISTS.filter((list) => isHidden(list, flow, omnium, tenant))]),
]

/**
 * Names of the fields and lists of Flow's customer that could not be read, and of lists that were null or in which elements of one
 * uid differ.
 */
export const unreadableInFlow = (flow: FlowCustomer): string[] => [
  ...new Set([
    ...unreadableOf(flow),
    ...ELEMENT_LISTS.filter((list) => flow[list] && MAPPED[list](flow) === undefined),
  ]),
]

const MAPPED = { contacts: mapContacts, addresses: mapAddresses }

/** Whether Omnium makes no statement about a list that holds elements of ours as far as we know. */
function isHidden(list: ElementList, flow: FlowCustomer, omnium: OmniumCustomer, tenant: Tenant): boolean {
  if (holdsUnreadable(omnium, list)) return true
  const written = storedElementIds(omnium, tenant)[list]
  return isUnstated(omnium, list) && (MAPPED[list](flow) ?? []).some(({ id }) => written.includes(id))
}

function compareLists(
  flow: FlowCustomer,
  omnium: OmniumCustomer,
  tenant: Tenant,
  isNew: boolean,
): Pick<Comparison, 'lists' | 'left'> {
  const written = storedElementIds(omnium, tenant)
  const lists: Partial<Record<ElementList, MergedElements>> = {}
  const left: ElementList[] = []
  for (const list of ELEMENT_LISTS) {
    const mapped = MAPPED[list](flow)
    if (mapped === undefined) continue
    if (isHidden(list, flow, omnium, tenant)) {
      left.push(list)
      continue
    }
    const merged = mergeElements(
      omnium[list] ?? [],
      mapped,
      written[list],
      ELEMENT_ID_FIELD[list],
      tenant.countryCode,
      isNew,
    )
    if (merged.differs && merged.isSendable) lists[list] = merged
    else if (merged.differs) left.push(list)
  }
  return { lists, left }
}

function valueAt(omnium: OmniumCustomer, field: string): string | null | undefined {
  const [first = '', second] = field.split('.')
  const value = omnium[first] as Record<string, string | null> | string | null | undefined
  return second === undefined ? (value as string | null) : (value as Record<string, string | null> | null)?.[second]
}
