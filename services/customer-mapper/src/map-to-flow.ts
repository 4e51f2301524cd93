import { isUnreadable } from '@sync/shared/http/reading'
import type { OmniumCustomer, OmniumKind } from '@sync/shared/omnium/schema'
import type { Tenant } from '@sync/shared/tenants'
import { text } from './emptiness.ts'
import type { FlowField } from './map-to-omnium.ts'
import { linkedUid } from './sync-properties.ts'

/** What a Flow customer made from an Omnium customer holds; empty fields are left out. */
export type FlowFields = Partial<Record<FlowField, string>>

/** The loyalty id among the external ids: by the tenant's own key alone when set, else the first that Voyado's names find. */
export function loyaltyIdOf(customer: OmniumCustomer, tenant: Tenant): string | null {
  const { OMNIUM_CUSTOMER_LOYALTY_ID_PROPERTY_KEY: key, OMNIUM_CUSTOMER_MARKET_GROUP_ID: marketGroupId } =
    tenant.parameters
  const group = marketGroupId ?? text(customer.marketGroupId)
  const providers =
    key === undefined ? ['Voyado', 'VoyadoContactId', ...(group ? [`${group}_VoyadoContactId`] : [])] : [key]
  const named = (customer.externalIds ?? []).map(({ providerName, source, id, value }) => ({
    provider: text(providerName) ?? text(source),
    id: text(id) ?? text(value),
  }))
  for (const wanted of providers) {
    const id = named.find((entry) => entry.provider === wanted && entry.id)?.id
    if (id) return id
  }
  return null
}

/** The fields that Omnium's customer has a value for, by Flow's names. */
export function mapToFlow(kind: OmniumKind, customer: OmniumCustomer, tenant: Tenant): FlowFields {
  const address = customer.address ?? {}
  // An address that can't be read may have one of its own.
  const ofAddressElse = (field: 'email' | 'phone') =>
    isUnreadable(customer, `address.${field}`) ? undefined : text(address[field]) || text(customer[field])
  const fields = {
    ...(kind === 'B2C'
      ? {
          firstname: text(customer.firstName),
          lastname: text(customer.lastName),
          email: text(customer.email),
          mobile: text(customer.phone),
        }
      : {
          companyName: text(customer.name),
          email: ofAddressElse('email'),
          mobile: ofAddressElse('phone'),
          vatNumber: text(customer.taxId),
        }),
    address: text(address.line1),
    city: text(address.city),
    postalCode: text(address.postalCode),
    countryCode: text(address.countryCode),
    loyaltyId: loyaltyIdOf(customer, tenant),
  }
  return Object.fromEntries(Object.entries(fields).filter(([, value]) => value)) as FlowFields
}

/** The body that creates an Omnium customer in Flow, already linked by its `externalId`. */
export function newFlowCustomer(
  kind: OmniumKind,
  customer: OmniumCustomer,
  tenant: Tenant,
): Record<string, string> & { customerUid: string } {
  return {
    customerUid: linkedUid(customer, tenant) ?? customer.customerId,
    customerType: kind === 'B2C' ? 'PERSON' : 'COMPANY',
    externalId: customer.customerId,
    ...(kind === 'B2C' && { firstname: '-', lastname: '-' }),
    ...mapToFlow(kind, customer, tenant),
  }
}
