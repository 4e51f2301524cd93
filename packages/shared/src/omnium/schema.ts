import { z } from 'zod'
import { Count, listedBy } from '../http/listed.ts'
import { createReader } from '../http/reading.ts'

/** Omnium's API as it answers, open like Flow's. Source: docs.omnium.no (Customer management, Order API, Generic concepts). */
const text = z.string().nullish()

export const OmniumAddress = z.looseObject({
  line1: text,
  line2: text,
  city: text,
  postalCode: text,
  countryCode: text,
  name: text,
  email: text,
  phone: text,
  externalId: text,
  purposes: z.array(z.string()).nullish(),
})
export type OmniumAddress = z.infer<typeof OmniumAddress>

export const OmniumContact = z.looseObject({
  id: text,
  firstName: text,
  lastName: text,
  email: text,
  phone: text,
  privateCustomerId: text,
})
export type OmniumContact = z.infer<typeof OmniumContact>

export const OmniumProperty = z.looseObject({ key: z.string(), value: text, keyGroup: text, valueType: text })
export type OmniumProperty = z.infer<typeof OmniumProperty>

export const OmniumRelation = z.looseObject({ customerId: text, customerType: text, relationType: text })
export type OmniumRelation = z.infer<typeof OmniumRelation>

/** `{id, providerName}` in Omnium's models, `{value, source}` in a guide. */
export const OmniumExternalId = z.looseObject({ id: text, providerName: text, value: text, source: text })
export type OmniumExternalId = z.infer<typeof OmniumExternalId>

/** Private and business customers in one shape: what a kind lacks is absent. */
export const OmniumCustomer = z.looseObject({
  customerId: z.string(),
  customerNumber: text,
  firstName: text,
  lastName: text,
  fullName: text,
  name: text,
  email: text,
  phone: text,
  taxId: text,
  address: OmniumAddress.nullish(),
  addresses: z.array(OmniumAddress).nullish(),
  contacts: z.array(OmniumContact).nullish(),
  externalIds: z.array(OmniumExternalId).nullish(),
  customerRelations: z.array(OmniumRelation).nullish(),
  properties: z.array(OmniumProperty).nullish(),
  marketId: text,
  marketGroupId: text,
  created: text,
  modified: text,
  modifiedBy: text,
})
export type OmniumCustomer = z.infer<typeof OmniumCustomer>

/** Every object with a readable id is a customer. */
export const omniumCustomers = createReader(OmniumCustomer, {
  idField: 'customerId',
  identifying: {
    addresses: ['externalId'],
    contacts: ['id'],
    externalIds: ['id', 'providerName', 'value', 'source'],
    customerRelations: ['customerId', 'relationType'],
    properties: ['key'],
  },
  lookedUp: ['properties'],
})
/** null for what is no customer. See http/reading.ts for the rules. */
export const readOmniumCustomer = (raw: unknown): OmniumCustomer | null => omniumCustomers.read(raw)

/** Which of Omnium's two customer resources: `B2C` under PrivateCustomers, `B2B` under BusinessCustomers. */
export type OmniumKind = 'B2C' | 'B2B'

export const OmniumOrder = z.looseObject({
  id: z.string(),
  customerId: text,
  customerType: text,
  created: text,
  modified: text,
})
export type OmniumOrder = z.infer<typeof OmniumOrder>
export const omniumOrders = createReader(OmniumOrder, { idField: 'id' })

const searchResult = <Item extends z.ZodType>(item: Item) =>
  z.looseObject({ result: z.array(item).nullish(), totalHits: Count, scrollId: text.catch(null) })
export const OmniumCustomerPage = searchResult(listedBy(omniumCustomers, 'modified'))
export const OmniumOrderPage = searchResult(listedBy(omniumOrders, 'modified'))
