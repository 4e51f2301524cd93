import { setTimeout as delay } from 'node:timers/promises'
import type { Notification } from '@sync/shared/contracts/notification'
import type { Call } from '@sync/shared/http/call'
import { idOf } from '@sync/shared/http/event-fields'
import { rawOf } from '@sync/shared/http/reading'
import { createHydration, type Found, readingKnown, traceOf } from '@sync/shared/hydrate'
import type { HydratorPorts } from '@sync/shared/ingest'
import { keyOf, type Publisher } from '@sync/shared/kafka/publisher'
import { isOmniumApiUser } from '@sync/shared/omnium/api-users'
import type { OmniumClient } from '@sync/shared/omnium/client'
import type { OmniumKind } from '@sync/shared/omnium/schema'
import type { StreamHandler } from '@sync/shared/stream'

export interface OmniumHydratorPorts extends Partial<Omit<HydratorPorts, 'known'>>, Pick<HydratorPorts, 'known'> {
  readonly omnium: Pick<OmniumClient, 'getCustomer' | 'getOrder' | 'proveAbsent'>
  readonly publisher: Publisher
}

/** Reads what Omnium's notifications name and publishes it as `omnium.customers` and `omnium.orders`. */
export function createOmniumHydrator(ports: OmniumHydratorPorts): StreamHandler<'omnium.notifications.v1'> {
  const { omnium, publisher, known, learning, missed } = ports

  const customerOf = async (call: Call, kind: OmniumKind, notification: Notification): Promise<Found | null> => {
    const { id } = notification
    const customer = await omnium.getCustomer(readingKnown(call, known, notification, kind), kind, id)
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
  const findCustomer = async (call: Call, notification: Notification): Promise<Found | null> => {
    const first = notification.kind ?? 'B2C'
    const other = first === 'B2C' ? 'B2B' : 'B2C'
    return (await customerOf(call, first, notification)) ?? (await customerOf(call, other, notification))
  }

  const findOrder = async (call: Call, notification: Notification): Promise<Found | null> => {
    const { id } = notification
    const order = await omnium.getOrder(readingKnown(call, known, notification, null), id)
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
      learning,
      missed,
      isOwnUser: isOmniumApiUser,
      find: (call, notification) =>
        notification.entity === 'customer' ? findCustomer(call, notification) : findOrder(call, notification),
      // `modified` is a field that whoever writes a customer may set, also to an earlier time.
      beforeSecondRead: (ms, signal) => delay(ms, undefined, { signal }),
      async proveAbsent(call, { entity, id }, evidence) {
        const kinds = entity === 'order' ? (['order'] as const) : (['B2C', 'B2B'] as const)
        for (const kind of kinds) await omnium.proveAbsent(call, kind, id, evidence)
      },
      erase: (call, key) =>
        publisher.publish('omnium.customers.v1', [{ ...traceOf(call), key, value: null }], call.fence),
    }),
  }
}
