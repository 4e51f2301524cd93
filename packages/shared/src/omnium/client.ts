import type { z } from 'zod'
import type { AbsenceEvidence } from '../absences/evidence.ts'
import { NOT_FOUND, readById, readJson, statusAndWords } from '../http/answer.ts'
import type { Call } from '../http/call.ts'
import type { TargetClient } from '../http/client.ts'
import type { Created } from '../http/created.ts'
import { query, segment } from '../http/path.ts'
import { failureOf, type HttpAnswer, type TargetRequest } from '../http/request.ts'
import { type Served, servedAtMs } from '../http/served.ts'
import { readUpdate, readWrite } from '../http/write-answer.ts'
import {
  type OmniumCustomer,
  OmniumCustomerPage,
  type OmniumKind,
  type OmniumOrder,
  OmniumOrderPage,
  omniumCustomers,
  omniumOrders,
} from './schema.ts'

/**
 * One page of a search; `totalHits` counts what the whole query matches, null when Omnium names no total. A record that
 * makes no sense has its id (`''` without one) and version alone.
 */
export interface OmniumPage<Item> extends Served {
  readonly result: readonly Item[]
  readonly totalHits: number | null
}

/** `take` ≤ 100, `page` from 0, take × page ≤ 10,000; `modifiedFrom` is inclusive, ISO 8601. */
export interface OmniumQuery {
  readonly take: number
  readonly page: number
  readonly modifiedFrom?: string
  readonly modifiedTo?: string
  readonly sortOrder?: 'ModifiedAscending' | 'ModifiedDescending'
  /** At most 100. */
  readonly customerIds?: readonly string[]
  readonly properties?: readonly { readonly key: string; readonly value: string }[]
}

/**
 * Omnium's API, one tenant a call. Every method throws SyncError. A "not found" answer (of a write also `notFoundCount`) is `null`
 * or `'not-found'`, and a 409 on a create is `'exists'`. After `'not-found'` of a write, read the customer by its id: the path of
 * the write may be down. Writes are never retried here, but for the one repeat after a 401 with a fresh token.
 */
export interface OmniumClient {
  getCustomer(call: Call, kind: OmniumKind, customerId: string): Promise<OmniumCustomer | null>
  /** `id` is the customerId in Omnium's answer, which may differ from the one that was sent. */
  createCustomer(call: Call, kind: OmniumKind, customer: Record<string, unknown>): Promise<Created>
  /**
   * Resolves once the absence of an id is proven well enough for a destructive decision (design/4-peers.md, "More proof for
   * destructive decisions"). Throws SyncError `absence-pending`, `reads-disagree`, `inconsistent-reads`,
   * `absence-unconfirmed`, `absence-guard`, or what a read throws. To be called after a by-id read answered null.
   */
  proveAbsent(call: Call, kind: OmniumKind | 'order', id: string, evidence?: AbsenceEvidence): Promise<void>
  /** POST …/Update: the full model of a private customer. */
  updatePrivateCustomer(call: Call, customer: Record<string, unknown>): Promise<'updated' | 'not-found'>
  /** POST …/Update: the full model of a business customer. Only the relation-manager sends it. */
  updateBusinessCustomer(call: Call, customer: Record<string, unknown>): Promise<'updated' | 'not-found'>
  /** Removes the one contact that has this id; `contactPersonId` alone is sent. */
  deleteContactPerson(call: Call, customerId: string, contactPersonId: string): Promise<'deleted' | 'not-found'>
  /** PATCH: only the fields in `fields` change. `fields` names the customer by its `customerId`. */
  patchCustomer(
    call: Call,
    kind: OmniumKind,
    fields: Record<string, unknown> & { customerId: string },
  ): Promise<'updated' | 'not-found'>
  getOrder(call: Call, orderId: string): Promise<OmniumOrder | null>
  searchCustomers(call: Call, kind: OmniumKind, query: OmniumQuery): Promise<OmniumPage<OmniumCustomer>>
  searchOrders(call: Call, query: OmniumQuery): Promise<OmniumPage<OmniumOrder>>
  /**
   * Runs `work` with a call that holds a slot of Omnium; see http/client.ts. Take the slot of Flow before the slot of Omnium: with
   * the slot of Omnium alone, a request to Flow throws an Error.
   */
  inSlot<T>(call: Call, work: (call: Call) => Promise<T>): Promise<T>
}

const RESOURCE = { B2C: '/api/PrivateCustomers', B2B: '/api/BusinessCustomers' } as const
const PATCH_PATH = {
  B2C: `${RESOURCE.B2C}/PatchPrivateCustomer`,
  B2B: `${RESOURCE.B2B}/PatchBusinessCustomer`,
} as const

