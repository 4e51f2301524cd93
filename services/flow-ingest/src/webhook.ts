import { fieldOf, idOf, idsOf, invalid, type ParseEvent } from '@sync/shared/http/event-fields'

/** Reads Flow's thin webhook: `action`, and `customer.Uid` or `order.Uid` by the action's first word. */
export const parseFlowWebhook: ParseEvent = (body, tenant, receivedAt) => {
  const action = fieldOf(body, 'action')
  if (typeof action !== 'string' || action === '') return invalid('action is missing')
  const entity = entityOf(action)
  if (entity === null) return { kind: 'ignored' }
  const id = idOf(fieldOf(fieldOf(body, entity), 'Uid'))
  if (id === null) return invalid(`${entity}.Uid is missing or is not an id`)
  const user = fieldOf(body, 'tenantUser')
  const users = idsOf([fieldOf(user, 'Uid'), fieldOf(user, 'Id')])
  return {
    kind: 'notification',
    notification: {
      ...{ tenant, entity, id, via: 'webhook', action, kind: null, users },
      ...{ version: null, repair: false, receivedAt },
    },
  }
}

function entityOf(action: string): 'customer' | 'order' | null {
  const name = action.toUpperCase()
  if (name.startsWith('CUSTOMER_')) return 'customer'
  return name.startsWith('ORDER_') ? 'order' : null
}
