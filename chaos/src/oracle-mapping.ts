import type { Fields } from '@sync/sandbox/fields'
import type { PlannedTenant } from './operations.ts'
import { plain } from './plain.ts'

/**
 * The field tables once more, written down for the oracle alone. An empty text, null and nothing are the same here.
 * Source: docs.flowretail.com, Omnium OMS integration, Customers.
 */

/** `shop`: what the web shop's own record held before. */
export function omniumPerson(tenant: PlannedTenant, id: string, flow: Fields, shop: Fields = {}): Fields {
  return {
    ...shop,
    customerId: id,
    firstName: nameInOmnium(flow.firstname),
    lastName: nameInOmnium(flow.lastname),
    email: flow.email,
    phone: flow.mobile,
    address: {
      ...(shop.address as Fields),
      line1: flow.address,
      city: flow.city,
      postalCode: flow.postalCode,
      countryCode: tenant.countryCode,
    },
    customerNumber: flow.loyaltyId,
    marketGroupId: tenant.marketGroupId,
  }
}

export function omniumCompany(tenant: PlannedTenant, id: string, flow: Fields, shop: Fields = {}): Fields {
  return {
    ...shop,
    customerId: id,
    name: flow.companyName,
    email: flow.email,
    phone: flow.mobile,
    taxId: flow.vatNumber,
    address: {
      ...(shop.address as Fields),
      name: flow.companyName,
      line1: flow.address,
      city: flow.city,
      postalCode: flow.postalCode,
      countryCode: flow.countryCode,
    },
    customerNumber: flow.loyaltyId,
    marketGroupId: tenant.marketGroupId,
    contacts: [
      ...((shop.contacts as Fields[]) ?? []),
      ...((flow.contacts as Fields[]) ?? []).map((contact) => ({
        id: contact.customerContactUid,
        firstName: contact.firstname,
        lastName: contact.lastname,
        email: contact.email,
        phone: contact.mobile,
        privateCustomerId: id,
      })),
    ],
    addresses: ((flow.addresses as Fields[]) ?? []).map((address) => ({
      externalId: address.customerAddressUid,
      name: address.companyName ?? [address.firstname, address.lastname].filter(Boolean).join(' '),
      line1: address.address,
      city: address.city,
      postalCode: address.postalCode,
      countryCode: address.countryCode,
      email: address.email,
      phone: address.phone,
      purposes: [address.type],
    })),
  }
}

/** What the web shop's edit of Flow's `fields`, none of which it empties, changes in its own record. */
export function editOfOmnium(fields: Fields, before: Fields): Fields {
  const { email, mobile, lastname, address: line1, city, postalCode } = fields
  return {
    ...plain({ email, phone: mobile, lastName: lastname }),
    // Nested objects are replaced whole.
    address: { ...(before.address as Fields), ...plain({ line1, city, postalCode }) },
  }
}

export function flowFromOmnium(type: 'B2C' | 'B2B', omnium: Fields): Fields {
  const address = (omnium.address ?? {}) as Fields
  const loyalty = ((omnium.externalIds as Fields[]) ?? []).find(({ providerName }) => providerName === 'Voyado')
  return {
    ...(type === 'B2C'
      ? { customerType: 'PERSON', firstname: nameInFlow(omnium.firstName), lastname: nameInFlow(omnium.lastName) }
      : { customerType: 'COMPANY', companyName: omnium.name, vatNumber: omnium.taxId }),
    email: omnium.email,
    mobile: omnium.phone,
    address: address.line1,
    city: address.city,
    postalCode: address.postalCode,
    countryCode: address.countryCode,
    loyaltyId: loyalty?.id,
  }
}

const nameInFlow = (name: unknown) => (name === undefined || name === null || name === '' ? '-' : name)
const nameInOmnium = (name: unknown) => (name === '-' ? '' : name)
