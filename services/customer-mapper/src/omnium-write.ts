import type { FlowCustomer } from '@sync/shared/flow/schema'
import { rawOf } from '@sync/shared/http/reading'
import type { OmniumAddress, OmniumCustomer, OmniumKind, OmniumProperty } from '@sync/shared/omnium/schema'
import type { Tenant } from '@sync/shared/tenants'
import { newerVersion } from '@sync/shared/version'
import type { Comparison } from './differences.ts'
import { type MappedField, mapAddresses, mapContacts, mapFields, mapUncompared } from './map-to-omnium.ts'
import { mergeElements, withoutEmpty } from './merge-elements.ts'
import { ourProperties } from './sync-properties.ts'

export type OmniumBody = Record<string, unknown> & { customerId: string }

/** The body that creates Flow's customer in Omnium, and the names of the compared fields that it sets. */
export function newOmniumCustomer(kind: OmniumKind, flow: FlowCustomer, tenant: Tenant) {
  const fields = mapFields(kind, flow, tenant).filter(({ value }) => value !== null)
  const lists =
    kind === 'B2C'
      ? {}
      : withoutEmpty({
          contacts: mergeElements([], mapContacts(flow) ?? [], [], 'id', tenant.countryCode, false).elements,
          addresses: mergeElements([], mapAddresses(flow) ?? [], [], 'externalId', tenant.countryCode, false).elements,
        })
  const body: OmniumBody = {
    customerId: flow.customerUid,
    ...nested(fields, null),
    ...withoutEmpty(mapUncompared(kind, flow)),
    ...lists,
    properties: ourProperties(kind, flow, null, tenant),
  }
  return { body, changed: [...fields.map(({ field }) => field), ...Object.keys(lists)] }
}

/**
 * The full model that updates a private customer of whom everything could be read: Omnium's customer with what differs laid over it. `created` goes only where
 * Omnium has none, and `modified` only where it is later.
 */
export function overlayPrivate(
  flow: FlowCustomer,
  omnium: OmniumCustomer,
  { fields }: Comparison,
  tenant: Tenant,
): OmniumBody {
  const { created, ...uncompared } = mapUncompared('B2C', flow)
  const modified = newerVersion(omnium.modified, uncompared.modified)
  const ours = ourProperties('B2C', flow, omnium, tenant)
  return {
    // Fields that we don't know go back as Omnium answered them.
    ...rawOf(omnium),
    customerId: omnium.customerId,
    ...nested(fields, omnium.address),
    ...uncompared,
    ...(created && !omnium.created && { created }),
    ...(modified !== null && { modified }),
    properties: propertiesWith(ours, omnium),
  }
}

/**
 * The PATCH that updates a customer: what differs and our properties. Never `customerRelations`, which the relation-manager alone
 * writes, under the same customer at the same time.
 */
export function patchCustomer(
  kind: OmniumKind,
  flow: FlowCustomer,
  omnium: OmniumCustomer,
  { fields, lists, left }: Comparison,
  tenant: Tenant,
): OmniumBody {
  return {
    customerId: omnium.customerId,
    ...nested(fields, omnium.address),
    ...(lists.contacts && { contacts: lists.contacts.elements }),
    ...(lists.addresses && { addresses: lists.addresses.elements }),
    properties: ourProperties(kind, flow, omnium, tenant, left),
  }
}

/** All properties with ours in place of those of the same key. */
function propertiesWith(ours: readonly OmniumProperty[], { properties }: OmniumCustomer): unknown {
  const keys = new Set<unknown>(ours.map(({ key }) => key))
  return [...(properties ?? []).filter(({ key }) => !keys.has(key)).map(rawOf), ...ours]
}

/** Fields by Omnium's nesting. An address is replaced whole by a write, so it carries what stands there already. */
function nested(fields: readonly MappedField[], address: OmniumAddress | null | undefined): Record<string, unknown> {
  const body: Record<string, unknown> = {}
  const inAddress: Record<string, unknown> = {}
  for (const { field, value } of fields) {
    if (field.startsWith('address.')) inAddress[field.slice('address.'.length)] = value
    else body[field] = value
  }
  return Object.keys(inAddress).length === 0
    ? body
    : { ...body, address: { ...(address && rawOf(address)), ...inAddress } }
}
