import { type FlowAddress, type FlowContact, type FlowCustomer, flowKind } from '@sync/shared/flow/schema'
import { isUnreadable } from '@sync/shared/http/reading'
import type { OmniumKind } from '@sync/shared/omnium/schema'
import type { Tenant } from '@sync/shared/tenants'
import { type Mapped, text } from './emptiness.ts'

export type FlowField =
  | 'firstname'
  | 'lastname'
  | 'companyName'
  | 'email'
  | 'mobile'
  | 'address'
  | 'city'
  | 'postalCode'
  | 'countryCode'
  | 'vatNumber'
  | 'loyaltyId'

/** One field of an Omnium customer and what Flow, or the tenant, says it is. */
export interface MappedField {
  /** Omnium's name for it, `address.city` for one inside the address. */
  readonly field: string
  /** The Flow field that it comes from; null when it comes from the tenant. */
  readonly from: FlowField | null
  /** null clears. */
  readonly value: string | null
}

/** A contact or an address, by Flow's uid for it. */
export interface MappedElement {
  readonly id: string
  /** Omnium's fields, without those that Flow leaves out. */
  readonly fields: Readonly<Record<string, string | null | readonly string[]>>
}

interface Row {
  readonly field: string
  readonly from: FlowField | null
  readonly value: (customer: FlowCustomer, tenant: Tenant) => Mapped
}

const from = (field: string, flowField: FlowField): Row => ({
  field,
  from: flowField,
  value: (customer) => text(customer[flowField]),
})
const fromTenant = (field: string, value: (tenant: Tenant) => string | undefined): Row => ({
  field,
  from: null,
  value: (_customer, tenant) => value(tenant),
})

const COMMON: readonly Row[] = [
  from('email', 'email'),
  from('phone', 'mobile'),
  from('address.line1', 'address'),
  from('address.city', 'city'),
  from('address.postalCode', 'postalCode'),
  from('customerNumber', 'loyaltyId'),
  fromTenant('marketGroupId', (tenant) => tenant.parameters.OMNIUM_CUSTOMER_MARKET_GROUP_ID),
]

/** The mapping of API-FACTS, without ids, lists and what is sent but not compared. */
const ROWS: Readonly<Record<OmniumKind, readonly Row[]>> = {
  B2C: [
    from('firstName', 'firstname'),
    from('lastName', 'lastname'),
    fromTenant('address.countryCode', (tenant) => tenant.countryCode),
    ...COMMON,
  ],
  B2B: [
    from('name', 'companyName'),
    from('taxId', 'vatNumber'),
    from('address.countryCode', 'countryCode'),
    from('address.name', 'companyName'),
    ...COMMON,
  ],
}

/** Which of Omnium's customers a Flow customer is; null for any other type. */
export function omniumKindOf(customer: FlowCustomer): OmniumKind | null {
  const kind = flowKind(customer)
  return kind === null ? null : kind === 'PERSON' ? 'B2C' : 'B2B'
}

/** The compared fields, without those that Flow leaves out. */
export function mapFields(kind: OmniumKind, customer: FlowCustomer, tenant: Tenant): MappedField[] {
  return ROWS[kind].flatMap(({ field, from, value }) => {
    const mapped = value(customer, tenant)
    return mapped === undefined ? [] : [{ field, from, value: mapped }]
  })
}

/**
 * What is sent with every write but never compared: `fullName`, which Omnium calculates, and a private customer's
 * created / modified / modifiedBy. A time that Flow doesn't name never clears Omnium's.
 */
export function mapUncompared(kind: OmniumKind, customer: FlowCustomer): Record<string, string | null> {
  if (kind === 'B2B') return {}
  return present({
    fullName: text(customer.displayName),
    created: text(customer.createdAt) ?? undefined,
    modified: text(customer.lastModifiedAt) ?? undefined,
    modifiedBy: text(customer.lastModifiedBy),
  })
}

/** undefined when Flow makes no statement about the list: `mapElements` says when. */
export function mapContacts(customer: FlowCustomer): MappedElement[] | undefined {
  return mapElements(customer.contacts, 'customerContactUid', (contact: FlowContact) => ({
    firstName: text(contact.firstname),
    lastName: text(contact.lastname),
    email: text(contact.email),
    phone: text(contact.mobile),
    privateCustomerId: customer.customerUid,
  }))
}

/** As `mapContacts`. */
export function mapAddresses(customer: FlowCustomer): MappedElement[] | undefined {
  return mapElements(customer.addresses, 'customerAddressUid', (address: FlowAddress) => ({
    line1: text(address.address),
    city: text(address.city),
    postalCode: text(address.postalCode),
    countryCode: text(address.countryCode),
    email: text(address.email),
    phone: text(address.phone),
    name: addressName(address),
    purposes: address.type === undefined ? undefined : [text(address.type)].filter((type) => typeof type === 'string'),
  }))
}

/** Company name, else display name, else first and last name; null only when Flow says that there is none. */
function addressName(address: FlowAddress): Mapped {
  const { companyName, displayName, firstname, lastname } = address
  const person = [firstname, lastname].map(text).filter(Boolean).join(' ')
  const choices = [
    { of: ['companyName'], value: text(companyName) },
    { of: ['displayName'], value: text(displayName) },
    { of: ['firstname', 'lastname'], value: person },
  ]
  for (const { of, value } of choices) {
    // A name that can't be read may be the one that counts.
    if (of.some((field) => isUnreadable(address, field))) return undefined
    if (value) return value
  }
  return [companyName, displayName, firstname, lastname].every((value) => value === undefined) ? undefined : null
}

/**
 * undefined when Flow makes no statement about the list. Then the list is absent, null or unreadable, an element has no uid, or
 * elements of one uid differ after the mapping. An element without a uid could be any element of the list. Of two elements that
 * differ nobody knows which one counts. Elements of one uid that are mapped to the same are one.
 */
function mapElements<E extends FlowContact | FlowAddress>(
  elements: readonly E[] | null | undefined,
  idField: 'customerContactUid' | 'customerAddressUid',
  fields: (element: E) => Record<string, Mapped | readonly string[]>,
): MappedElement[] | undefined {
  if (!elements) return undefined
  const byId = new Map<string, MappedElement>()
  for (const element of elements) {
    const id = text(element[idField] as Mapped)
    if (!id) return undefined
    const mapped = { id, fields: present(fields(element)) }
    const other = byId.get(id)
    if (other !== undefined && !isSameMapped(other, mapped)) return undefined
    byId.set(id, mapped)
  }
  return [...byId.values()]
}

/** Both have their fields in the order of the mapping. */
const isSameMapped = (one: MappedElement, other: MappedElement): boolean =>
  JSON.stringify(one.fields) === JSON.stringify(other.fields)

const present = <V>(fields: Readonly<Record<string, V | undefined>>) =>
  Object.fromEntries(Object.entries(fields).filter(([, value]) => value !== undefined)) as Record<string, V>
