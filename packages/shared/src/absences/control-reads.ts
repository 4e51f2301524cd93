import { LRUCache } from 'lru-cache'
import { SyncError, type Target } from '../errors.ts'
import type { Call } from '../http/call.ts'
import { copyOf } from '../http/request.ts'
import type { Tenant } from '../tenants.ts'
import { unlessAborted } from '../unless-aborted.ts'
import { type Control, type ControlIds, controlRead, isEncoded, type RoutePorts } from './control-read.ts'
import type { Route } from './route.ts'

/** The control reads of one target. */
export interface ControlReads {
  /**
   * What a control read says of the route of a "not found" answer that has just arrived. One control read serves all answers
   * that arrive within 10 s after its start. Throws SyncError when the route does not work, an error of its own for each
   * caller, or `aborted`. `servesMs`: instead of the 10 s.
   */
  confirm(call: Call, route: Route, servesMs?: number): Promise<Control>
  /** Reads by each of these routes, or by any if there are none. Rejects with what is wrong. */
  probe(tenant: Tenant, routes: readonly Route[], signal: AbortSignal): Promise<void>
  /** An id was read by this route, so a later control read may read it. */
  noteFound(tenantUid: string, route: Route, id: string): void
  /** Ids that were read by this route lately. */
  remembered(tenantUid: string, route: Route): readonly string[]
}

export interface ControlReadsOptions {
  readonly target: Target
  readonly ports: RoutePorts
  readonly isDoubtful: (tenantUid: string, route: Route, id: string) => boolean
  readonly now: () => number
  /** Ends all control reads: a caller that is aborted ends none, because others may wait for the same one. */
  readonly signal: AbortSignal
}

const SERVES_MS = 10_000
/** The route of a probe that no failed request names, and that nothing is known of. */
const ANY_ROUTE = { flow: 'customer', omnium: 'B2C' } as const
const isNothingKnown = (control: Control) => control === 'no-id' || control === 'path-refused'
const REMEMBERED_IDS = 2
const MAX_ROUTES = 10_000

interface Running {
  readonly startedAt: number
  readonly result: Promise<Control>
  hasFailed: boolean
}

export function createControlReads({ target, ports, isDoubtful, now, signal }: ControlReadsOptions): ControlReads {
  const running = new LRUCache<string, Running>({ max: MAX_ROUTES })
  const found = new LRUCache<string, readonly string[]>({ max: MAX_ROUTES })
  const nameOf = (tenantUid: string, route: Route) => `${route} ${tenantUid}`
  const remembered = (tenantUid: string, route: Route) => found.get(nameOf(tenantUid, route)) ?? []

  const read = (tenant: Tenant, route: Route, ends: AbortSignal): Promise<Control> => {
    const call: Call = { tenant, key: '', signal: ends, fence: () => {} }
    const ids: ControlIds = {
      remembered: remembered(tenant.uid, route),
      isDoubtful: (id) => isDoubtful(tenant.uid, route, id),
    }
    return controlRead(call, route, ports, ids)
  }
  const start = (tenant: Tenant, route: Route): Running => {
    const result = read(tenant, route, signal)
    const started: Running = { startedAt: now(), result, hasFailed: false }
    // A control read that failed serves only those who wait for it: the route may work again a moment later.
    result.catch(() => {
      started.hasFailed = true
    })
    running.set(nameOf(tenant.uid, route), started)
    return started
  }

  return {
    async confirm(call, route, servesMs = SERVES_MS) {
      const last = running.get(nameOf(call.tenant.uid, route))
      const serves = last !== undefined && !last.hasFailed && now() - last.startedAt < servesMs
      const { result } = serves ? last : start(call.tenant, route)
      try {
        const control = await unlessAborted(result, call.signal)
        if (control !== null) return control
      } catch (error) {
        throw error instanceof SyncError ? copyOf(error) : error
      }
      throw new SyncError('aborted', `reading the route '${route}' of ${target}: aborted`, { target })
    },
    async probe(tenant, routes, ends) {
      for (const route of routes.length === 0 ? [ANY_ROUTE[target]] : routes) {
        const control = await read(tenant, route, ends)
        if (isNothingKnown(control) && route !== ANY_ROUTE[target]) await read(tenant, ANY_ROUTE[target], ends)
      }
    },
    noteFound(tenantUid, route, id) {
      const name = nameOf(tenantUid, route)
      const known = remembered(tenantUid, route)
      if (known.includes(id) || isEncoded(id)) return
      found.set(name, [id, ...known].slice(0, REMEMBERED_IDS))
    },
    remembered,
  }
}
