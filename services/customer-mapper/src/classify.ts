import { skipped } from '@sync/shared/outcome'
import type { Classified, Delivery } from '@sync/shared/stream'

export const MAPPER_TOPICS = ['flow.customers.v1', 'omnium.orders.v1', 'omnium.customers.v1'] as const
export type MapperTopic = (typeof MAPPER_TOPICS)[number]

/** A record that is out of its place, or may be: a reason to look at the source again, not data to trust. */
export const looksAgain = ({ lane, repair, value }: Delivery<MapperTopic>): boolean =>
  lane !== null || repair || (value?.repair ?? false)

/** Longer than a record in its place waits while nothing is wrong. */
const FRESH_MS = 60_000

/**
 * Whether what a snapshot holds may be gone by now: one that has waited, or that a group reads from the beginning. It may
 * update what is there, but create nothing before its source was asked again: an erased person must not come back.
 */
export const mayBeGone = (delivery: Delivery<MapperTopic>, now: number): boolean =>
  !looksAgain(delivery) && now - Date.parse(delivery.value?.fetchedAt ?? '') > FRESH_MS

/** What a record is, before anything is fetched. Every kind is a state of its customer, so the newest alone counts. */
export function classify(delivery: Delivery<MapperTopic>): Classified {
  if (delivery.value === null) {
    const isCustomer = delivery.topic !== 'omnium.orders.v1'
    return { end: skipped('deleted'), ...(isCustomer && { endsOlder: true as const }) }
  }
  const { repair } = delivery.value
  const version = delivery.value.version ?? ''
  switch (delivery.topic) {
    case 'flow.customers.v1':
      return {
        // Two records follow one Update of a company. The second is due at once, and must not wait for the first.
        group: delivery.lane === 're-read' ? null : 'flow-customer',
        version,
        targets: looksAgain(delivery) ? ['omnium', 'flow'] : ['omnium'],
        repair,
      }
    case 'omnium.orders.v1':
      if (!delivery.value?.order.customerId) return { end: skipped('no-customer') }
      return { group: 'omnium-order', version, targets: ['flow', 'omnium'], repair }
    case 'omnium.customers.v1':
      if (delivery.tenant.omniumCustomerEvents === 'off') return { end: skipped('off') }
      return {
        // One id may stand for a private and a business customer there: neither supersedes the other.
        group: `omnium-customer-${delivery.value?.kind}`,
        version,
        targets: looksAgain(delivery) ? ['flow', 'omnium'] : ['flow'],
        repair,
      }
  }
}
