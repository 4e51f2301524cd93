import type { FastifyRequest } from 'fastify'
import { z } from 'zod'
import { addAdminRoutes, checked } from './admin.ts'
import { type Fields, objectBody } from './fields.ts'
import { addFlowAdminRoutes } from './flow-admin.ts'
import type { FlowRow } from './flow-customers.ts'
import { flowWebhook } from './flow-events.ts'
import { FlowModes, type FlowModesInput } from './flow-modes.ts'
import { addFlowRoutes } from './flow-routes.ts'
import { createFlowStore, type FlowOrderRow, type FlowStore } from './flow-store.ts'
import { flowView } from './flow-view.ts'
import { refusal } from './refusal.ts'
import type { ResourceKind } from './request-about.ts'
import { type Actor, bearerOf, createStandIn, type StandIn, type StandInOptions } from './stand-in.ts'
import { TenantFields } from './tenant-fields.ts'
import { flowRetries } from './webhook-retries.ts'

export const FlowTenant = z.strictObject({
  ...TenantFields,
  token: z.string().min(1),
  /** The uid of the tenantUser who stands for the API: lastModifiedBy of what is written through it. */
  apiUser: z.string().default('flow-api-user'),
  modes: FlowModes.prefault({}),
})
/** A tenant of the Flow stand-in. */
export type FlowTenant = z.infer<typeof FlowTenant>
export type FlowTenantInput = z.input<typeof FlowTenant>

export interface FlowApiOptions extends StandInOptions {
  readonly tenants?: readonly FlowTenantInput[]
  /** The delay before the first retry of a webhook, doubled for each further one; 1 s unless told. */
  readonly webhookRetryMs?: number
}

/** Methods without a `user` act as a cashier: a change at the till. All that name an unknown tenant throw. */
export interface FlowApi extends Omit<StandIn<FlowTenant>, 'setTenant' | 'context'> {
  modes(tenant: string): FlowModes
  /** The modes that are not named stay. */
  setModes(tenant: string, modes: FlowModesInput): void
  /** Over the tenant there is, if there is one; its modes that are not named stay. */
  configureTenant(uid: string, fields: Partial<Omit<FlowTenantInput, 'uid'>>): void
  /** Stored without webhooks; `createdAt` and `lastModifiedAt` are kept when given. */
  seed(tenant: string, customers: readonly Fields[]): void
  createCustomer(tenant: string, fields: Fields, user?: string): FlowRow
  /** Partial: absent stays, null clears. */
  editCustomer(tenant: string, uid: string, fields: Fields, user?: string): FlowRow
  deleteCustomer(tenant: string, uid: string, user?: string): void
  /** Creates or changes an order; `action` (ORDER_SETTLED unless told) names its webhook, null sends none. */
  putOrder(tenant: string, fields: Fields, action?: string | null, user?: string): FlowOrderRow
  customer(tenant: string, uid: string): FlowRow | undefined
  customers(tenant: string): readonly FlowRow[]
  orders(tenant: string): readonly FlowOrderRow[]
  /** Forgets customers, orders, journal, faults and disturbance; the tenants stay. */
  clear(): void
}

export const CASHIER = 'cashier-1'

