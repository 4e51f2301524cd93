import type { FastifyInstance, FastifyRequest } from 'fastify'
import { type Fields, isObject, objectBody } from './fields.ts'
import { type OmniumCall, unknownCustomer } from './omnium-customer-routes.ts'
import type { OmniumRoute } from './omnium-route.ts'
import { refusal } from './refusal.ts'

/** The contacts of a business customer. Source: docs.omnium.no, Customer management. */
export function addOmniumContactRoutes(scope: FastifyInstance, callOf: (request: FastifyRequest) => OmniumCall): void {
  const contact: OmniumRoute = { kind: 'B2B', does: 'write', model: 'OmniumContactPerson' }
  scope.put(
    '/api/BusinessCustomer/:customerId/ContactPerson/AddContactPerson',
    { config: { omnium: contact } },
    (request) => {
      const { store, actor, effect } = callOf(request)
      const { customerId } = request.params as { customerId: string }
      const row = store.addContactPerson(customerId, objectBody(request.body), actor) ?? unknownCustomer()
      effect('updated')
      return row
    },
  )
  addContactRemoval(scope, callOf)
}

const NAMES = ['contactPersonId', 'email', 'phone']
const REMOVAL: OmniumRoute = { kind: 'B2B', does: 'write', model: 'ContactPersonRemoval', query: NAMES }

/** Removes all contacts that match any of the values; a caller who names the phone too may remove other persons. */
function addContactRemoval(scope: FastifyInstance, callOf: (request: FastifyRequest) => OmniumCall): void {
  const path = '/api/BusinessCustomer/:customerId/ContactPerson/DeleteContactPerson'
  scope.delete(path, { config: { omnium: REMOVAL } }, (request) => {
    const { store, actor, effect } = callOf(request)
    const { contactPersonId, email, phone } = {
      ...(request.query as Fields),
      ...(isObject(request.body) && request.body),
    }
    const named = Object.entries({ contactPersonId, email, phone }).filter(([, value]) => value != null && value !== '')
    if (named.length === 0) throw refusal(400, 'one of contactPersonId, email and phone is required')
    const { customerId } = request.params as { customerId: string }
    const before = store.customers('B2B').get(customerId)
    const row = store.deleteContactPersons(customerId, Object.fromEntries(named), actor) ?? unknownCustomer()
    effect(row === before ? 'unchanged' : 'updated')
    return row
  })
}
