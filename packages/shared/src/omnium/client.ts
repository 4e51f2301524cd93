import type { Call } from '../http/call.ts'
import type { OmniumCustomer, OmniumKind, OmniumOrder } from './schema.ts'

/** One page of a search; `totalHits` counts what the whole query matches. */
export interface OmniumPage<Item> {
  readonly result: readonly Item[]
  readonly totalHits: number
}

/** `take` ≤ 100, `page` from 0, take × page ≤ 10,000; `modifiedFrom` is inclusive, ISO 8601. */
export interface OmniumQuery {
  readonly take: number
  readonly page: number
  readonly modifiedFrom?: string
  readonly modifiedTo?: string
  readonly sortOrder?: 'ModifiedAscending' | 'ModifiedDescending'
}

/**
 * Omnium's API, one tenant a call. Every method throws SyncError; a 404 (or a PATCH's `notFoundCount`) is `null` or
 * `'not-found'`, a 409 is `'exists'`, `errorCount > 0` in a 200 is a refusal. Writes are never retried here, but for
 * the one repeat after a 401 with a fresh token.
 */
export interface OmniumClient {
  getCustomer(call: Call, kind: OmniumKind, customerId: string): Promise<OmniumCustomer | null>
  createCustomer(call: Call, kind: OmniumKind, customer: Record<string, unknown>): Promise<'created' | 'exists'>
  /** POST …/Update: the full model of a private customer. */
  updatePrivateCustomer(call: Call, customer: Record<string, unknown>): Promise<'updated' | 'not-found'>
  /** PATCH: only the fields in `fields` change; it names the customer by its `customerId`. */
  patchCustomer(
    call: Call,
    kind: OmniumKind,
    fields: Record<string, unknown> & { customerId: string },
  ): Promise<'updated' | 'not-found'>
  getOrder(call: Call, orderId: string): Promise<OmniumOrder | null>
  searchCustomers(call: Call, kind: OmniumKind, query: OmniumQuery): Promise<OmniumPage<OmniumCustomer>>
  searchOrders(call: Call, query: OmniumQuery): Promise<OmniumPage<OmniumOrder>>
  /** A cheap read that answers whether Omnium serves this tenant at all. */
  probe(call: Call): Promise<void>
}
