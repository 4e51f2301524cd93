import type { FastifyRequest } from 'fastify'
import { addAdminRoutes, checked } from './admin.ts'
import { type Fields, objectBody } from './fields.ts'
import { createModelDefects, type ModelDefects } from './model-defects.ts'
import { addOmniumAdminRoutes } from './omnium-admin.ts'
import { addTokenRoute, callerOf, tenantOfRequest } from './omnium-auth.ts'
import { addOmniumContactRoutes } from './omnium-contact-routes.ts'
import { addOmniumCustomerRoutes, type PatchMissing } from './omnium-customer-routes.ts'
import type { OmniumKind, OmniumRow } from './omnium-customers.ts'
import { omniumWebhook } from './omnium-events.ts'
import { createOmniumLimits, type OmniumLimits } from './omnium-limits.ts'
import type { OmniumModes, OmniumModesInput } from './omnium-modes.ts'
import { addOmniumOrderRoutes } from './omnium-order-routes.ts'
import type { OmniumOrderRow, OmniumStore } from './omnium-store.ts'
import { createOmniumStrictness } from './omnium-strictness.ts'
import { OmniumTenant, type OmniumTenantInput } from './omnium-tenant.ts'
import { createOmniumTenantState, type OmniumTenantState } from './omnium-tenant-state.ts'
import { createOmniumTokens } from './omnium-tokens.ts'
import { omniumView } from './omnium-view.ts'
import { refusal } from './refusal.ts'
import type { ResourceKind } from './request-about.ts'
import { type Actor, createStandIn, type StandIn, type StandInOptions } from './stand-in.ts'
import { omniumRetries } from './webhook-retries.ts'

export interface OmniumApiOptions extends StandInOptions {
  readonly tenants?: readonly OmniumTenantInput[]
  /** How long a token is valid; 864,000 s unless told. */
  readonly tokenExpiresInSeconds?: number
  /** Factor on the documented delays of 1, 5 and 15 s before a webhook is retried. */
  readonly webhookRetryScale?: number
  /** `404` unless told. */
  readonly patchMissing?: PatchMissing
  /** The `className` of customers' events: their resource's name (unless told), or `Customer` for both. */
  readonly customerEventClass?: 'resource' | 'Customer'
}

/** Methods without a `user` act as somebody in Omnium's own screens. All that name an unknown tenant throw. */
export interface OmniumApi extends Omit<StandIn<OmniumTenant>, 'setTenant' | 'context'> {
  readonly limits: OmniumLimits
  readonly defects: ModelDefects
  modes(tenant: string): OmniumModes
  /** The modes that are not named stay. */
  setModes(tenant: string, modes: OmniumModesInput): void
  /** How long searches lack the writes of this customer or order; null: as long as the modes say. */
  fixSearchLag(tenant: string, id: string, ms: number | null): void
  /** When all searches show all writes, ms since the epoch; null: they show them now. */
  indexCompleteAt(): number | null
  /** Over the tenant there is, if there is one; its modes that are not named stay. */
  configureTenant(uid: string, fields: Partial<Omit<OmniumTenantInput, 'uid'>>): void
  /** Stored without events; `created` and `modified` are kept when given. */
  seed(tenant: string, kind: OmniumKind, customers: readonly Fields[]): void
  createCustomer(tenant: string, kind: OmniumKind, fields: Fields, user?: string): OmniumRow
  /** As a PATCH does it. */
  editCustomer(tenant: string, kind: OmniumKind, customerId: string, fields: Fields, user?: string): OmniumRow
  deleteCustomer(tenant: string, kind: OmniumKind, customerId: string, user?: string): void
  createOrder(tenant: string, fields: Fields, user?: string): OmniumOrderRow
  editOrder(tenant: string, id: string, fields: Fields, user?: string): OmniumOrderRow
  customer(tenant: string, kind: OmniumKind, customerId: string): OmniumRow | undefined
  customers(tenant: string, kind: OmniumKind): readonly OmniumRow[]
  orders(tenant: string): readonly OmniumOrderRow[]
  /** Ends the tokens of one tenant, or all, before their time. */
  expireTokens(tenant?: string): void
  /** Forgets customers, orders, journal, faults and disturbance; tenants and tokens stay. */
  clear(): void
}

export const STAFF = 'staff@example.com'

