import type { FlowClient } from '../flow/client.ts'
import { FlowCustomer, type FlowOrder } from '../flow/schema.ts'
import { compareVersions } from '../version.ts'
import { type Calls, createCallLog, createLogicalClock, createTable } from './calls.ts'

/**
 * Flow in memory. A write sets `lastModifiedAt` by Flow's own clock (newer than what the builders build); a PUT merges
 * top-level fields, null clears.
 */
export interface FakeFlow extends FlowClient, Calls {
  /** A customer as it stands, nothing stamped. */
  put(customer: Record<string, unknown>, tenant?: string): void
  /** An edit at the till: newer by Flow's clock, and the customer as the next snapshot shows it. */
  edit(customerUid: string, fields: Record<string, unknown>, tenant?: string): FlowCustomer
  customer(customerUid: string, tenant?: string): FlowCustomer | undefined
  erase(customerUid: string, tenant?: string): void
  putOrder(order: FlowOrder & { orderUid: string }, tenant?: string): void
}

export interface FakeFlowOptions {
  readonly now?: () => string
  /** The uid under which Flow stores a customer that we create; the uid that we sent unless told. */
  readonly uidOf?: (body: Readonly<Record<string, unknown>>) => string
  /** Whether a value of a customer that we create is taken, so that the create is answered 409. */
  readonly isTaken?: (body: Readonly<Record<string, unknown>>) => boolean
}

export function createFakeFlow({
  now = createLogicalClock('2026-01-01T12:00:00Z'),
  uidOf = (body) => String(body.customerUid),
  isTaken = () => false,
}: FakeFlowOptions = {}): FakeFlow {
  const customers = createTable<FlowCustomer>()
  const orders = createTable<FlowOrder>()
  const { run, ...calls } = createCallLog('flow')

  const write = (tenant: string, customerUid: string, fields: Record<string, unknown>, by: string) => {
    const stored = customers.get(tenant, customerUid)
    if (stored === undefined) return null
    const customer = FlowCustomer.parse({
      ...stored,
      ...structuredClone(fields),
      customerUid,
      lastModifiedAt: now(),
      lastModifiedBy: by,
    })
    customers.set(tenant, customerUid, customer)
    return customer
  }

  return {
    ...calls,
    put: (customer, tenant = 'acme') => {
      const parsed = FlowCustomer.parse(customer)
      customers.set(tenant, parsed.customerUid, parsed)
    },
    edit: (customerUid, fields, tenant = 'acme') => {
      const customer = write(tenant, customerUid, fields, 'till')
      if (customer === null) throw new Error(`no customer ${customerUid} to edit`)
      return structuredClone(customer)
    },
    customer: (customerUid, tenant = 'acme') => structuredClone(customers.get(tenant, customerUid)),
    erase: (customerUid, tenant = 'acme') => void customers.delete(tenant, customerUid),
    putOrder: (order, tenant = 'acme') => orders.set(tenant, order.orderUid, order),

    getCustomer: (call, id) =>
      run(call, { operation: 'getCustomer', id }, () => customers.get(call.tenant.uid, id) ?? null),
    createCustomer: (call, body) =>
      run(call, { operation: 'createCustomer', id: String(body.customerUid), body }, () => {
        const at = now()
        const customer = FlowCustomer.parse({
          ...body,
          customerUid: uidOf(body),
          createdAt: at,
          lastModifiedAt: at,
          lastModifiedBy: 'integration',
        })
        if (isTaken(body) || customers.get(call.tenant.uid, customer.customerUid)) return { end: 'exists' as const }
        customers.set(call.tenant.uid, customer.customerUid, customer)
        return { end: 'created' as const, id: customer.customerUid }
      }),
    proveAbsent: (call, kind, id, evidence = {}) =>
      run(call, { operation: 'proveAbsent', id: kind === 'order' ? `order ${id}` : id, evidence }, () => undefined),
    updateCustomer: (call, id, body) =>
      run(call, { operation: 'updateCustomer', id, body }, () =>
        write(call.tenant.uid, id, body, 'integration') ? ('updated' as const) : ('not-found' as const),
      ),
    findByExternalId: (call, externalId) =>
      run(call, { operation: 'findByExternalId', id: externalId }, () =>
        customers.list(call.tenant.uid).filter((customer) => customer.externalId === externalId),
      ),
    listCustomers: (call, { pageNumber, pageSize, sortBy, sortDirection }) =>
      run(call, { operation: 'listCustomers', id: '' }, () => {
        const direction = sortDirection === 'ASC' ? 1 : -1
        const all = customers
          .list(call.tenant.uid)
          .toSorted((a, b) => direction * compareVersions(String(a[sortBy] ?? ''), String(b[sortBy] ?? '')))
        return {
          items: all.slice((pageNumber - 1) * pageSize, pageNumber * pageSize),
          paging: { pageNumber, pageSize, totalCount: all.length },
        }
      }),
    getOrder: (call, id) => run(call, { operation: 'getOrder', id }, () => orders.get(call.tenant.uid, id) ?? null),
  }
}
