import type { Fields } from './fields.ts'
import type { OmniumKind, OmniumRow } from './omnium-customers.ts'
import type { Delivery } from './webhook-sender.ts'

export type OmniumResource = 'PrivateCustomer' | 'BusinessCustomer' | 'Order'
export type EventCategory = 'Created' | 'Added' | 'Updated' | 'Deleted'

export const resourceOf = (kind: OmniumKind): OmniumResource =>
  kind === 'B2C' ? 'PrivateCustomer' : 'BusinessCustomer'

/** Something that happened at Omnium. */
export interface OmniumEvent {
  readonly resource: OmniumResource
  readonly category: EventCategory
  readonly objectId: string
  readonly row: OmniumRow | Fields
  readonly user: string
  readonly atMs: number
}

/** The thin event. `className` may differ from the resource (`Customer`). Source: docs.omnium.no, Events. */
export function omniumWebhook(tenant: string, className: string, event: OmniumEvent): Delivery {
  const { category, objectId, row, user, resource } = event
  const isOrder = resource === 'Order'
  return {
    tenant,
    objectId,
    action: category,
    body: {
      timestamp: new Date(event.atMs).toISOString(),
      message: `${isOrder ? 'Order' : 'Customer'} ${category.toLowerCase()}`,
      className,
      subClassName: isOrder ? (row.orderType ?? null) : null,
      objectId,
      category,
      market: row.marketId ?? null,
      storeId: row.storeId ?? (Array.isArray(row.storeIds) ? (row.storeIds[0] ?? null) : null),
      user,
      userId: user,
      status: row.status ?? null,
    },
  }
}