/** A stand-in for Omnium's API with the state of several tenants, its events by webhook, and faults on request. */
export function createOmniumApi(options: OmniumApiOptions = {}): OmniumApi {
  const states = new Map<string, OmniumTenantState>()
  const expiresInSeconds = options.tokenExpiresInSeconds ?? 864_000
  const tokens = createOmniumTokens(expiresInSeconds, options.now ?? Date.now)
  const limits = createOmniumLimits(options.now ?? Date.now)
  const defects = createModelDefects()

  const strictness = createOmniumStrictness({
    ...{ limits, defects },
    tenantOf: (request) => standIn.tenants.get(standIn.context(request).tenant ?? ''),
    context: (request) => standIn.context(request),
    apiUserOf: (request) => callerOf(tokens, request, standIn.tenants)?.apiUser ?? null,
    storeOf: (tenant) => storeOf(tenant),
    overlapsOf: (tenant) => stateOf(tenant).overlaps,
    onDefect: ({ id: requestId }, defect) => standIn.journal.add({ kind: 'defect', requestId, ...defect }),
  })
  const standIn: StandIn<OmniumTenant> = createStandIn<OmniumTenant>(
    {
      retries: omniumRetries(options.webhookRetryScale ?? 1),
      authenticate: (request, tenants) => tenantOfRequest(tokens, request, tenants),
      arrived: strictness.arrived,
      rowsOf: (tenant, of) => rowsOf(storeOf(tenant), of),
    },
    options,
    (scope, { context, tenants }) => {
      addTokenRoute(scope, {
        ...{ tokens, tenants, context, expiresInSeconds },
        onIssued: ({ uid }, { clientId }) => limits.tokenFetched(uid, clientId),
      })
      scope.addHook('preHandler', (request) => strictness.beforeHandler(request))
      const callOf = (request: FastifyRequest) => {
        const known = context(request)
        const tenant = tenants.get(known.tenant!)!
        const state = stateOf(tenant.uid)
        return {
          ...state,
          store: omniumView(state.store, tenant.modes, callerOf(tokens, request, tenants)?.apiUser.clientId ?? null),
          modes: tenant.modes,
          actor: { user: known.apiUser ?? tenant.apiUser, requestId: request.id },
          effect: (effect: string) => {
            known.effect = effect
          },
        }
      }
      addOmniumCustomerRoutes(scope, callOf, options.patchMissing ?? '404')
      addOmniumContactRoutes(scope, callOf)
      addOmniumOrderRoutes(scope, callOf)
    },
    (scope) => {
      addAdminRoutes(scope, standIn, {
        configureTenant: (uid, fields) => configure(uid, fields),
        modes: modesOf,
        state: (tenant) => dump(tenant),
        clear: () => api.clear(),
      })
      addOmniumAdminRoutes(scope, api)
    },
  )

  const configure = (uid: string, fields: unknown) => {
    const before = standIn.tenants.get(uid)
    const { modes, ...others } = objectBody(fields)
    const merged = { ...before?.modes, ...(modes === undefined ? {} : objectBody(modes)) }
    const tenant = checked(OmniumTenant, { ...before, ...others, uid, modes: merged })
    standIn.setTenant(tenant)
    return tenant
  }
  const modesOf = (uid: string): OmniumModes => {
    const tenant = standIn.tenants.get(uid)
    if (!tenant) throw refusal(404, `no such tenant: ${uid}`)
    return tenant.modes
  }
  const stateOf = (tenant: string): OmniumTenantState => {
    if (!standIn.tenants.has(tenant)) throw refusal(404, `no such tenant: ${tenant}`)
    const known = states.get(tenant)
    if (known) return known
    const state = createOmniumTenantState({
      now: standIn.now,
      modes: () => modesOf(tenant),
      onEvent: (event) => {
        const oneClass = options.customerEventClass === 'Customer' && event.resource !== 'Order'
        standIn.webhooks.send(omniumWebhook(tenant, oneClass ? 'Customer' : event.resource, event))
      },
      onWrite: (write) => standIn.journal.add({ kind: 'write', tenant, ...write }),
    })
    states.set(tenant, state)
    return state
  }
  const storeOf = (tenant: string) => stateOf(tenant).store
  const dump = (only: string | undefined) => {
    const named = [...states].filter(([uid]) => only === undefined || uid === only)
    return Object.fromEntries(
      named.map(([uid, { store }]) => [
        uid,
        {
          privateCustomers: store.customers('B2C').all(),
          businessCustomers: store.customers('B2B').all(),
          orders: store.orders.all(),
        },
      ]),
    )
  }

  const api: OmniumApi = {
    ...standIn,
    limits,
    defects,
    modes: modesOf,
    setModes(uid, modes) {
      modesOf(uid)
      configure(uid, { modes })
    },
    fixSearchLag: (tenant, id, ms) => stateOf(tenant).fixSearchLag(id, ms),
    indexCompleteAt() {
      const times = [...states.values()].map(({ store }) => store.indexCompleteAt()).filter((at) => at !== null)
      return times.length === 0 ? null : Math.max(...times)
    },
    configureTenant: (uid, fields) => void configure(uid, fields),
    seed(tenant, kind, customers) {
      for (const fields of customers) storeOf(tenant).seed(kind, fields, actor())
    },
    createCustomer: (tenant, kind, fields, user) => created(storeOf(tenant).create(kind, fields, actor(user))),
    editCustomer: (tenant, kind, customerId, fields, user) =>
      found(storeOf(tenant).patch(kind, { ...fields, customerId }, actor(user))),
    deleteCustomer: (tenant, kind, customerId, user) =>
      void found(storeOf(tenant).remove(kind, customerId, actor(user)) || null),
    createOrder: (tenant, fields, user) => created(storeOf(tenant).createOrder(fields, actor(user))),
    editOrder: (tenant, id, fields, user) => found(storeOf(tenant).editOrder(id, fields, actor(user))),
    customer: (tenant, kind, customerId) => storeOf(tenant).customers(kind).get(customerId),
    customers: (tenant, kind) => storeOf(tenant).customers(kind).all(),
    orders: (tenant) => storeOf(tenant).orders.all(),
    expireTokens: (tenant) => tokens.expire(tenant),
    clear() {
      states.clear()
      defects.clear()
      standIn.clear()
    },
  }
  for (const { uid, ...fields } of options.tenants ?? []) configure(uid, fields)
  return api
}

function rowsOf(store: OmniumStore, of: ResourceKind): readonly Fields[] {
  if (of === 'private-customer') return store.customers('B2C').all()
  if (of === 'business-customer') return store.customers('B2B').all()
  return of === 'order' ? store.orders.all() : []
}

const actor = (user = STAFF): Actor => ({ user, requestId: null })

function created<Row>(row: Row | 'exists'): Row {
  if (row === 'exists') throw refusal(409, 'this id exists')
  return row
}

function found<Row>(row: Row | null): Row {
  if (row === null) throw refusal(404, 'no such customer or order')
  return row
}