/** A stand-in for Flow's API v2 with the state of several tenants, its webhooks, and faults on request. */
export function createFlowApi(options: FlowApiOptions = {}): FlowApi {
  const stores = new Map<string, FlowStore>()

  const standIn = createStandIn<FlowTenant>(
    {
      retries: flowRetries(options.webhookRetryMs ?? 1000),
      rewriteUrl: (url) => (url.startsWith('/v2/') ? url.slice('/v2'.length) : url),
      authenticate,
      arrived: refuseMissingRole,
      rowsOf: (tenant, of) => rowsOf(storeOf(tenant), of),
    },
    options,
    (scope, { context }) =>
      addFlowRoutes(scope, (request) => {
        const { tenant } = context(request)
        const { apiUser, modes } = standIn.tenants.get(tenant!)!
        return {
          modes,
          store: flowView(storeOf(tenant!), modes),
          actor: { user: apiUser, requestId: request.id },
          effect: (effect) => {
            context(request).effect = effect
          },
        }
      }),
    (scope) => {
      addAdminRoutes(scope, standIn, {
        configureTenant: (uid, fields) => configure(uid, fields),
        modes: modesOf,
        state: (tenant) => stateOf(tenant),
        clear: () => api.clear(),
      })
      addFlowAdminRoutes(scope, api)
    },
  )

  const configure = (uid: string, fields: unknown) => {
    const before = standIn.tenants.get(uid)
    const { modes, ...others } = objectBody(fields)
    const merged = { ...before?.modes, ...(modes === undefined ? {} : objectBody(modes)) }
    const tenant = checked(FlowTenant, { ...before, ...others, uid, modes: merged })
    standIn.setTenant(tenant)
    return tenant
  }
  const modesOf = (uid: string): FlowModes => {
    const tenant = standIn.tenants.get(uid)
    if (!tenant) throw refusal(404, `no such tenant: ${uid}`)
    return tenant.modes
  }
  const storeOf = (tenant: string): FlowStore => {
    if (!standIn.tenants.has(tenant)) throw refusal(404, `no such tenant: ${tenant}`)
    const known = stores.get(tenant)
    if (known) return known
    const store = createFlowStore({
      tenant,
      modes: () => modesOf(tenant),
      now: standIn.now,
      onEvent: (event) => standIn.webhooks.send(flowWebhook(event)),
      onWrite: (write) => standIn.journal.add({ kind: 'write', ...write }),
    })
    stores.set(tenant, store)
    return store
  }
  const stateOf = (tenant: string | undefined) =>
    Object.fromEntries(
      [...stores]
        .filter(([uid]) => tenant === undefined || uid === tenant)
        .map(([uid, { customers, orders }]) => [uid, { customers: customers.all(), orders: orders.all() }]),
    )

  const api: FlowApi = {
    ...standIn,
    modes: modesOf,
    setModes(uid, modes) {
      modesOf(uid)
      configure(uid, { modes })
    },
    configureTenant: (uid, fields) => void configure(uid, fields),
    seed(tenant, customers) {
      for (const fields of customers) storeOf(tenant).seed(fields, actor())
    },
    createCustomer(tenant, fields, user) {
      const row = storeOf(tenant).create(fields, actor(user))
      if (row === 'exists') throw refusal(409, 'a customer with this uid exists')
      return row
    },
    editCustomer(tenant, uid, fields, user) {
      const row = storeOf(tenant).update(uid, fields, actor(user))
      if (!row) throw refusal(404, 'no such customer')
      return row
    },
    deleteCustomer(tenant, uid, user) {
      if (!storeOf(tenant).remove(uid, actor(user))) throw refusal(404, 'no such customer')
    },
    putOrder: (tenant, fields, action = 'ORDER_SETTLED', user) => storeOf(tenant).putOrder(fields, action, actor(user)),
    customer: (tenant, uid) => storeOf(tenant).customers.get(uid),
    customers: (tenant) => storeOf(tenant).customers.all(),
    orders: (tenant) => storeOf(tenant).orders.all(),
    clear() {
      stores.clear()
      standIn.clear()
    },
  }
  for (const { uid, ...fields } of options.tenants ?? []) configure(uid, fields)
  return api
}

function rowsOf({ customers, orders }: FlowStore, of: ResourceKind): readonly Fields[] {
  if (of === 'customer') return customers.all()
  return of === 'order' ? orders.all() : []
}

const actor = (user = CASHIER): Actor => ({ user, requestId: null })

function refuseMissingRole(request: FastifyRequest, _reply: unknown, { modes }: FlowTenant): void {
  const role = request.routeOptions.config.flowRole
  if (role && modes.missingRoles.includes(role)) throw refusal(403, `the integration lacks the role ${role}`)
}

function authenticate(request: FastifyRequest, tenants: ReadonlyMap<string, FlowTenant>): FlowTenant | null {
  const token = bearerOf(request)
  if (token === null) throw refusal(401, 'a bearer token is required')
  const { tenantUid } = request.params as { tenantUid?: string }
  if (tenantUid === undefined) return null
  const tenant = tenants.get(tenantUid)
  if (!tenant) throw refusal(404, 'no such tenant')
  if (tenant.token !== token) throw refusal(401, 'the token is not valid for this tenant')
  return tenant
}
