import { setTimeout as delay } from 'node:timers/promises'
import type { FastifyReply, FastifyRequest } from 'fastify'
import { type Fields, isObject } from './fields.ts'
import type { ModelDefect, ModelDefects } from './model-defects.ts'
import type { ApiUser } from './omnium-auth.ts'
import type { OmniumLimits } from './omnium-limits.ts'
import { fieldPaths, fieldsOutsideOf } from './omnium-models.ts'
import { rolesFor } from './omnium-roles.ts'
import type { OmniumRoute } from './omnium-route.ts'
import type { OmniumStore } from './omnium-store.ts'
import type { OmniumTenant } from './omnium-tenant.ts'
import { refusal } from './refusal.ts'
import type { RequestContext } from './stand-in.ts'
import type { WriteOverlaps } from './write-overlaps.ts'

export interface StrictnessPort {
  readonly tenantOf: (request: FastifyRequest) => OmniumTenant | undefined
  readonly context: (request: FastifyRequest) => RequestContext
  /** Whose token the request carries. */
  readonly apiUserOf: (request: FastifyRequest) => ApiUser | null
  readonly limits: OmniumLimits
  readonly defects: ModelDefects
  readonly storeOf: (tenant: string) => OmniumStore
  readonly overlapsOf: (tenant: string) => WriteOverlaps
  readonly onDefect: (request: FastifyRequest, defect: ModelDefect) => void
}

/** The documented limits, writes that overlap, and defects of requests. */
export interface OmniumStrictness {
  /** Throws what the peer refuses before anything of the request is handled. */
  arrived(request: FastifyRequest, reply: FastifyReply, tenant: OmniumTenant): void
  /** Right before the handler: resolves when the handler may have the request. Throws a 409. */
  beforeHandler(request: FastifyRequest): Promise<void>
}

export function createOmniumStrictness(port: StrictnessPort): OmniumStrictness {
  const routeOf = (request: FastifyRequest): OmniumRoute | undefined => request.routeOptions.config.omnium

  const enterLimits = (request: FastifyRequest, reply: FastifyReply, tenant: OmniumTenant) => {
    const apiUser = port.apiUserOf(request)
    if (!apiUser) return
    port.context(request).apiUser = apiUser.apiUser
    const isBatch = routeOf(request)?.isBatch ?? false
    const limited = { tenant: tenant.uid, clientId: apiUser.clientId, isBatch }
    const entered = port.limits.enter(limited, tenant.modes.limits)
    if (typeof entered === 'number') {
      reply.header('retry-after', String(entered))
      throw refusal(429, 'a limit of the API user or of the tenant is reached')
    }
    port.context(request).onEnd.push(entered.end)
    reply.raw.once('close', entered.end)
  }

  const refuseMissingRole = (request: FastifyRequest, { modes }: OmniumTenant) => {
    const route = routeOf(request)
    const missing = route && rolesFor(route).find((role) => modes.missingRoles.includes(role))
    if (missing) throw refusal(403, `the API user lacks the role ${missing}`)
  }

  const writing = new WeakSet<FastifyRequest>()
  const beginWrite = (request: FastifyRequest, tenant: OmniumTenant) => {
    const route = routeOf(request)
    if (!tenant.modes.writeConflicts || route?.does !== 'write' || route.kind === 'order') return
    const ids = customersOf(request).map((id) => `${route.kind}:${id}`)
    const end = port.overlapsOf(tenant.uid).begin(ids)
    if (end === null) throw refusal(409, 'version conflict: another write of this customer is being handled')
    writing.add(request)
    port.context(request).onEnd.push(() => {
      writing.delete(request)
      end()
    })
  }

  const countDefects = (request: FastifyRequest, tenant: string, route: OmniumRoute) => {
    const add = (model: ModelDefect['model'], field: string) => {
      const defect = { tenant, method: request.method, path: request.routeOptions.url ?? '', model, field }
      port.defects.add(defect)
      port.onDefect(request, defect)
    }
    for (const name of Object.keys(request.query as Fields)) if (!route.query?.includes(name)) add('query', name)
    if (route.model === undefined) return
    const allowed = new Set([...allowedBeside(route), ...storedPaths(port.storeOf(tenant), request, route)])
    for (const field of fieldsOutsideOf(route.model, request.body, allowed)) add(route.model, field)
  }

  return {
    arrived(request, reply, tenant) {
      enterLimits(request, reply, tenant)
      refuseMissingRole(request, tenant)
      // A write that a fault delays from here on is being handled all that time.
      beginWrite(request, tenant)
    },
    async beforeHandler(request) {
      const tenant = port.tenantOf(request)
      const route = routeOf(request)
      if (!tenant || !route) return
      if (tenant.modes.countDefects) countDefects(request, tenant.uid, route)
      if (route.does !== 'write' || route.kind === 'order') return
      // A late write comes to the peer only now.
      if (!writing.has(request)) beginWrite(request, tenant)
      if (tenant.modes.writeMs > 0) await delay(tenant.modes.writeMs)
    },
  }
}

/** The customers that a write names: in its body, in each element of its body, in its path or in its query. */
function customersOf(request: FastifyRequest): readonly string[] {
  const bodies = Array.isArray(request.body) ? request.body : [request.body]
  const { id } = request.query as { id?: unknown }
  const named = [
    ...bodies.map((body) => (isObject(body) ? body.customerId : null)),
    (request.params as Fields).customerId,
    id,
  ]
  return named.filter((it) => typeof it === 'string')
}

const PATCH_OPTIONS = ['keepExistingListItems', 'keepExistingCustomProperties', 'propertiesRemovalConditions']

/** Fields that are no defect although the documented model lacks them. Source: the project's facts about the peers. */
function allowedBeside({ kind, does, update }: OmniumRoute): readonly string[] {
  if (kind === 'order') return does === 'search' ? ['modifiedSince'] : []
  return does === 'write' ? ['isAnonymized', ...(update === 'partial' ? PATCH_OPTIONS : [])] : []
}

/**
 * The paths of what is stored, which a write has to send back: of all fields for a full update, and for a PATCH of the
 * fields inside of lists and objects, because the PATCH replaces those whole.
 */
function storedPaths(store: OmniumStore, request: FastifyRequest, { kind, update }: OmniumRoute): readonly string[] {
  if (update === undefined || kind === 'order') return []
  const stored = customersOf(request).map((id) => store.customers(kind).get(id) ?? {})
  const paths = stored.flatMap((row) => fieldPaths(row))
  return update === 'full' ? paths : paths.filter((path) => path.includes('.'))
}
