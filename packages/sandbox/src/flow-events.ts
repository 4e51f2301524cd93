import type { Delivery } from './webhook-sender.ts'

/** Something that happened at Flow, with the numbers that its webhooks carry beside the uids. */
export interface FlowEvent {
  /** `CUSTOMER_CREATE`, `CUSTOMER_UPDATE`, `CUSTOMER_DELETE`, `ORDER_SETTLED`, … */
  readonly action: string
  readonly tenant: { readonly id: number; readonly uid: string }
  readonly user: { readonly id: number; readonly uid: string }
  readonly customer?: { readonly id: number; readonly uid: string }
  readonly store?: { readonly id: number; readonly uid: string }
  readonly order?: { readonly id: number; readonly uid: string }
}

const named = ({ id, uid }: { id: number; uid: string }) => ({ Id: id, Uid: uid })

/** The thin webhook of an event. Source: docs.flowretail.com, Webhooks. */
export function flowWebhook(event: FlowEvent): Delivery {
  const { action, tenant, customer, store, order, user } = event
  return {
    tenant: tenant.uid,
    objectId: order?.uid ?? customer?.uid ?? '',
    action,
    body: {
      action,
      tenant: named(tenant),
      ...(store && { store: named(store) }),
      ...(order && { order: named(order) }),
      ...(customer && { customer: named(customer) }),
      tenantUser: named(user),
    },
  }
}
