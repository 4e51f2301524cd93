import type { FastifyInstance } from 'fastify'
import { type Fields, isObject, objectBody } from './fields.ts'
import type { FlowApi } from './flow-api.ts'
import { customerProblem } from './flow-customers.ts'
import { refusal } from './refusal.ts'

interface Params {
  readonly tenant: string
  readonly uid: string
}
interface Query {
  readonly user?: string
  readonly action?: string
}

/** What a cashier does, by HTTP: `?user=` names another one, an order's `?action=` its webhook (`none`: no webhook). */
export function addFlowAdminRoutes(scope: FastifyInstance, api: FlowApi): void {
  scope.post('/tenants/:tenant/seed', (request) => {
    const { tenant } = request.params as Params
    const { customers } = objectBody(request.body)
    if (!Array.isArray(customers) || !customers.every(isObject))
      throw refusal(400, 'customers must be a list of objects')
    for (const customer of customers) refuseProblem(customer, true)
    api.seed(tenant, customers)
    return { seeded: customers.length }
  })
  scope.post('/tenants/:tenant/customers', (request, reply) => {
    const { tenant } = request.params as Params
    const body = objectBody(request.body)
    refuseProblem(body, true)
    return reply.code(201).send(api.createCustomer(tenant, body, (request.query as Query).user))
  })
  scope.patch('/tenants/:tenant/customers/:uid', (request) => {
    const { tenant, uid } = request.params as Params
    const body = objectBody(request.body)
    refuseProblem(body, false)
    return api.editCustomer(tenant, uid, body, (request.query as Query).user)
  })
  scope.delete('/tenants/:tenant/customers/:uid', (request) => {
    const { tenant, uid } = request.params as Params
    api.deleteCustomer(tenant, uid, (request.query as Query).user)
    return {}
  })
  scope.post('/tenants/:tenant/orders', (request, reply) => {
    const { tenant } = request.params as Params
    const { action, user } = request.query as Query
    const order = api.putOrder(tenant, objectBody(request.body), action === 'none' ? null : action, user)
    return reply.code(201).send(order)
  })
}

function refuseProblem(body: Fields, creating: boolean): void {
  const problem = customerProblem(body, creating)
  if (problem !== null) throw refusal(400, problem)
}
