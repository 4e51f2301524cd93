import type { FlowCustomer } from '@sync/shared/flow/schema'
import type { OmniumCustomer, OmniumKind } from '@sync/shared/omnium/schema'
import type { Outcome } from '@sync/shared/outcome'
import type { Delivery } from '@sync/shared/stream'
import {
  aContext,
  aDelivery,
  aFlowSnapshot,
  anOmniumSnapshot,
  anOrderSnapshot,
  aTenant,
  type DeliveryFields,
} from '@sync/shared/testing/builders'
import { createFakeFlow, type FakeFlowOptions } from '@sync/shared/testing/fake-flow'
import { createFakeOmnium, type FakeOmniumOptions } from '@sync/shared/testing/fake-omnium'
import { createFakePublisher } from '@sync/shared/testing/fake-publisher'
import type { MapperTopic } from '../classify.ts'
import { createCustomerMapper } from '../handler.ts'

export interface PeerModes {
  readonly flow?: FakeFlowOptions
  readonly omnium?: FakeOmniumOptions
}

/** Both peers in memory and a mapper between them; nothing moves until a test hands a record over. */
export function createWorld(tenantFields: Record<string, unknown> = {}, modes: PeerModes = {}) {
  const tenant = aTenant(tenantFields)
  const flow = createFakeFlow(modes.flow)
  const omnium = createFakeOmnium(modes.omnium)
  const publisher = createFakePublisher()
  const started = () =>
    createCustomerMapper({ flow, omnium, publisher }, { requestDeadlineMs: 8_000, random: () => 0.5 })
  let mapper = started()
  const start = aContext({ tenant })
  let nowMs = start.now()
  const context = { ...start, now: () => nowMs }

  const handle = (...deliveries: Delivery<MapperTopic>[]) => mapper.handle(deliveries, context)
  const one = async (delivery: Delivery<MapperTopic>): Promise<Outcome> => (await handle(delivery))[0] as Outcome

  return {
    tenant,
    flow,
    omnium,
    publisher,
    get mapper() {
      return mapper
    },
    /** The same peers, and a process that remembers nothing. */
    restarted() {
      mapper = started()
      return this
    },
    context,
    handle,
    pass(ms: number) {
      nowMs += ms
    },
    writes: () => [...flow.writes(), ...omnium.writes()],
    forget() {
      flow.forget()
      omnium.forget()
      publisher.forget()
    },
    flowRecord: (customer: FlowCustomer, fields: DeliveryFields = {}) =>
      aDelivery('flow.customers.v1', aFlowSnapshot(customer, {}, tenant), {
        tenant,
        id: customer.customerUid,
        ...fields,
      }),
    /** A snapshot of Flow's customer in its place, as it is now unless given. */
    fromFlow(uid: string, customer = flow.customer(uid) as FlowCustomer, fields: DeliveryFields = {}) {
      return one(this.flowRecord(customer, { id: uid, ...fields }))
    },
    orderRecord: (order: Record<string, unknown>, fields: DeliveryFields = {}) =>
      aDelivery('omnium.orders.v1', anOrderSnapshot(order, tenant), {
        tenant,
        id: String(order.customerId),
        ...fields,
      }),
    fromOrder(order: Record<string, unknown>, fields: DeliveryFields = {}) {
      return one(this.orderRecord(order, fields))
    },
    /** A snapshot of Omnium's customer in its place, as it is now unless given. */
    fromOmnium(
      kind: OmniumKind,
      id: string,
      fields: DeliveryFields = {},
      customer = omnium.customer(kind, id) as OmniumCustomer,
    ) {
      const value = anOmniumSnapshot(kind, customer, {}, tenant)
      return one(aDelivery('omnium.customers.v1', value, { tenant, id, ...fields }))
    },
  }
}
