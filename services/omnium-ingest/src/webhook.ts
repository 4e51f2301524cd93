import type { Notification } from '@sync/shared/contracts/notification'
import { fieldOf, idOf, idsOf, invalid, type ParseEvent } from '@sync/shared/http/event-fields'

/** By `className` in lower case. What isn't here is no customer and no order: accepted, and not ours to follow. */
const CLASSES: Readonly<Record<string, Pick<Notification, 'entity' | 'kind'>>> = {
  order: { entity: 'order', kind: null },
  privatecustomer: { entity: 'customer', kind: 'B2C' },
  businesscustomer: { entity: 'customer', kind: 'B2B' },
  customer: { entity: 'customer', kind: null },
}

const parserOf =
  (via: 'webhook' | 'events-topic'): ParseEvent =>
  (body, tenant, receivedAt) => {
    const className = fieldOf(body, 'className')
    if (typeof className !== 'string' || className === '') return invalid('className is missing')
    const name = className.toLowerCase()
    const what = Object.hasOwn(CLASSES, name) ? CLASSES[name] : undefined
    if (what === undefined) return { kind: 'ignored' }
    const id = idOf(fieldOf(body, 'objectId'))
    if (id === null) return invalid('objectId is missing or is not an id')
    const category = fieldOf(body, 'category')
    const action = typeof category === 'string' ? category : null
    const users = idsOf([fieldOf(body, 'user'), fieldOf(body, 'userId')])
    return {
      kind: 'notification',
      notification: { tenant, ...what, id, via, action, users, version: null, repair: false, receivedAt },
    }
  }

/** Reads Omnium's thin event as its webhook sends it. */
export const parseOmniumWebhook = parserOf('webhook')
/** Reads the same event from a tenant's `omnium.eventsTopic`. */
export const parseOmniumTopicEvent = parserOf('events-topic')
