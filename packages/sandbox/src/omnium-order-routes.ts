import type { FastifyInstance, FastifyRequest } from 'fastify'
import { type Fields, objectBody } from './fields.ts'
import type { OmniumCall } from './omnium-customer-routes.ts'
import type { OmniumRoute } from './omnium-route.ts'
import { searched } from './omnium-search.ts'
import { refusal } from './refusal.ts'

const ROUTES = {
  get: { kind: 'order', does: 'get' },
  search: { kind: 'order', does: 'search', model: 'OmniumOrderSearchRequest' },
  write: { kind: 'order', does: 'write', model: 'OmniumOrder' },
} as const satisfies Record<string, OmniumRoute>

/** Omnium's orders. Source: docs.omnium.no, Order API. */
export function addOmniumOrderRoutes(scope: FastifyInstance, callOf: (request: FastifyRequest) => OmniumCall): void {
  scope.get('/api/Orders/:id', { config: { omnium: ROUTES.get } }, (request) => {
    const order = callOf(request).store.orders.get((request.params as { id: string }).id)
    if (!order) throw refusal(404, 'no such order')
    return order
  })
  scope.post('/api/Orders/Search', { config: { omnium: ROUTES.search } }, (request) => {
    const { store, modes } = callOf(request)
    return searched(store.indexedOrders(), objectBody(request.body), 'id', modes)
  })
  scope.post('/api/Orders', { config: { omnium: ROUTES.write } }, (request, reply) => {
    const { store, actor, effect } = callOf(request)
    const body = objectBody(request.body)
    refuseProblem(body)
    const order = store.createOrder(body, actor)
    if (order === 'exists') throw refusal(409, 'an order with this id exists')
    effect('created')
    return reply.code(201).send(order)
  })
}

/** Throws a 400 when this is not an order. */
export function refuseProblem(body: Fields): void {
  if (typeof body.id !== 'string' || body.id === '') throw refusal(400, 'id is required')
  const { customerId } = body
  if (customerId !== undefined && customerId !== null && typeof customerId !== 'string') {
    throw refusal(400, 'customerId must be a string')
  }
}
