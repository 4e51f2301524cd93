import { z } from 'zod'
import { Count, listedBy } from '../http/listed.ts'
import { createReader, isUnreadable } from '../http/reading.ts'
import { isTime } from '../version.ts'

/**
 * Flow's API v2 as it answers. Optional everywhere and open, because a peer may leave out or add fields: what we don't
 * name is kept. Source: docs.flowretail.com, API v2 (Customer, CustomerContact).
 */
const text = z.string().nullish()
/** An ISO 8601 time or `''`. Any other text is unreadable, because as a version this text would seem older than any time. */
const time = z
  .string()
  .refine((text) => text === '' || isTime(text))
  .nullish()

export const FlowAddress = z.looseObject({
  customerAddressUid: text,
  type: text,
  address: text,
  city: text,
  postalCode: text,
  countryCode: text,
  companyName: text,
  firstname: text,
  lastname: text,
  email: text,
  phone: text,
  displayName: text,
})
export type FlowAddress = z.infer<typeof FlowAddress>

export const FlowContact = z.looseObject({
  customerContactUid: text,
  firstname: text,
  lastname: text,
  email: text,
  mobile: text,
  displayName: text,
})
export type FlowContact = z.infer<typeof FlowContact>

/** `customerType` also comes as `B2B`, which means COMPANY. `lastModifiedAt` (ISO 8601) is the version. */
export const FlowCustomer = z.looseObject({
  customerUid: z.string(),
  customerType: z.string(),
  firstname: text,
  lastname: text,
  companyName: text,
  displayName: text,
  email: text,
  mobile: text,
  address: text,
  city: text,
  postalCode: text,
  countryCode: text,
  vatNumber: text,
  externalId: text,
  loyaltyId: text,
  createdAt: time,
  lastModifiedAt: time,
  lastModifiedBy: text,
  addresses: z.array(FlowAddress).nullish(),
  contacts: z.array(FlowContact).nullish(),
  parentCustomer: z.looseObject({ customerUid: text }).nullish(),
})
export type FlowCustomer = z.infer<typeof FlowCustomer>

/** Every object with a readable uid is a customer; a type that can't be read is `''`. */
export const flowCustomers = createReader(FlowCustomer, {
  idField: 'customerUid',
  defaults: { customerType: '' },
  identifying: {
    addresses: ['customerAddressUid'],
    contacts: ['customerContactUid'],
    parentCustomer: ['customerUid'],
  },
  identified: ['addresses', 'contacts'],
})
/** null for what is no customer. See http/reading.ts for the rules. */
export const readFlowCustomer = (raw: unknown): FlowCustomer | null => flowCustomers.read(raw)

/**
 * The uid of a company's parent; null when it has none. A customer without `parentCustomer` has none, or else the removal of a
 * parent would never be seen. undefined when the parent can't be read: no statement.
 */
export const parentUidOf = (customer: FlowCustomer): string | null | undefined =>
  isUnreadable(customer, 'parentCustomer') ? undefined : customer.parentCustomer?.customerUid || null

export type FlowKind = 'PERSON' | 'COMPANY'

/** PERSON or COMPANY (also called B2B); null for a type that we don't know. */
export function flowKind(customer: { customerType: string }): FlowKind | null {
  const type = customer.customerType.toUpperCase()
  if (type === 'PERSON') return 'PERSON'
  return type === 'COMPANY' || type === 'B2B' ? 'COMPANY' : null
}

export const FlowCustomerPage = z.looseObject({
  items: z.array(listedBy(flowCustomers, 'lastModifiedAt')),
  paging: z.looseObject({ totalCount: Count }).nullish(),
})
export type FlowCustomerPage = z.infer<typeof FlowCustomerPage>

/** An order names its customer as `customerUid`, or as `customer: {customerUid | uid}`. */
export const FlowOrder = z.looseObject({
  orderUid: text,
  customerUid: text,
  createdAt: time,
  lastModifiedAt: time,
  customer: z.unknown().optional(),
  items: z.unknown().optional(),
  deliveryState: text,
})
export type FlowOrder = z.infer<typeof FlowOrder>

/** Flow's documents do not name `orderUid` among the fields of an order. */
export const flowOrders = createReader(FlowOrder, { idField: 'orderUid', isIdRequired: false })
