import type { Call } from '../http/call.ts'
import type { FlowCustomer, FlowCustomerPage, FlowOrder } from './schema.ts'

/**
 * Flow's API, one tenant a call. Every method throws SyncError; a 404 is `null` or `'not-found'`, a 409 is `'exists'`.
 * Writes are never retried here: the fence, the circuit and the runtime decide that.
 */
export interface FlowClient {
  getCustomer(call: Call, customerUid: string): Promise<FlowCustomer | null>
  createCustomer(call: Call, customer: Record<string, unknown>): Promise<'created' | 'exists'>
  /** PUT of these fields alone; the others stay. */
  updateCustomer(call: Call, customerUid: string, fields: Record<string, unknown>): Promise<'updated' | 'not-found'>
  /** `pageNumber` counts from 1. */
  listCustomers(
    call: Call,
    page: { pageNumber: number; pageSize: number; sortBy: string; sortDirection: 'ASC' | 'DESC' },
  ): Promise<FlowCustomerPage>
  getOrder(call: Call, orderUid: string): Promise<FlowOrder | null>
  /** A cheap read that answers whether Flow serves this tenant at all. */
  probe(call: Call): Promise<void>
}
