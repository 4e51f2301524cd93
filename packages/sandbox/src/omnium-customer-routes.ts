import type { FastifyInstance, FastifyRequest } from 'fastify'
import { type Fields, isObject, objectBody } from './fields.ts'
import { pageBounds, totalOf, withBrokenItem } from './list-modes.ts'
import { modelProblem, type OmniumKind, type OmniumRow } from './omnium-customers.ts'
import type { OmniumModes } from './omnium-modes.ts'
import { patchAnswer } from './omnium-patch.ts'
import type { OmniumRoute } from './omnium-route.ts'
import type { Scrolls } from './omnium-scrolls.ts'
import { listPage, matching, ordered, searched, timeOf } from './omnium-search.ts'
import type { OmniumStore } from './omnium-store.ts'
import { wholeNumber } from './paging.ts'
import { refusal } from './refusal.ts'
import type { Actor } from './stand-in.ts'

/** What the routes need of one request: its tenant's store, who does it, and where to say what it did. */
export interface OmniumCall {
  readonly store: OmniumStore
  readonly scrolls: Scrolls<OmniumRow>
  readonly actor: Actor
  readonly modes: OmniumModes
  readonly effect: (effect: string) => void
}

/** How a PATCH answers about a customer that doesn't exist: with 404, or with 200 and `notFoundCount: 1`. */
export type PatchMissing = '404' | 'not-found-count'

const RESOURCES = {
  B2C: {
    path: '/api/PrivateCustomers',
    patch: 'PatchPrivateCustomer',
    model: 'OmniumPrivateCustomer',
    patchModel: 'OmniumPrivateCustomerPatch',
  },
  B2B: {
    path: '/api/BusinessCustomers',
    patch: 'PatchBusinessCustomer',
    model: 'OmniumBusinessCustomer',
    patchModel: 'OmniumBusinessCustomerPatch',
  },
} as const

const GET_ALL: OmniumRoute = {
  kind: 'B2B',
  does: 'search',
  query: ['page', 'pageSize', 'sortOrder', 'changedSince'],
}
const route = (omnium: OmniumRoute) => ({ config: { omnium } })

/** Omnium's customer resources. Source: docs.omnium.no, Customer management. */
export function addOmniumCustomerRoutes(
  scope: FastifyInstance,
  callOf: (request: FastifyRequest) => OmniumCall,
  patchMissing: PatchMissing,
): void {
  for (const kind of ['B2C', 'B2B'] as const) {
    addWriteRoutes(scope, kind, callOf, patchMissing)
    addReadRoutes(scope, kind, callOf)
  }
  scope.get('/api/BusinessCustomers/GetAll', route(GET_ALL), (request) => {
    const { page, pageSize, sortOrder, changedSince } = request.query as Record<string, string | undefined>
    const from = timeOf('changedSince', changedSince)
    const size = wholeNumber('pageSize', pageSize, 100, 1, 100)
    const { store, modes } = callOf(request)
    const rows = ordered(store.indexedCustomers('B2B'), sortOrder, { from, to: null })
    return listPage(rows, wholeNumber('page', page, 1, 1, 1_000_000) - 1, size, 'customerId', modes)
  })
}

