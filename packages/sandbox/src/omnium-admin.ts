import type { FastifyInstance } from 'fastify'
import { z } from 'zod'
import { checked } from './admin.ts'
import { type Fields, isObject, objectBody } from './fields.ts'
import type { OmniumApi } from './omnium-api.ts'
import { modelProblem, type OmniumKind } from './omnium-customers.ts'
import { refuseProblem as refuseOrderProblem } from './omnium-order-routes.ts'
import { refusal } from './refusal.ts'

interface Params {
  readonly tenant: string
  readonly id: string
}
/** `customerId` may be the id of an order too. `ms` null: as long as the modes say. */
const SearchLagBody = z.strictObject({ customerId: z.string().min(1), ms: z.number().nonnegative().nullable() })

const tenantOf = (query: unknown): string | undefined => (query as { tenant?: string }).tenant
const userOf = (query: unknown): string | undefined => (query as { user?: string }).user

/** What somebody does in Omnium's own screens, by HTTP: `?user=` names another one. */
export function addOmniumAdminRoutes(scope: FastifyInstance, api: OmniumApi): void {
  addCustomerRoutes(scope, api, 'B2C', 'private-customers')
  addCustomerRoutes(scope, api, 'B2B', 'business-customers')

  scope.post('/tenants/:tenant/seed', (request) => {
    const { tenant } = request.params as Params
    const body = objectBody(request.body)
    const seeded = { B2C: listOf(body.privateCustomers), B2B: listOf(body.businessCustomers) }
    api.seed(tenant, 'B2C', seeded.B2C)
    api.seed(tenant, 'B2B', seeded.B2B)
    return { seeded: seeded.B2C.length + seeded.B2B.length }
  })
  scope.post('/tenants/:tenant/orders', (request, reply) => {
    const body = objectBody(request.body)
    refuseOrderProblem(body)
    return reply.code(201).send(api.createOrder((request.params as Params).tenant, body, userOf(request.query)))
  })
  scope.patch('/tenants/:tenant/orders/:id', (request) => {
    const { tenant, id } = request.params as Params
    return api.editOrder(tenant, id, objectBody(request.body), userOf(request.query))
  })
  scope.post('/tenants/:tenant/search-lag', (request) => {
    const { customerId, ms } = checked(SearchLagBody, request.body)
    api.fixSearchLag((request.params as Params).tenant, customerId, ms)
    return {}
  })
  scope.get('/limits', (request) => api.limits.counts(tenantOf(request.query)))
  scope.delete('/limits', (request) => {
    api.limits.reset(tenantOf(request.query))
    return {}
  })
  scope.get('/defects', (request) => {
    const defects = api.defects.list(tenantOf(request.query))
    return { total: defects.reduce((sum, { count }) => sum + count, 0), defects }
  })
  scope.delete('/defects', () => {
    api.defects.clear()
    return {}
  })
  scope.post('/tokens/expire', (request) => {
    api.expireTokens(tenantOf(request.query))
    return {}
  })
}

function addCustomerRoutes(scope: FastifyInstance, api: OmniumApi, kind: OmniumKind, name: string): void {
  scope.post(`/tenants/:tenant/${name}`, (request, reply) => {
    const { tenant } = request.params as Params
    const row = api.createCustomer(tenant, kind, model(objectBody(request.body)), userOf(request.query))
    return reply.code(201).send(row)
  })
  scope.patch(`/tenants/:tenant/${name}/:id`, (request) => {
    const { tenant, id } = request.params as Params
    const fields = model({ ...objectBody(request.body), customerId: id })
    return api.editCustomer(tenant, kind, id, fields, userOf(request.query))
  })
  scope.delete(`/tenants/:tenant/${name}/:id`, (request) => {
    const { tenant, id } = request.params as Params
    api.deleteCustomer(tenant, kind, id, userOf(request.query))
    return {}
  })
}

function listOf(value: unknown): Fields[] {
  const list = value ?? []
  if (!Array.isArray(list) || !list.every(isObject)) throw refusal(400, 'customers must be a list of objects')
  return list.map(model)
}

function model(fields: Fields): Fields {
  const problem = modelProblem(fields)
  if (problem !== null) throw refusal(400, problem)
  return fields
}
