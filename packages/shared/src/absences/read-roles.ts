import { LRUCache } from 'lru-cache'
import { type ErrorCode, SyncError, type Target } from '../errors.ts'
import type { Call } from '../http/call.ts'
import { copyOf } from '../http/request.ts'
import { type Roles, readsOf } from '../http/roles.ts'
import type { Schedule } from '../http/schedule.ts'
import type { Tenant, Tenants } from '../tenants.ts'
import { unlessAborted } from '../unless-aborted.ts'
import type { RoutePorts } from './control-read.ts'
import { isForbidden, isRoleMissing } from './probe-role.ts'
import type { Route } from './route.ts'

/** The roles of our API user for the by-id reads of one target. */
export interface ReadRoles {
  /**
   * Throws SyncError `role-missing` while the peer answers 403 to each by-id read of the route. To be asked before the circuit, so
   * that a read that is not sent takes no turn of a half-open circuit.
   */
  require(call: Call, route: Route): void
  /**
   * Sends a by-id read by `send`. If the read is answered 403, a probe of the route follows. Throws SyncError `role-missing` if the
   * peer answers 403 to each read of the route. Otherwise throws the error of `send` with `blame` = `record`, or as the probe if the
   * probe fails.
   */
  read<T>(call: Call, route: Route, send: () => Promise<T>): Promise<T>
  /** The tenants file has changed. A tenant that changed is probed now, because its new API user may have the role. */
  tenantsChanged(tenants: Tenants): void
}

export interface ReadRolesOptions {
  readonly target: Target
  /** Sends neither through the circuit nor through the queue of the rate limit. */
  readonly ports: RoutePorts
  readonly roles: Pick<Roles, 'readsRefused' | 'readsGranted'>
  /** Ids that were read by this route lately. */
  readonly remembered: (tenantUid: string, route: Route) => readonly string[]
  readonly now: () => number
  readonly schedule: Schedule
  /** Ends all probes. */
  readonly signal: AbortSignal
}

/** While a role is missing, its route is probed so often. A record that waits for the role comes back after the same time. */
const PROBE_MS = 10_000
/** A probe serves the reads that are refused within this time after its start. */
const SERVES_MS = 1_000
const MAX_ROUTES = 10_000
/** A probe that fails so says nothing about the role. Any other answer shows that the peer does not refuse each read. */
const SAYS_NOTHING: ReadonlySet<ErrorCode> = new Set(['target-throttled', 'token-unavailable', 'aborted'])

interface Missing {
  tenant: Tenant
  readonly route: Route
  cancelTimer: () => void
}

export function createReadRoles(options: ReadRolesOptions): ReadRoles {
  const { target, ports, roles, remembered, now, schedule, signal } = options
  const missing = new Map<string, Missing>()
  const probes = new LRUCache<string, { readonly startedAt: number; readonly isMissing: Promise<boolean> }>({
    max: MAX_ROUTES,
  })
  let inUse: Tenants | null = null
  const nameOf = (tenantUid: string, route: Route) => `${route} ${tenantUid}`

  const probe = (tenant: Tenant, route: Route): Promise<boolean> =>
    isRoleMissing({ tenant, key: '', signal, fence: () => {} }, route, ports, remembered(tenant.uid, route))
  const sharedProbe = ({ tenant }: Call, route: Route): Promise<boolean> => {
    const name = nameOf(tenant.uid, route)
    const last = probes.get(name)
    if (last !== undefined && now() - last.startedAt < SERVES_MS) return last.isMissing
    const started = { startedAt: now(), isMissing: probe(tenant, route) }
    // A probe that failed serves only those who wait for it.
    started.isMissing.catch(() => probes.get(name) === started && probes.delete(name))
    probes.set(name, started)
    return started.isMissing
  }

  const armTimer = (entry: Missing, delayMs: number) => {
    entry.cancelTimer()
    entry.cancelTimer = schedule(() => void probeAgain(entry), delayMs)
  }
  const probeAgain = async (entry: Missing): Promise<void> => {
    const { tenant, route } = entry
    const name = nameOf(tenant.uid, route)
    const isMissing = await probe(tenant, route).catch(
      (error: unknown) => error instanceof SyncError && SAYS_NOTHING.has(error.code),
    )
    if (signal.aborted || missing.get(name) !== entry) return
    // A tenant that has changed meanwhile has a timer for its own probe.
    if (isMissing && entry.tenant !== tenant) return
    if (isMissing) return armTimer(entry, PROBE_MS)
    entry.cancelTimer()
    missing.delete(name)
    probes.delete(name)
    roles.readsGranted(tenant.uid, target, route)
  }
  const noteMissing = ({ tenant: asked }: Call, route: Route) => {
    const { uid } = asked
    const name = nameOf(uid, route)
    // The tenants file may have changed while the read was in flight.
    const tenant = inUse === null ? asked : inUse.get(uid)
    if (tenant === undefined || missing.has(name) || signal.aborted) return
    const entry: Missing = { tenant, route, cancelTimer: () => {} }
    missing.set(name, entry)
    roles.readsRefused(tenant.uid, target, route)
    armTimer(entry, PROBE_MS)
  }
  const roleMissing = ({ tenant }: Call, route: Route) =>
    new SyncError(
      'role-missing',
      `reading ${WORDS[route]} from ${target}: the role "${readsOf(route).role}" is missing`,
      {
        ...{ target, tenant: tenant.uid, status: 403, retryAfterMs: PROBE_MS },
      },
    )
  /** Resolves with null if the caller is aborted. Each caller gets an error of its own. */
  const isMissingFor = async (call: Call, route: Route): Promise<boolean | null> => {
    if (missing.has(nameOf(call.tenant.uid, route))) return true
    try {
      return await unlessAborted(sharedProbe(call, route), call.signal)
    } catch (error) {
      throw error instanceof SyncError ? copyOf(error) : error
    }
  }

  signal.addEventListener('abort', () => {
    for (const { cancelTimer } of missing.values()) cancelTimer()
  })
  return {
    require(call, route) {
      if (missing.has(nameOf(call.tenant.uid, route))) throw roleMissing(call, route)
    },
    async read(call, route, send) {
      try {
        return await send()
      } catch (error) {
        if (!isForbidden(error)) throw error
        const isMissing = await isMissingFor(call, route)
        if (isMissing === null) throw new SyncError('aborted', `reading from ${target}: aborted`, { target })
        if (isMissing) {
          noteMissing(call, route)
          throw roleMissing(call, route)
        }
        error.blame = 'record'
        throw error
      }
    },
    tenantsChanged(tenants) {
      inUse = tenants
      for (const [name, entry] of missing) {
        const tenant = tenants.get(entry.tenant.uid)
        if (tenant === undefined) {
          entry.cancelTimer()
          missing.delete(name)
        } else if (tenant !== entry.tenant) {
          entry.tenant = tenant
          armTimer(entry, 0)
        }
      }
    },
  }
}

const WORDS: Readonly<Record<Route, string>> = {
  customer: 'customers by id',
  B2C: 'private customers by id',
  B2B: 'business customers by id',
  order: 'orders by id',
}
