import { setTimeout as delay } from 'node:timers/promises'
import type { Notification } from '@sync/shared/contracts/notification'
import type { Call } from '@sync/shared/http/call'
import { idOf } from '@sync/shared/http/event-fields'
import { rawOf } from '@sync/shared/http/reading'
import { createHydration, type Found, traceOf } from '@sync/shared/hydrate'
import type { HydratorPorts } from '@sync/shared/ingest'
import { keyOf, type Publisher } from '@sync/shared/kafka/publisher'
import type { OmniumClient } from '@sync/shared/omnium/client'
import type { OmniumKind } from '@sync/shared/omnium/schema'
import type { StreamHandler } from '@sync/shared/stream'

export interface OmniumHydratorPorts extends Partial<Omit<HydratorPorts, 'known'>>, Pick<HydratorPorts, 'known'> {
  readonly omnium: Pick<OmniumClient, 'getCustomer' | 'getOrder'>
  readonly publisher: Publisher
}

/** Reads what Omnium's notifications name and publishes it as `omnium.customers` and `omnium.orders`. */
export function createOmniumHydrator(ports: OmniumHydratorPorts): StreamHandler<'omnium.notifications.v1'> {
  const { omnium, publisher, known, learned, missed } = ports

  const customerOf = async (call: Call, kind: OmniumKind, id: string): Promise<Found | null> => {
    const customer = await omnium.getCustomer(call, kind, id)
    if (customer === null) return null
    return {
      kind,
      version: customer.modified ?? null,
      body: rawOf(customer),
      publish: (envelope) =>
        publisher.publish(
          'omnium.customers.v1',
          [
            {
              ...traceOf(call),
              key: keyOf(call.tenant.uid, id),
              value: { ...envelope, kind, customer: rawOf(customer) },
            },
          ],
          call.fence,
        ),
    }
  }

  /** The other kind is tried too: an event's class may be wrong, and one tombstone would stand for both. */
  const findCustomer = async (call: Call, { kind, id }: Notification): Promise<Found | null> => {
    const first = kind ?? 'B2C'
    return (await customerOf(call, first, id)) ?? (await customerOf(call, first === 'B2C' ? 'B2B' : 'B2C', id))
  }

  const findOrder = async (call: Call, { id }: Notification): Promise<Found | null> => {
    const order = await omnium.getOrder(call, id)
    if (order === null) return null
    return {
      kind: null,
      version: order.modified ?? null,
      body: rawOf(order),
      publish: (envelope) =>
        publisher.publish(
          'omnium.orders.v1',
          [
            {
              ...traceOf(call),
              key: keyOf(call.tenant.uid, idOf(order.customerId) ?? id),
              value: { ...envelope, order: rawOf(order) },
            },
          ],
          call.fence,
        ),
    }
  }

  return {
    service: 'omnium-ingest',
    topics: ['omnium.notifications.v1'],
    ...createHydration({
      target: 'omnium',
      known,
      learned,
      missed,
      apiUser: (tenant) => tenant.omnium.apiUser,
      find: (call, notification) =>
        notification.entity === 'customer' ? findCustomer(call, notification) : findOrder(call, notification),
      // `modified` is a field that whoever writes a customer may set, also to an earlier time.
      beforeSecondRead: (ms, signal) => delay(ms, undefined, { signal }),
      erase: (call, key) =>
        publisher.publish('omnium.customers.v1', [{ ...traceOf(call), key, value: null }], call.fence),
    }),
  }
}
