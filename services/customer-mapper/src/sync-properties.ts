import type { FlowCustomer } from '@sync/shared/flow/schema'
import { rawOf } from '@sync/shared/http/reading'
import type { OmniumCustomer, OmniumKind, OmniumProperty } from '@sync/shared/omnium/schema'
import { propertyPrefix, type Tenant } from '@sync/shared/tenants'
import { type MappedElement, mapAddresses, mapContacts } from './map-to-omnium.ts'
import { idOf, type OmniumElement } from './merge-elements.ts'

/** Flow's uids of the contacts and addresses that our last write brought to Omnium. */
export interface ElementIds {
  readonly contacts: readonly string[]
  readonly addresses: readonly string[]
}

const propertyOf = (customer: OmniumCustomer, key: string): string | null =>
  customer.properties?.find((property) => property.key === key)?.value ?? null

/** The Flow version that our last write brought, `''` when that had none; null when we never wrote this record. */
export const storedVersion = (customer: OmniumCustomer, tenant: Tenant): string | null =>
  propertyOf(customer, `${propertyPrefix(tenant)}LastModifiedAt`)

/** The uid of the Flow customer of this tenant that `<prefix>Uid` names; null when it names none of this tenant. */
export function linkedUid(customer: OmniumCustomer, tenant: Tenant): string | null {
  const value = propertyOf(customer, `${propertyPrefix(tenant)}Uid`)
  const ours = `${tenant.uid}:`
  return value?.startsWith(ours) ? value.slice(ours.length) : null
}

/** `<prefix>Uid` of a Flow customer's counterpart. A uid may have a colon, a tenant's uid has none. */
export const uidProperty = (uid: string, tenant: Tenant) => ({
  key: `${propertyPrefix(tenant)}Uid`,
  value: `${tenant.uid}:${uid}`,
})

/** What can't be read (somebody else wrote it) counts as nothing of ours: never removes an element by mistake. */
export function storedElementIds(customer: OmniumCustomer, tenant: Tenant): ElementIds {
  const value = propertyOf(customer, `${propertyPrefix(tenant)}ElementIds`)
  const ids = parse(value) as Partial<Record<keyof ElementIds, unknown>> | null
  const listOf = (list: unknown) => (Array.isArray(list) ? list.map(String) : [])
  return { contacts: listOf(ids?.contacts), addresses: listOf(ids?.addresses) }
}

/**
 * Our properties after a write of `flow` over `omnium` (null: a new record). A list that Flow leaves out keeps its ids,
 * and a snapshot without a version keeps the version that is there. The id of a removed element stays until a read shows that
 * Omnium no longer has the element: otherwise the element would count as somebody else's.
 */
export function ourProperties(
  kind: OmniumKind,
  flow: FlowCustomer,
  omnium: OmniumCustomer | null,
  tenant: Tenant,
): OmniumProperty[] {
  const prefix = propertyPrefix(tenant)
  const version = flow.lastModifiedAt || (omnium && storedVersion(omnium, tenant)) || ''
  const uid = uidProperty(flow.customerUid, tenant)
  const values = { [uid.key]: uid.value, [`${prefix}LastModifiedAt`]: version }
  if (kind === 'B2B') {
    const stored = omnium ? storedElementIds(omnium, tenant) : { contacts: [], addresses: [] }
    const standing = { contacts: idsOf(omnium?.contacts, 'id'), addresses: idsOf(omnium?.addresses, 'externalId') }
    const idsAfter = (list: keyof ElementIds, mapped: readonly MappedElement[] | undefined) => {
      if (mapped === undefined) return stored[list]
      return [...new Set([...mapped.map(({ id }) => id), ...stored[list].filter((id) => standing[list].has(id))])]
    }
    values[`${prefix}ElementIds`] = JSON.stringify({
      contacts: idsAfter('contacts', mapContacts(flow)),
      addresses: idsAfter('addresses', mapAddresses(flow)),
    } satisfies ElementIds)
  }
  return Object.entries(values).map(([key, value]) => ({
    ...rawOf(omnium?.properties?.find((property) => property.key === key) ?? {}),
    key,
    value,
  }))
}

const idsOf = (list: readonly OmniumElement[] | null | undefined, idField: 'id' | 'externalId'): ReadonlySet<string> =>
  new Set((list ?? []).map((element) => idOf(element, idField)))

function parse(value: string | null): unknown {
  try {
    return value === null ? null : JSON.parse(value)
  } catch {
    return null
  }
}