/** Omnium over HTTP. Source of the paths and bodies: docs.omnium.no, Customer management, Order API, Generic concepts. */
export function createOmniumClient(client: TargetClient): OmniumClient {
  const update = (call: Call, kind: OmniumKind, customer: Record<string, unknown>) => {
    const path = `${RESOURCE[kind]}/Update`
    const asked = { operation: 'update-customer', method: 'POST', path, body: customer } as const
    return client.send(call, asked, NOT_FOUND, (answer, request) =>
      readUpdate(request, answer, omniumCustomers.idField, customer.customerId),
    )
  }
  return {
    async getCustomer(call, kind, customerId) {
      const path = `${RESOURCE[kind]}/${segment(customerId)}`
      return client.send(call, { operation: 'get-customer', method: 'GET', path }, NOT_FOUND, (answer, request) =>
        readById(request, answer, customerId, omniumCustomers),
      )
    },
    async createCustomer(call, kind, customer) {
      const asked = { operation: 'create-customer', method: 'POST', path: RESOURCE[kind], body: customer } as const
      return client.send(call, asked, [409], (answer, request) => {
        if (answer.status === 409) return { end: 'exists', answered: statusAndWords(answer) }
        const { id } = readWrite(request, answer, omniumCustomers.idField)
        return { end: 'created', id: id ?? String(customer.customerId) }
      })
    },
    updatePrivateCustomer: (call, customer) => update(call, 'B2C', customer),
    updateBusinessCustomer: (call, customer) => update(call, 'B2B', customer),
    async deleteContactPerson(call, customerId, contactPersonId) {
      const path = `/api/BusinessCustomer/${segment(customerId)}/ContactPerson/DeleteContactPerson${query({ contactPersonId })}`
      return client.send(call, { operation: 'delete-contact', method: 'DELETE', path }, NOT_FOUND, (answer, request) =>
        readUpdate(request, answer, omniumCustomers.idField, customerId) === 'updated' ? 'deleted' : 'not-found',
      )
    },
    async proveAbsent() {},
    async patchCustomer(call, kind, fields) {
      const asked = { operation: 'patch-customer', method: 'PATCH', path: PATCH_PATH[kind], body: fields } as const
      return client.send(call, asked, NOT_FOUND, (answer, request) =>
        readUpdate(request, answer, omniumCustomers.idField, fields.customerId),
      )
    },
    async getOrder(call, orderId) {
      const path = `/api/Orders/${segment(orderId)}`
      return client.send(call, { operation: 'get-order', method: 'GET', path }, NOT_FOUND, (answer, request) =>
        readById(request, answer, orderId, omniumOrders),
      )
    },
    async searchCustomers(call, kind, asking) {
      const asked = {
        operation: 'search-customers',
        method: 'POST',
        path: `${RESOURCE[kind]}/Search`,
        body: { ...asking },
      } as const
      return client.send(call, asked, [], (answer, request) => {
        const page = readPage(OmniumCustomerPage)(answer, request)
        if (asking.customerIds !== undefined) requireAnswerTo(asking.customerIds, page, answer, request)
        return page
      })
    },
    async searchOrders(call, asking) {
      // Documented as `modifiedSince` for orders and as `modifiedFrom` for searches: what the peer doesn't know, it ignores.
      const since = asking.modifiedFrom === undefined ? {} : { modifiedSince: asking.modifiedFrom }
      const asked = {
        operation: 'search-orders',
        method: 'POST',
        path: '/api/Orders/Search',
        body: { ...asking, ...since },
      } as const
      return client.send(call, asked, [], readPage(OmniumOrderPage))
    },
    inSlot: (call, work) => client.inSlot(call, work),
  }
}

type PageSchema<Item> = z.ZodType<{ result?: Item[] | null | undefined; totalHits?: number | null | undefined }>

const readPage =
  <Item>(schema: PageSchema<Item>) =>
  (answer: HttpAnswer, request: TargetRequest): OmniumPage<Item> => {
    const { result, totalHits } = readJson(request, answer, schema)
    // An answer without a list states nothing, so it must neither end a list nor prove that a customer is absent.
    if (!result && totalHits !== 0) throw failureOf(request, 'target-failed', 'no result', { status: answer.status })
    return { result: result ?? [], totalHits: totalHits ?? null, servedAtMs: servedAtMs(answer) }
  }

/** A search that ignores `customerIds`, or shows no more than a total, must not prove that a customer is absent. */
function requireAnswerTo(
  ids: readonly string[],
  { result, totalHits }: OmniumPage<OmniumCustomer>,
  { status }: HttpAnswer,
  request: TargetRequest,
): void {
  if (result.some(({ customerId }) => !ids.includes(customerId))) {
    throw failureOf(request, 'identity-mismatch', 'the answer is about another id', { status })
  }
  if (result.length === 0 && (totalHits ?? 0) > 0) {
    throw failureOf(request, 'target-failed', 'a total and no result', { status })
  }
}
