import type { ValueOf } from '../contracts/contracts.ts'
import { FlowCustomer } from '../flow/schema.ts'
import type { Call } from '../http/call.ts'
import { keyOf } from '../kafka/publisher.ts'
import type { ContractTopic } from '../kafka/topics.ts'
import { OmniumCustomer } from '../omnium/schema.ts'
import type { Delivery, HandlerContext, LaneWhy } from '../stream.ts'
import { Tenant } from '../tenants.ts'

type Fields = Record<string, unknown>

/** The tenant `acme` in `NO`, without parameters: what a test names is what matters to it. */
export const aTenant = (fields: Fields = {}): Tenant =>
  Tenant.parse({
    uid: 'acme',
    countryCode: 'NO',
    webhookSecrets: ['a-webhook-secret'],
    flow: { baseUrl: 'https://flow.example', token: 'a-token' },
    omnium: { baseUrl: 'https://omnium.example', clientId: 'a-client', clientSecret: 'a-client-secret' },
    ...fields,
  })

/** A person with nothing but an id and a version. */
export const aPerson = (fields: Fields = {}): FlowCustomer =>
  FlowCustomer.parse({ customerUid: '1000', customerType: 'PERSON', lastModifiedAt: '2026-01-01T10:00:00Z', ...fields })

/** A company with nothing but an id and a version. */
export const aCompany = (fields: Fields = {}): FlowCustomer =>
  FlowCustomer.parse({
    customerUid: '2000',
    customerType: 'COMPANY',
    lastModifiedAt: '2026-01-01T10:00:00Z',
    ...fields,
  })

/** An Omnium customer of either kind with nothing but an id. */
export const anOmniumCustomer = (fields: Fields = {}): OmniumCustomer =>
  OmniumCustomer.parse({ customerId: '1000', ...fields })

export const aCall = (fields: Partial<Call> = {}): Call => {
  const tenant = fields.tenant ?? aTenant()
  return { tenant, key: keyOf(tenant.uid, '1000'), signal: new AbortController().signal, fence: () => {}, ...fields }
}

export const aContext = ({
  now = Date.parse('2026-02-01T00:00:00Z'),
  ...call
}: Partial<Call> & { now?: number } = {}) => ({ call: aCall(call), now: () => now }) satisfies HandlerContext

const envelopeOf = (tenant: Tenant, id: string, version: string | null | undefined) => ({
  tenant: tenant.uid,
  id,
  version: version ?? null,
  fetchedAt: '2026-02-01T00:00:00.000Z',
  notifiedAt: '2026-01-01T12:00:00.000Z',
  repair: false,
})

/** The value of `flow.customers.v1` for a customer. */
export const aFlowSnapshot = (
  customer: FlowCustomer,
  fields: Fields = {},
  tenant = aTenant(),
): ValueOf<'flow.customers.v1'> => ({
  ...envelopeOf(tenant, customer.customerUid, customer.lastModifiedAt),
  customer,
  ...fields,
})

/** The value of `omnium.customers.v1` for a customer. */
export const anOmniumSnapshot = (
  kind: 'B2C' | 'B2B',
  customer: OmniumCustomer,
  fields: Fields = {},
  tenant = aTenant(),
): ValueOf<'omnium.customers.v1'> => ({
  ...envelopeOf(tenant, customer.customerId, customer.modified),
  kind,
  customer,
  ...fields,
})

/** The value of `omnium.orders.v1` for an order. */
export const anOrderSnapshot = (order: Fields = {}, tenant = aTenant()): ValueOf<'omnium.orders.v1'> => {
  const full = { id: 'order-1', customerId: '1000', customerType: 'B2C', modified: '2026-01-01T11:00:00Z', ...order }
  return { ...envelopeOf(tenant, full.id, full.modified), order: full }
}

export interface DeliveryFields {
  readonly tenant?: Tenant
  readonly id?: string
  readonly partition?: number
  readonly offset?: bigint
  readonly lane?: LaneWhy | null
  readonly repair?: boolean
  readonly attempts?: number
  readonly firstSeenAt?: number
}

/** A record of `topic` as the runtime hands it over: live, first attempt. `id` is the key's, `1000` unless told. */
export function aDelivery<T extends ContractTopic>(
  topic: T,
  value: ValueOf<T> | null,
  { tenant = aTenant(), id = '1000', partition = 0, offset = 0n, ...fields }: DeliveryFields = {},
): Delivery<T> {
  return {
    topic,
    origin: { topic, partition, offset },
    key: keyOf(tenant.uid, id),
    tenant,
    id,
    value,
    lane: null,
    repair: false,
    attempts: 0,
    firstSeenAt: Date.parse('2026-02-01T00:00:00Z'),
    traceparent: undefined,
    ...fields,
  } as unknown as Delivery<T>
}
