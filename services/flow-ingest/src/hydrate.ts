import type { FlowClient } from '@sync/shared/flow/client'
import type { FlowOrder } from '@sync/shared/flow/schema'
import type { Call } from '@sync/shared/http/call'
import { fieldOf, idOf } from '@sync/shared/http/event-fields'
import { rawOf } from '@sync/shared/http/reading'
import { createHydration, type Found, readingKnown, traceOf } from '@sync/shared/hydrate'
import type { HydratorPorts } from '@sync/shared/ingest'
import { keyOf, type Publisher } from '@sync/shared/kafka/publisher'
import type { StreamHandler } from '@sync/shared/stream'

export interface FlowHydratorPorts extends Partial<Omit<HydratorPorts, 'known'>>, Pick<HydratorPorts, 'known'> {
  readonly flow: Pick<FlowClient, 'getCustomer' | 'getOrder' | 'proveAbsent'>
  readonly publisher: Publisher
}

/** Reads what Flow's notifications name and publishes it as `flow.customers` and `flow.orders`. */
export function createFlowHydrator({
  flow,
  publisher,
  known,
  learning,
  missed,
}: FlowHydratorPorts): StreamHandler<'flow.notifications.v1'> {
  const findCustomer = async (call: Call, id: string): Promise<Found | null> => {
    const customer = await flow.getCustomer(call, id)
    if (customer === null) return null
    return {
      kind: null,
      version: customer.lastModifiedAt ?? null,
      body: rawOf(customer),
      publish: (envelope) =>
        publisher.publish(
          'flow.customers.v1',
          [{ ...traceOf(call), key: keyOf(call.tenant.uid, id), value: { ...envelope, customer: rawOf(customer) } }],
          call.fence,
        ),
    }
  }

  const findOrder = async (call: Call, id: string): Promise<Found | null> => {
    const order = await flow.getOrder(call, id)
    if (order === null) return null
    return {
      kind: null,
      version: order.lastModifiedAt ?? order.createdAt ?? null,
      body: rawOf(order),
      publish: (envelope) =>
        publisher.publish(
          'flow.orders.v1',
          [
            {
              ...traceOf(call),
              key: keyOf(call.tenant.uid, customerOf(order) ?? id),
              value: { ...envelope, order: rawOf(order) },
            },
          ],
          call.fence,
        ),
    }
  }

  return {
    service: 'flow-ingest',
    topics: ['flow.notifications.v1'],
    ...createHydration({
      target: 'flow',
      known,
      learning,
      missed,
      isOwnUser: ({ flow }, user) => user === flow.apiUser,
      find(call, notification) {
        const { entity, id } = notification
        const reading = readingKnown(call, known, notification, null)
        return entity === 'customer' ? findCustomer(reading, id) : findOrder(reading, id)
      },
      proveAbsent: (call, { entity, id }, evidence) => flow.proveAbsent(call, entity, id, evidence),
      erase: (call, key) =>
        publisher.publish('flow.customers.v1', [{ ...traceOf(call), key, value: null }], call.fence),
    }),
  }
}

/** The order's customer, as `customerUid` or within `customer`; null when it names none. */
export function customerOf(order: FlowOrder): string | null {
  const { customer } = order
  return idOf(order.customerUid) ?? idOf(fieldOf(customer, 'customerUid')) ?? idOf(fieldOf(customer, 'uid'))
}
