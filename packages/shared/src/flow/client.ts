import type { AbsenceEvidence } from '../absences/evidence.ts'
import { NOT_FOUND, readById, readJson, statusAndWords } from '../http/answer.ts'
import type { Credentials } from '../http/auth.ts'
import type { Call } from '../http/call.ts'
import type { TargetClient } from '../http/client.ts'
import type { Created } from '../http/created.ts'
import { query, segment } from '../http/path.ts'
import { type Served, servedAtMs } from '../http/served.ts'
import { readUpdate, readWrite } from '../http/write-answer.ts'
import { type FlowCustomer, FlowCustomerPage, type FlowOrder, flowCustomers, flowOrders } from './schema.ts'

/**
 * Flow's API, one tenant a call. Every method throws SyncError. A "not found" answer is `null` or `'not-found'`, and a 409 on a
 * create is `'exists'`. After `'not-found'` of a write, read the customer by its id: the path of the write may be down. Writes are
 * never retried here: the fence, the circuit and the runtime decide that.
 */
export interface FlowClient {
  getCustomer(call: Call, customerUid: string): Promise<FlowCustomer | null>
  /** `id` is the uid in Flow's answer, which may differ from the one that was sent. */
  createCustomer(call: Call, customer: Record<string, unknown>): Promise<Created>
  /** See `OmniumClient.proveAbsent`. */
  proveAbsent(call: Call, kind: 'customer' | 'order', id: string, evidence?: AbsenceEvidence): Promise<void>
  /** PUT of these fields alone; the others stay. */
  updateCustomer(call: Call, customerUid: string, fields: Record<string, unknown>): Promise<'updated' | 'not-found'>
  /** `pageNumber` counts from 1. A record that makes no sense has its uid (`''` without one) and version alone. */
  listCustomers(
    call: Call,
    page: { pageNumber: number; pageSize: number; sortBy: string; sortDirection: 'ASC' | 'DESC' },
  ): Promise<FlowCustomerPage & Served>
  /** The customers that are linked to this Omnium id, by Flow's own filter: at most 20. */
  findByExternalId(call: Call, externalId: string): Promise<readonly FlowCustomer[]>
  getOrder(call: Call, orderUid: string): Promise<FlowOrder | null>
  /**
   * Runs `work` with a call that holds a slot of Flow; see http/client.ts. Take the slot of Flow before the slot of Omnium: with
   * the slot of Omnium alone, a request to Flow throws an Error.
   */
  inSlot<T>(call: Call, work: (call: Call) => Promise<T>): Promise<T>
}

/** Flow over HTTP. Source of the paths: docs.flowretail.com, API v2; what isn't documented there is in API-FACTS.md. */
export function createFlowClient(client: TargetClient): FlowClient {
  const tenantPath = ({ tenant }: Call) => `/tenants/${segment(tenant.uid)}`
  const customersPath = (call: Call) => `${tenantPath(call)}/customers`
  const customerPath = (call: Call, customerUid: string) => `${customersPath(call)}/${segment(customerUid)}`

  return {
    async getCustomer(call, customerUid) {
      const asked = { operation: 'get-customer', method: 'GET', path: customerPath(call, customerUid) } as const
      return client.send(call, asked, NOT_FOUND, (answer, request) =>
        readById(request, answer, customerUid, flowCustomers),
      )
    },
    async createCustomer(call, customer) {
      const asked = { operation: 'create-customer', method: 'POST', path: customersPath(call), body: customer } as const
      return client.send(call, asked, [409], (answer, request) => {
        if (answer.status === 409) return { end: 'exists', answered: statusAndWords(answer) }
        const { id } = readWrite(request, answer, flowCustomers.idField)
        return { end: 'created', id: id ?? String(customer.customerUid) }
      })
    },
    async updateCustomer(call, customerUid, fields) {
      const path = customerPath(call, customerUid)
      const asked = { operation: 'update-customer', method: 'PUT', path, body: fields } as const
      return client.send(call, asked, NOT_FOUND, (answer, request) =>
        readUpdate(request, answer, flowCustomers.idField, customerUid),
      )
    },
    async proveAbsent() {},
    async listCustomers(call, page) {
      const path = `${customersPath(call)}${query(page)}`
      return client.send(call, { operation: 'list-customers', method: 'GET', path }, [], (answer, request) => ({
        ...readJson(request, answer, FlowCustomerPage),
        servedAtMs: servedAtMs(answer),
      }))
    },
    async findByExternalId(call, externalId) {
      const path = `${customersPath(call)}${query({ customerExternalId: externalId, pageNumber: 1, pageSize: 20 })}`
      const asked = { operation: 'list-customers', method: 'GET', path } as const
      const { items } = await client.send(call, asked, [], (answer, request) =>
        readJson(request, answer, FlowCustomerPage),
      )
      // A Flow that does not know the parameter answers with everybody.
      return items.filter((customer) => customer.externalId === externalId)
    },
    async getOrder(call, orderUid) {
      const path = `${tenantPath(call)}/orders/${segment(orderUid)}`
      return client.send(call, { operation: 'get-order', method: 'GET', path }, NOT_FOUND, (answer, request) =>
        readById(request, answer, orderUid, flowOrders),
      )
    },
    inSlot: (call, work) => client.inSlot(call, work),
  }
}

/** Flow's integration token is the tenant's for good: there is no other to get. */
export const flowCredentials: Credentials = {
  token: async ({ tenant }) => tenant.flow.token,
  current: ({ tenant }) => tenant.flow.token,
  accepted() {},
  renew: async () => null,
  refused() {},
}
