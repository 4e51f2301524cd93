import type { Route } from '../absences/route.ts'
import { backoffAtLeastHalf } from '../backoff.ts'
import type { Answers } from './evidence.ts'

/**
 * The state of one tenant's circuit at one target. Points in time are ms since the epoch.
 *
 * - closed: everybody sends. Failures cast `doubts`, one for each key; answers clear them.
 * - open: nobody sends, nothing counts as an attempt. After a growing wait the probe, a cheap read, decides what is next.
 * - half-open: reads work, but several keys failed. One key at a time, the `trial`, is admitted; keys that did not open
 *   the circuit go first.
 */
export type Phase = 'closed' | 'open' | 'half-open'
/** What of a key failed. `route`: null for a request that belongs to no route. */
export interface Doubt {
  readonly isWrite: boolean
  readonly route: Route | null
}

export type Cause = 'unreachable' | 'unauthorized' | 'forbidden' | 'failing' | 'several-keys'

export interface Circuit {
  readonly phase: Phase
  readonly cause: Cause | null
  readonly sinceMs: number
  /** Open: when the probe is due. */
  readonly retryAtMs: number
  readonly isProbing: boolean
  /** Times opened without an answer to a key in between. */
  readonly openings: number
  /** Keys whose failures opened it, and whether a write was among those: then only a write's answer closes it. */
  readonly openers: ReadonlySet<string>
  readonly needsWrite: boolean
  /** Keys that failed since another key was answered on the same route. */
  readonly doubts: ReadonlyMap<string, Doubt>
  /** Keys blamed on the probe's word alone since another key was answered on the same route. */
  readonly blamed: ReadonlyMap<string, Doubt>
  /** Routes that failed and were not answered since. The probe reads by them: other routes may work all the time. */
  readonly routes: ReadonlySet<Route>
  readonly reads: ReadonlyMap<Route | null, Answers>
  readonly writes: ReadonlyMap<Route | null, Answers>
  readonly trial: Trial | null
  /** Half-open: until then, keys that did not open it are waited for. */
  readonly graceUntilMs: number
  /** Trials in a row that ended without an answer that could close it. */
  readonly inconclusive: number
}

export interface Trial {
  readonly key: string
  /** Under way now. */
  readonly requests: number
  readonly hasSent: boolean
  readonly wasAnswered: boolean
  /** Without a request under way, the next key's turn comes then. */
  readonly untilMs: number
}

const WAIT = { baseMs: 1_000, capMs: 20_000 }
/** A `Retry-After: 0` must not become a loop. */
const LEAST_MS = 250

export const createCircuit = (nowMs: number): Circuit => ({
  phase: 'closed',
  cause: null,
  sinceMs: nowMs,
  retryAtMs: 0,
  isProbing: false,
  openings: 0,
  openers: new Set(),
  needsWrite: false,
  doubts: new Map(),
  blamed: new Map(),
  routes: new Set(),
  reads: new Map(),
  writes: new Map(),
  trial: null,
  graceUntilMs: 0,
  inconclusive: 0,
})

/** The circuit opened, for a `Retry-After` or a growing wait; `by` adds keys that opened it, and whether they wrote. */
export function opened(
  circuit: Circuit,
  cause: Cause,
  { nowMs, random, retryAfterMs }: { nowMs: number; random: () => number; retryAfterMs?: number | undefined },
  by: ReadonlyMap<string, Doubt> = new Map(),
): Circuit {
  const waitMs =
    retryAfterMs === undefined
      ? backoffAtLeastHalf(circuit.openings, { ...WAIT, random })
      : Math.max(LEAST_MS, retryAfterMs + Math.floor((random() * retryAfterMs) / 10))
  return {
    ...circuit,
    phase: 'open',
    cause,
    sinceMs: circuit.phase === 'closed' ? nowMs : circuit.sinceMs,
    retryAtMs: nowMs + waitMs,
    isProbing: false,
    openings: circuit.openings + 1,
    openers: new Set([...circuit.openers, ...by.keys()]),
    needsWrite: circuit.needsWrite || [...by.values()].some(({ isWrite }) => isWrite),
    doubts: new Map(),
    trial: null,
  }
}

/** What kept it open may be over: it is probed at once, and if it fails again the waits begin anew. */
export const hurried = (circuit: Circuit, nowMs: number): Circuit =>
  circuit.phase === 'open' ? { ...circuit, retryAtMs: nowMs, openings: 0 } : circuit

export const closed = (circuit: Circuit, nowMs: number): Circuit => ({
  ...circuit,
  phase: 'closed',
  cause: null,
  sinceMs: nowMs,
  isProbing: false,
  openers: new Set(),
  needsWrite: false,
  doubts: new Map(),
  routes: new Set(),
  trial: null,
})
