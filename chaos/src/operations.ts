import type { Fields } from '@sync/sandbox/fields'
import type { OmniumKind } from '@sync/sandbox/omnium-customers'

export type CustomerType = 'PERSON' | 'COMPANY'

/** What the harness calls itself by in both systems' configuration. */
export interface PlannedTenant {
  readonly uid: string
  readonly countryCode: string
  readonly marketGroupId: string
  readonly propertyPrefix: string
  readonly omniumCustomerEvents: 'off' | 'create' | 'update'
}

/** Something that happens in one of the two systems, or that an operator does; `atMs` from the run's start. */
export type Operation = { readonly atMs: number } & (
  | { readonly kind: 'flow-create'; readonly tenant: string; readonly uid: string; readonly fields: Fields }
  /** Partial, as typed at the till: null and '' clear. Waits for the customer, when the web shop made it. */
  | { readonly kind: 'flow-edit'; readonly tenant: string; readonly uid: string; readonly fields: Fields }
  | { readonly kind: 'flow-order'; readonly tenant: string; readonly orderUid: string; readonly uid: string }
  | {
      readonly kind: 'omnium-create'
      readonly tenant: string
      readonly type: OmniumKind
      readonly id: string
      readonly fields: Fields
    }
  /** Of fields that nobody maps. */
  | {
      readonly kind: 'omnium-edit'
      readonly tenant: string
      readonly type: OmniumKind
      readonly id: string
      readonly fields: Fields
    }
  /** Of a private customer's mapped fields, by Flow's names: what customer service does in Omnium. Waits for the customer. */
  | { readonly kind: 'shop-edit'; readonly tenant: string; readonly id: string; readonly fields: Fields }
  | {
      readonly kind: 'omnium-order'
      readonly tenant: string
      readonly orderId: string
      readonly customerId: string | null
      readonly type: OmniumKind
    }
  /** From now on Omnium answers every write of this customer with a status, or with 200 and a refusal in the body. */
  | { readonly kind: 'poison'; readonly tenant: string; readonly uid: string; readonly refusal: Refusal }
  | { readonly kind: 'cure'; readonly tenant: string; readonly uid: string }
  /** What nobody could map is corrected in Flow. */
  | { readonly kind: 'correct'; readonly tenant: string; readonly uid: string; readonly fields: Fields }
  /** Bytes that keep no contract. */
  | { readonly kind: 'garbage'; readonly topic: GarbageTopic; readonly key: string | null; readonly size: number }
  /** From share `from` to share `to` of what a topic holds at that time. */
  | { readonly kind: 'replay'; readonly topic: ReplayTopic; readonly from: number; readonly to: number }
  | { readonly kind: 'redrive' }
)

export type Refusal = 400 | 422 | 500 | 'error-count' | 'success-false'

/** What a customer can't be. */
export const NO_TYPE = 'SUPPLIER'
export const GARBAGE_TOPICS = [
  ...(['flow.notifications.v1', 'omnium.notifications.v1', 'flow.customers.v1', 'omnium.orders.v1'] as const),
  ...(['company.parent-changes.v1', 'customer-mapper.retry.v1', 'relation-manager.retry.v1'] as const),
] as const
export type GarbageTopic = (typeof GARBAGE_TOPICS)[number]
export const REPLAY_TOPICS = ['flow.customers.v1', 'omnium.orders.v1', 'company.parent-changes.v1'] as const
export type ReplayTopic = (typeof REPLAY_TOPICS)[number]

export const nameOf = (tenant: string, id: string) => `${tenant}:${id}`
