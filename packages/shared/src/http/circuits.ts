import type { Route } from '../absences/route.ts'
import { SyncError, type Target } from '../errors.ts'
import type { Tenant, Tenants } from '../tenants.ts'
import { unlessAborted } from '../unless-aborted.ts'
import type { Call } from './call.ts'
import {
  answered,
  asked,
  cleared,
  dueAtMs,
  type Failing,
  failed,
  type Probed,
  probed,
  recovered,
  requestsChanged,
  ticked,
  uncleared,
} from './circuit.ts'
import { asOwnAttempt, failureKindOf, probeFailureOf } from './circuit-failure.ts'
import { type Cause, type Circuit, createCircuit, type Doubt, hurried, type Phase } from './circuit-state.ts'
import { PROBE } from './request-ends.ts'
import type { Schedule } from './schedule.ts'
import { createStreaks, type Streaks } from './streaks.ts'

/** The circuits of all tenants at both targets; see circuit-state.ts for what their phases mean. */
export interface Circuits {
  /** May this key be started? In a half-open circuit an admitted key is one of the trials that decide. */
  admit(tenantUid: string, target: Target, key: string): Admission
  state(tenantUid: string, target: Target): Phase
  /**
   * Told after each change, and each time that a half-open circuit has room for another key: the moment to ask for the
   * keys that wait. The returned function ends it.
   */
  onChange(listener: (tenantUid: string, target: Target, state: Phase) => void): () => void
  /** Those that were used, for /ready. */
  list(): readonly CircuitStatus[]
  /**
   * Sends by `send`, if the circuit lets it, and takes note of the end. Throws what `send` throws, with `outage` or `brownout`
   * set when the failure says nothing about the key. That may take a probe. SyncError `circuit-open` when nothing is sent.
   * `route` is the route of the request, if the request belongs to one. A probe reads by the route.
   */
  guard<T>(call: Call, target: Target, isWrite: boolean, send: () => Promise<T>, route?: Route): Promise<T>
  /** Throws SyncError `circuit-open` when the circuit opened since the call passed `guard`. */
  recheck(call: Call, target: Target): void
  /**
   * The tenants file has changed: an open circuit of a tenant that changed is probed now, as its new secret or address may
   * be the cure, and a tenant that is no more has none.
   */
  tenantsChanged(tenants: Tenants): void
  /** Ends all probes and timers. */
  close(): void
}

export type Admission = { readonly admitted: true } | { readonly admitted: false; readonly retryAtMs: number }

/** Times in ms by the clock of the circuits. */
export interface CircuitStatus {
  readonly tenant: string
  readonly target: Target
  readonly state: Phase
  readonly cause: Cause | null
  readonly sinceMs: number
  /** Open: when the target is probed next. */
  readonly retryAtMs: number | null
}

export interface CircuitsOptions {
  /**
   * Reads by each of these routes, outside of the circuit and the rate limit's queue. Rejects with what is wrong. No routes:
   * whichever the target has.
   */
  readonly probe: (tenant: Tenant, target: Target, signal: AbortSignal, routes: readonly Route[]) => Promise<void>
  readonly now: () => number
  readonly random: () => number
  readonly schedule: Schedule
  /** Told of each change of phase or cause, once. */
  readonly onTransition?: (status: CircuitStatus) => void
}

/** A read or a probe that failed in a brownout is sent again so often at once, because most tries succeed. */
const MAX_REPEATS = 2

interface Entry {
  tenant: Tenant
  readonly target: Target
  circuit: Circuit
  readonly streaks: Streaks
  /** Requests of keys that have no answer yet. */
  inFlight: number
  probe: { readonly began: number; readonly result: Promise<Probed | null> } | null
  cancelTimer: (() => void) | null
}

