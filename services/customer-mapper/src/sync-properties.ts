import { SyncError } from '@sync/shared/errors'
import type { FlowCustomer } from '@sync/shared/flow/schema'
import { sendableOf } from '@sync/shared/http/reading'
import {
  arePropertiesHidden,
  type ElementIds,
  elementIdsKey,
  propertyOf,
  storedElementIds,
} from '@sync/shared/omnium/our-properties'
import { ELEMENT_ID_FIELD, type ElementList } from '@sync/shared/omnium/raw-customer'
import type { OmniumCustomer, OmniumKind, OmniumProperty } from '@sync/shared/omnium/schema'
import { propertyPrefix, type Tenant } from '@sync/shared/tenants'
import { type MappedElement, mapAddresses, mapContacts } from './map-to-omnium.ts'
import { idOf, type OmniumElement } from './merge-elements.ts'

/** The Flow version that our last write brought, `''` when that had none; null when we never wrote this record. */
export const storedVersion = (customer: OmniumCustomer, tenant: Tenant): string | null =>
  propertyOf(customer, `${propertyPrefix(tenant)}LastModifiedAt`)?.value ?? null

/** The uid of the Flow customer of this tenant that `<prefix>Uid` names; null when it names none of this tenant. */
export function linkedUid(customer: OmniumCustomer, tenant: Tenant): string | null {
  const value = propertyOf(customer, `${propertyPrefix(tenant)}Uid`)?.value
  const ours = `${tenant.uid}:`
  return value?.startsWith(ours) ? value.slice(ours.length) : null
}

/** `<prefix>Uid` of a Flow customer's counterpart. A uid may have a colon, a tenant's uid has none. */
export const uidProperty = (uid: string, tenant: Tenant) => ({
  key: `${propertyPrefix(tenant)}Uid`,
  value: `${tenant.uid}:${uid}`,
})

/**
 * Throws SyncError `target-answer-invalid` for a customer whose properties can't be read, because nobody knows then whether we
 * wrote the customer, and for which customer of Flow's it stands.
 */
export function requireReadableProperties(customer: OmniumCustomer, tenant: Tenant): void {
  if (!arePropertiesHidden(customer)) return
  throw new SyncError('target-answer-invalid', 'reading a customer in omnium: properties cannot be read', {
    target: 'omnium',
    tenant: tenant.uid,
  })
}

/**
 * Our properties after a write of `flow` over `omnium` (null: a new record). A list that Flow leaves out, or that the write leaves
 * as it is because it can't be read (`left`), keeps its ids, and a snapshot without a version keeps the version that is there. The
 * id of a removed element stays until a read shows that Omnium no longer has the element: otherwise the element would count as
 * somebody else's.
 */
export function ourProperties(
  kind: OmniumKind,
  flow: FlowCustomer,
  omnium: OmniumCustomer | null,
  tenant: Tenant,
  left: readonly ElementList[] = [],
): OmniumProperty[] {
  const version = flow.lastModifiedAt || (omnium && storedVersion(omnium, tenant)) || ''
  const uid = uidProperty(flow.customerUid, tenant)
  const values = { [uid.key]: uid.value, [`${propertyPrefix(tenant)}LastModifiedAt`]: version }
  if (kind === 'B2B' && !(omnium && arePropertiesHidden(omnium))) {
    const mapped = { contacts: mapContacts(flow), addresses: mapAddresses(flow) }
    const idsAfter = (list: ElementList) =>
      elementIdsAfter(list, left.includes(list) ? undefined : mapped[list], omnium, tenant)
    values[elementIdsKey(tenant)] = JSON.stringify({
      contacts: idsAfter('contacts'),
      addresses: idsAfter('addresses'),
    } satisfies ElementIds)
  }
  return Object.entries(values).map(([key, value]) => ({
    ...sendableOf(omnium?.properties?.find((property) => property.key === key) ?? {}),
    key,
    value,
  }))
}

function elementIdsAfter(
  list: ElementList,
  mapped: readonly MappedElement[] | undefined,
  omnium: OmniumCustomer | null,
  tenant: Tenant,
): readonly string[] {
  const stored = omnium === null ? [] : storedElementIds(omnium, tenant)[list]
  if (mapped === undefined) return stored
  const standing = omnium?.[list]?.map((element: OmniumElement) => idOf(element, ELEMENT_ID_FIELD[list]))
  return [...new Set([...mapped.map(({ id }) => id), ...stored.filter((id) => standing?.includes(id) ?? true)])]
}
