import type { Route } from '../absences/route.ts'
import type { Target } from '../errors.ts'
import type { Metrics } from '../metrics.ts'
import type { Tenants } from '../tenants.ts'
import { OPERATIONS, type Operation, type Role, rulesOf, type TargetRequest } from './request.ts'

/** A role that our API user lacks: a peer answers 403 to all requests of this operation. */
export interface MissingRole {
  readonly tenant: string
  readonly target: Target
  readonly operation: Operation
  /** The peer's name for the role. */
  readonly role: Role
  /** ms since the epoch. */
  readonly sinceMs: number
}

/** The roles that are missing now, as far as requests have shown it. */
export interface Roles {
  /** A list or a search was refused for a missing role. */
  refused(request: TargetRequest): void
  /** A request was answered with success, so its role is there. */
  granted(request: TargetRequest): void
  /** The peer answers 403 to each by-id read of this route. */
  readsRefused(tenantUid: string, target: Target, route: Route): void
  /** The peer does not answer 403 to each by-id read of this route any more. */
  readsGranted(tenantUid: string, target: Target, route: Route): void
  /** One for each operation of a tenant, with its first time. */
  list(): readonly MissingRole[]
  /** Forgets the tenants that are no more. */
  tenantsChanged(tenants: Tenants): void
}

export function createRoles(now: () => number, metrics: Pick<Metrics, 'roleMissing' | 'onScrape'>): Roles {
  /** By path or by route, because the two kinds of customers are searched and read by the same operations. */
  const missing = new Map<string, MissingRole>()
  let shown: readonly MissingRole[] = []
  metrics.onScrape(() => {
    for (const { target, tenant, operation } of shown) metrics.roleMissing.remove({ target, tenant, operation })
    shown = [...missing.values()]
    for (const { target, tenant, operation } of shown) metrics.roleMissing.set(1, { target, tenant, operation })
  })
  return {
    refused(request) {
      const { role } = rulesOf(request)
      const name = nameOf(request)
      if (role === undefined || missing.has(name)) return
      const { target, operation, call } = request
      missing.set(name, { tenant: call.tenant.uid, target, operation, role, sinceMs: now() })
    },
    granted: (request) => void missing.delete(nameOf(request)),
    readsRefused(tenant, target, route) {
      const reads = readsOf(route)
      missing.set(nameOfReads(tenant, target, route), { tenant, target, ...reads, sinceMs: now() })
    },
    readsGranted: (...of) => void missing.delete(nameOfReads(...of)),
    list: () => onePerOperation(missing.values()),
    tenantsChanged(tenants) {
      for (const [name, { tenant }] of missing) if (tenants.get(tenant) === undefined) missing.delete(name)
    },
  }
}

/** The operation of the by-id reads of a route, and the role that they need. */
export function readsOf(route: Route): Pick<MissingRole, 'operation' | 'role'> {
  const operation = route === 'order' ? 'get-order' : 'get-customer'
  return { operation, role: OPERATIONS[operation].role }
}

function onePerOperation(roles: Iterable<MissingRole>): readonly MissingRole[] {
  const first = new Map<string, MissingRole>()
  for (const role of roles) {
    const name = JSON.stringify([role.target, role.tenant, role.operation])
    if (!first.has(name)) first.set(name, role)
  }
  return [...first.values()]
}

const nameOf = ({ target, call, operation, path }: TargetRequest): string =>
  JSON.stringify([target, call.tenant.uid, operation, path.split('?')[0]])

const nameOfReads = (tenantUid: string, target: Target, route: Route): string =>
  JSON.stringify([target, tenantUid, 'by id', route])
