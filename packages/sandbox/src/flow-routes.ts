import type { FastifyInstance, FastifyRequest } from 'fastify'
import { isExactNumber } from './exact-json.ts'
import { type Fields, objectBody } from './fields.ts'
import { contactProblem, contactsOf, customerProblem, writable } from './flow-customers.ts'
import type { FlowModes, FlowRole } from './flow-modes.ts'
import type { FlowStore } from './flow-store.ts'
import { flowPage } from './paging.ts'
import { refusal } from './refusal.ts'
import type { Actor } from './stand-in.ts'

/** What the routes need of one request: its tenant's store, who does it, and where to say what it did. */
export interface FlowCall {
  readonly store: FlowStore
  readonly modes: FlowModes
  readonly actor: Actor
  readonly effect: (effect: string) => void
}

interface Params {
  readonly customerUid: string
  readonly contactUid: string
  readonly orderUid: string
  readonly storeUid: string
}
interface ListQuery {
  readonly pageNumber?: string
  readonly pageSize?: string
  readonly sortBy?: string
  readonly sortDirection?: string
  readonly customerExternalId?: string
}

const needs = (flowRole: FlowRole) => ({ config: { flowRole } })

/** Flow's API v2, the part that concerns customers and orders. Source: docs.flowretail.com, API v2. */
export function addFlowRoutes(scope: FastifyInstance, callOf: (request: FastifyRequest) => FlowCall): void {
  const paramsOf = (request: FastifyRequest) => request.params as Params
  const customerOf = (request: FastifyRequest) => {
    const row = callOf(request).store.customers.get(paramsOf(request).customerUid)
    if (!row) throw refusal(404, 'no such customer')
    return row
  }

  scope.get('/tenants/:tenantUid/customers', needs('list'), (request) => {
    const query = request.query as ListQuery
    const { store, modes } = callOf(request)
    const rows = listed(store.customers, query)
    const wanted = query.customerExternalId
    const found = wanted === undefined ? rows : rows.filter((row) => row.externalId === wanted)
    return flowPage(found, query, 'customerUid', modes)
  })

  scope.post('/tenants/:tenantUid/customers', needs('write'), (request, reply) => {
    const { store, actor, effect } = callOf(request)
    const body = objectBody(request.body)
    refuse(customerProblem(body, true))
    const row = store.create(
      { ...writable(body), ...(body.customerUid != null && { customerUid: body.customerUid }) },
      actor,
    )
    if (row === 'exists') throw refusal(409, 'a customer with this uid exists')
    effect('created')
    return reply.code(201).send(row)
  })

  scope.get('/tenants/:tenantUid/customers/:customerUid', needs('get'), (request) => customerOf(request))

  scope.put('/tenants/:tenantUid/customers/:customerUid', needs('write'), (request) => {
    const { store, actor, effect } = callOf(request)
    const body = objectBody(request.body)
    refuse(customerProblem(body, false))
    const before = customerOf(request)
    const row = store.update(before.customerUid, writable(body), actor)
    effect(row === before ? 'unchanged' : 'updated')
    return row
  })

  scope.get('/tenants/:tenantUid/customers/:customerUid/contacts', needs('get'), (request) =>
    flowPage(contactsOf(customerOf(request)), request.query as Fields, 'customerContactUid', callOf(request).modes),
  )

  scope.post('/tenants/:tenantUid/customers/:customerUid/contacts', needs('write'), (request, reply) => {
    const { store, actor, effect } = callOf(request)
    const body = objectBody(request.body)
    refuse(contactProblem(body, true))
    const { customerUid } = customerOf(request)
    const contactUid = typeof body.customerContactUid === 'string' ? body.customerContactUid : store.nextContactUid()
    if (contactOf(store, customerUid, contactUid)) throw refusal(409, 'a contact with this uid exists')
    store.putContact(customerUid, contactUid, writable(body), actor)
    effect('created')
    return reply.code(201).send(contactOf(store, customerUid, contactUid))
  })

  const contactPath = '/tenants/:tenantUid/customers/:customerUid/contacts/:contactUid'
  scope.get(contactPath, needs('get'), (request) => {
    const { customerUid, contactUid } = paramsOf(request)
    return contactOf(callOf(request).store, customerUid, contactUid) ?? noSuchContact()
  })
  scope.route({
    method: ['PUT', 'PATCH'],
    url: contactPath,
    ...needs('write'),
    handler: (request) => {
      const { store, actor, effect } = callOf(request)
      const { customerUid, contactUid } = paramsOf(request)
      const body = objectBody(request.body)
      refuse(contactProblem(body, false))
      if (!contactOf(store, customerUid, contactUid)) noSuchContact()
      store.putContact(customerUid, contactUid, writable(body), actor)
      effect('updated')
      return contactOf(store, customerUid, contactUid)
    },
  })
  scope.delete(contactPath, needs('write'), (request, reply) => {
    const { store, actor, effect } = callOf(request)
    const { customerUid, contactUid } = paramsOf(request)
    if (!store.putContact(customerUid, contactUid, null, actor)) noSuchContact()
    effect('deleted')
    return reply.code(204).send()
  })

  scope.get('/tenants/:tenantUid/orders/:orderUid', needs('get-orders'), (request) => {
    const order = callOf(request).store.orders.get(paramsOf(request).orderUid)
    if (!order) throw refusal(404, 'no such order')
    return order
  })

  scope.get('/tenants/:tenantUid/stores/:storeUid/orders', needs('list-orders'), (request) => {
    const query = request.query as ListQuery
    const { store, modes } = callOf(request)
    const rows = listed(store.orders, query)
    const { storeUid } = paramsOf(request)
    return flowPage(
      rows.filter((order) => order.storeUid === storeUid),
      query,
      'orderUid',
      modes,
    )
  })
}

/** Rows in the order that the query names: any field, ascending unless told; by creation when it names none. */
function listed<Row extends Fields>(
  table: { all(): readonly Row[]; sorted(name: string, keyOf: (row: Row) => string | number): readonly Row[] },
  { sortBy, sortDirection = 'ASC' }: ListQuery,
): readonly Row[] {
  if (sortDirection !== 'ASC' && sortDirection !== 'DESC') throw refusal(400, 'sortDirection must be ASC or DESC')
  const rows = sortBy === undefined ? table.all() : table.sorted(sortBy, (row) => sortKey(row[sortBy]))
  return sortDirection === 'ASC' ? rows : rows.toReversed()
}

function sortKey(value: unknown): string {
  if (value === null || value === undefined) return ''
  return isExactNumber(value) ? value.rawJSON : String(value)
}

const contactOf = (store: FlowStore, customerUid: string, contactUid: string): Fields | undefined =>
  contactsOf(store.customers.get(customerUid) ?? {}).find((contact) => contact.customerContactUid === contactUid)

function noSuchContact(): never {
  throw refusal(404, 'no such contact')
}

function refuse(problem: string | null): void {
  if (problem !== null) throw refusal(400, problem)
}