function addWriteRoutes(
  scope: FastifyInstance,
  kind: OmniumKind,
  callOf: (request: FastifyRequest) => OmniumCall,
  patchMissing: PatchMissing,
): void {
  const { path, patch, model: fullModel, patchModel } = RESOURCES[kind]
  const write = { kind, does: 'write' } as const
  const full = { ...write, model: fullModel, update: 'full' } as const

  scope.post(path, route({ ...write, model: fullModel }), (request, reply) => {
    const { store, actor, effect } = callOf(request)
    const row = store.create(kind, model(request.body), actor)
    if (row === 'exists') throw refusal(409, 'a customer with this id exists')
    effect('created')
    return reply.code(201).send(row)
  })
  scope.post(`${path}/Update`, route(full), (request) => {
    const { store, actor, effect } = callOf(request)
    const row = store.replace(kind, model(request.body), actor) ?? unknownCustomer()
    effect('updated')
    return row
  })
  scope.patch(`${path}/${patch}`, route({ ...write, model: patchModel, update: 'partial' }), (request, reply) => {
    const { store, modes, actor, effect } = callOf(request)
    const body = model(request.body)
    const before = store.customers(kind).get(body.customerId as string)
    refuseListOption(body, modes)
    const after = store.patch(kind, body, actor, listsOf(body, modes))
    if (!after) return reply.code(patchMissing === '404' ? 404 : 200).send(patchAnswer('not-found'))
    const end = after === before ? 'unchanged' : 'updated'
    effect(end)
    return reply.send(patchAnswer(end))
  })
  if (kind === 'B2C') {
    scope.post(`${path}/AddMany`, route({ ...write, model: fullModel, isBatch: true }), (request, reply) => {
      const { store, actor, effect } = callOf(request)
      const added = models(request.body).filter((body) => store.create(kind, body, actor, 'Added') !== 'exists')
      effect(`created ${added.length}`)
      return reply.code(204).send()
    })
  }
  scope.put(`${path}/AddOrUpdateMany`, route({ ...full, isBatch: true }), (request, reply) => {
    const { store, actor, effect } = callOf(request)
    const bodies = models(request.body)
    const updated = bodies.filter((body) => {
      const isStored = store.customers(kind).get(body.customerId as string) !== undefined
      const known = isStored ? body : { ...body, customerId: store.idOf(body) }
      return store.replace(kind, known, actor) ?? void store.create(kind, body, actor, 'Added')
    })
    effect(`created ${bodies.length - updated.length}, updated ${updated.length}`)
    return reply.code(204).send()
  })
  scope.delete(`${path}/Anonymize`, route({ ...write, query: ['id'] }), (request, reply) => {
    const { store, actor, effect } = callOf(request)
    if (!store.anonymize(kind, String((request.query as Fields).id ?? ''), actor)) unknownCustomer()
    effect('anonymized')
    return reply.code(204).send()
  })
  scope.delete(`${path}/:customerId`, route(write), (request, reply) => {
    const { store, actor, effect } = callOf(request)
    if (!store.remove(kind, (request.params as { customerId: string }).customerId, actor)) unknownCustomer()
    effect('deleted')
    return reply.code(204).send()
  })
}

function addReadRoutes(
  scope: FastifyInstance,
  kind: OmniumKind,
  callOf: (request: FastifyRequest) => OmniumCall,
): void {
  const { path } = RESOURCES[kind]
  const get = route({ kind, does: 'get' })
  const search = route({ kind, does: 'search', model: 'OmniumCustomerSearchRequest' })

  scope.get(`${path}/:customerId`, get, (request) => {
    const { customerId } = request.params as { customerId: string }
    return callOf(request).store.customers(kind).get(customerId) ?? unknownCustomer()
  })
  scope.post(`${path}/Search`, search, (request) => {
    const { store, modes } = callOf(request)
    return searched(store.indexedCustomers(kind), objectBody(request.body), 'customerId', modes)
  })
  scope.post(`${path}/Scroll`, search, (request) => {
    const { store, scrolls, modes } = callOf(request)
    const query = objectBody(request.body)
    const matched = matching(store.indexedCustomers(kind), query)
    const { length } = pageBounds(0, wholeNumber('take', query.take, 100, 1, 100), modes)
    const { rows, scrollId } = scrolls.open(matched, length)
    const result = withBrokenItem(rows, 'customerId', modes)
    return { result, totalHits: totalOf(matched.length, modes), facets: [], scrollId }
  })
  scope.get(`${path}/Scroll/:scrollId`, route({ kind, does: 'search' }), (request) => {
    const { scrolls, modes } = callOf(request)
    const page = scrolls.next((request.params as { scrollId: string }).scrollId, { changesId: modes.scrollIdChanges })
    if (!page) throw refusal(404, 'no such scroll')
    const result = withBrokenItem(page.rows, 'customerId', modes)
    return { result, totalHits: null, facets: [], scrollId: page.scrollId }
  })
}

function model(body: unknown): Fields {
  const fields = objectBody(body)
  const problem = modelProblem(fields)
  if (problem !== null) throw refusal(400, problem)
  return fields
}

function refuseListOption(body: Fields, { refuseKeepExistingListItems }: OmniumModes): void {
  if (refuseKeepExistingListItems && 'keepExistingListItems' in body) {
    throw refusal(400, 'keepExistingListItems is no field of this model')
  }
}

function listsOf(body: Fields, { patchLists }: OmniumModes): 'replace' | 'merge' {
  if (patchLists === 'merge-unless-told') return body.keepExistingListItems === false ? 'replace' : 'merge'
  return patchLists
}

function models(body: unknown): Fields[] {
  if (!Array.isArray(body) || !body.every(isObject)) throw refusal(400, 'the body must be a list of customers')
  if (body.length > 100) throw refusal(400, 'no more than 100 customers at once')
  return body.map(model)
}

export function unknownCustomer(): never {
  throw refusal(404, 'no such customer')
}