export function createCircuits({ probe, now, random, schedule, onTransition }: CircuitsOptions): Circuits {
  const entries = new Map<string, Entry>()
  const listeners = new Set<(tenantUid: string, target: Target, state: Phase) => void>()
  const closing = new AbortController()
  const gone = new Set<string>()
  let events = 0

  const isLive = (entry: Entry) =>
    !closing.signal.aborted && entries.get(nameOf(entry.tenant.uid, entry.target)) === entry
  const nameOf = (tenantUid: string, target: Target) => `${target}/${tenantUid}`
  const entryOf = (tenant: Tenant, target: Target): Entry => {
    const name = nameOf(tenant.uid, target)
    let entry = entries.get(name)
    if (entry === undefined) {
      const streaks = createStreaks(now)
      entry = { tenant, target, circuit: createCircuit(now()), streaks, inFlight: 0, probe: null, cancelTimer: null }
      // What is still under way for a tenant that is no more ends without leaving anything behind.
      if (!gone.has(tenant.uid)) entries.set(name, entry)
    }
    return entry
  }

  /** Every change of a circuit comes through here. */
  const become = (entry: Entry, next: Circuit): void => {
    const { circuit } = entry
    if (next === circuit) return
    entry.circuit = next
    if (next.phase === 'closed' && circuit.phase === 'closed') return
    if (isLive(entry)) arm(entry)
    const isTransition = next.phase !== circuit.phase || next.cause !== circuit.cause
    if (isTransition) onTransition?.(statusOf(entry))
    const hasRoomAgain = next.phase === 'half-open' && roomOf(next) > Math.max(0, roomOf(circuit))
    if (isTransition || hasRoomAgain) notify(entry)
  }
  const notify = ({ tenant, target, circuit }: Entry) => {
    for (const listener of listeners) listener(tenant.uid, target, circuit.phase)
  }

  const arm = (entry: Entry): void => {
    entry.cancelTimer?.()
    const dueAt = dueAtMs(entry.circuit, now())
    entry.cancelTimer = dueAt === null ? null : schedule(() => tick(entry), Math.max(1, dueAt - now()))
  }
  const tick = (entry: Entry): void => {
    const { circuit } = entry
    const next = ticked(circuit, now())
    become(entry, next)
    if (next.isProbing && !circuit.isProbing) void probeSince(entry, events)
    else if (next === circuit) {
      arm(entry)
      // The grace of those that did not open it is over.
      if (circuit.phase === 'half-open' && roomOf(circuit) > 0) notify(entry)
    }
  }

  /** What a probe says that began after the event `began`; one at a time. null: we are closing. */
  const probeSince = async (entry: Entry, began: number): Promise<Probed | null> => {
    while (entry.probe !== null && entry.probe.began < began) await entry.probe.result
    entry.probe ??= { began: ++events, result: runProbe(entry) }
    return entry.probe.result
  }
  const runProbe = async (entry: Entry): Promise<Probed | null> => {
    let result: Probed = { isHealthy: true }
    for (let repeats = 0; ; repeats++) {
      const error = await probe(entry.tenant, entry.target, closing.signal, [...entry.circuit.routes]).then(
        () => null,
        (failure: unknown) => failure ?? new Error('the probe failed'),
      )
      result = error === null ? { isHealthy: true } : probeFailureOf(error)
      // A probe that was not answered in time has been sent again already.
      const isLate = error instanceof SyncError && error.code === 'target-timeout'
      if (result.isHealthy !== false || isLate || repeats >= MAX_REPEATS || !entry.circuit.hasAnswered) break
      if (closing.signal.aborted) break
    }
    entry.probe = null
    if (closing.signal.aborted) return null
    become(entry, probed(entry.circuit, result, { at: ++events, nowMs: now(), random, inFlight: entry.inFlight }))
    return result
  }

  const ask = (entry: Entry, key: string, isSending: boolean): number | null => {
    const asking = { key, isSuspect: entry.streaks.isSuspect(key), nowMs: now(), isSending }
    const { next, retryAtMs } = asked(entry.circuit, asking)
    become(entry, next)
    return retryAtMs
  }
  const requireAdmission = (entry: Entry, key: string) => {
    const { tenant, target } = entry
    if (ask(entry, key, true) === null) return
    const message = `calling ${target}: its circuit is ${entry.circuit.phase} (${entry.circuit.cause})`
    throw new SyncError('circuit-open', message, { target, tenant: tenant.uid, outage: true })
  }

  const judge = async (entry: Entry, failing: Failing, signal: AbortSignal): Promise<'own' | 'brownout' | 'outage'> => {
    const { next, verdict } = failed(entry.circuit, failing)
    become(entry, next)
    if (verdict !== 'probe') return verdict
    const result = await unlessAborted(probeSince(entry, failing.at), signal)
    if (result === null) return 'outage'
    if (!result.isHealthy) {
      become(entry, uncleared(entry.circuit, { ...failing, nowMs: now() }))
      return 'outage'
    }
    const last = cleared(entry.circuit, { ...failing, nowMs: now() })
    become(entry, last.next)
    return last.verdict
  }

  /** Sends a request, and the circuit takes note of the end. */
  const sendNoted = async <T>(entry: Entry, { key, signal }: Call, of: Doubt, send: () => Promise<T>): Promise<T> => {
    const note = (by: string, isWrite: boolean) =>
      become(entry, answered(entry.circuit, by, { ...of, isWrite }, ++events, now()))
    become(entry, requestsChanged(entry.circuit, key, 1, now()))
    entry.inFlight++
    try {
      const result = await send().finally(() => {
        entry.inFlight--
      })
      note(key, of.isWrite)
      if (entry.streaks.succeeded(key, of.isWrite)) become(entry, recovered(entry.circuit, key, now()))
      return result
    } catch (error) {
      const kind = failureKindOf(error)
      if (kind === 'neutral') throw error
      if (kind === 'answer') {
        // A refusal shows that the target is up, not that its writes work.
        note(key, false)
        throw error
      }
      const syncError = error as SyncError
      const { retryAfterMs, blame } = syncError
      // The control read was answered on this route after the request had failed.
      if (blame === 'record') note(PROBE, false)
      const { inFlight, streaks } = entry
      const about = { kind, key, isSuspect: streaks.isSuspect(key), at: ++events, nowMs: now(), inFlight }
      streaks.failed(key, of.isWrite)
      const judged = blame === 'record' ? 'own' : await judge(entry, { ...about, ...of, retryAfterMs, random }, signal)
      const verdict = judged === 'own' && syncError.isGivenUp ? 'brownout' : judged
      Object.assign(syncError, { outage: verdict !== 'own', brownout: verdict === 'brownout' })
      throw verdict === 'own' ? asOwnAttempt(syncError) : syncError
    } finally {
      become(entry, requestsChanged(entry.circuit, key, -1, now()))
    }
  }

  return {
    admit(tenantUid, target, key) {
      const entry = entries.get(nameOf(tenantUid, target))
      const retryAtMs = entry === undefined ? null : ask(entry, key, false)
      return retryAtMs === null ? { admitted: true } : { admitted: false, retryAtMs }
    },
    state: (tenantUid, target) => entries.get(nameOf(tenantUid, target))?.circuit.phase ?? 'closed',
    onChange(listener) {
      listeners.add(listener)
      return () => void listeners.delete(listener)
    },
    list: () => [...entries.values()].map(statusOf),
    async guard(call, target, isWrite, send, route) {
      const entry = entryOf(call.tenant, target)
      const of = { isWrite, route: route ?? null }
      for (let repeats = 0; ; repeats++) {
        requireAdmission(entry, call.key)
        try {
          return await sendNoted(entry, call, of, send)
        } catch (error) {
          if (isWrite || repeats >= MAX_REPEATS || call.signal.aborted) throw error
          if (!(error instanceof SyncError) || !error.brownout) throw error
        }
      }
    },
    recheck(call, target) {
      requireAdmission(entryOf(call.tenant, target), call.key)
    },
    tenantsChanged(tenants) {
      for (const uid of gone) if (tenants.get(uid) !== undefined) gone.delete(uid)
      for (const [name, entry] of entries) {
        const tenant = tenants.get(entry.tenant.uid)
        if (tenant === undefined) {
          gone.add(entry.tenant.uid)
          entry.cancelTimer?.()
          entries.delete(name)
        } else if (tenant !== entry.tenant) {
          entry.tenant = tenant
          become(entry, hurried(entry.circuit, now()))
        }
      }
    },
    close() {
      closing.abort()
      for (const entry of entries.values()) entry.cancelTimer?.()
    },
  }
}

/** So many more keys the half-open circuit would admit. */
const roomOf = ({ phase, window, trials }: Circuit): number => (phase === 'half-open' ? window - trials.size : 0)

const statusOf = ({ tenant, target, circuit }: Entry): CircuitStatus => ({
  tenant: tenant.uid,
  target,
  state: circuit.phase,
  cause: circuit.cause,
  sinceMs: circuit.sinceMs,
  retryAtMs: circuit.phase === 'open' ? circuit.retryAtMs : null,
})
