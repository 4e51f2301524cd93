import type { Route } from '../absences/route.ts'
import { backoffAtLeastHalf } from '../backoff.ts'
import { PROBE, type RequestEnd } from './request-ends.ts'

/**
 * The state of one tenant's circuit at one target. Points in time are ms by the steady clock.
 *
 * - closed: every key sends. A target that fails now and then (a brownout) leaves the circuit closed.
 * - open: no key sends, and no failure counts as an attempt. After a growing wait the probe, a cheap read, decides.
 * - half-open: a probe succeeded. A window of keys is admitted. The window doubles with each success and is halved by each
 *   failure. Keys that did not open the circuit go first.
 */
export type Phase = 'closed' | 'open' | 'half-open'
/** What of a key failed. `route`: null for a request that belongs to no route. */
export interface Doubt {
  readonly isWrite: boolean
  readonly route: Route | null
}
interface CountedDoubt extends Doubt {
  readonly times: number
  /** A read has shown that the record is not to blame. */
  readonly isProven: boolean
}

export type Cause = 'unreachable' | 'unauthorized' | 'forbidden' | 'failing' | 'several-keys'

export interface Circuit {
  readonly phase: Phase
  readonly cause: Cause | null
  readonly sinceMs: number
  /** Open: when the probe is due. */
  readonly retryAtMs: number
  readonly isProbing: boolean
  /** Times opened since it was closed last. */
  readonly openings: number
  /** Keys whose failures opened it. If only writes failed (`needsWrite`), only the answer to a write closes it. */
  readonly openers: ReadonlySet<string>
  readonly needsWrite: boolean
  /** The newest ends of requests and probes, oldest first. Emptied when it opens. */
  readonly ends: readonly RequestEnd[]
  /** The last two keys that were answered after they had failed. Such keys show that the target fails now and then. */
  readonly recovered: readonly { readonly key: string; readonly atMs: number }[]
  /** Whether a key was answered since the circuit opened last, or shortly before. Then the target may fail only now and then. */
  readonly hasAnswered: boolean
  /** Keys that failed since a key was answered on the same route. */
  readonly doubts: ReadonlyMap<string, CountedDoubt>
  /** Keys blamed on the probe's word alone since another key was answered on the same route. */
  readonly blamed: ReadonlyMap<string, Doubt>
  /** Routes that failed and were not answered since. The probe reads by them: other routes may work all the time. */
  readonly routes: ReadonlySet<Route>
  /** How many keys may try at once while the circuit is half-open. */
  readonly window: number
  readonly trials: ReadonlyMap<string, Trial>
  /** Half-open: until then, keys that did not open it are waited for. */
  readonly graceUntilMs: number
  /** Trials in a row that ended without an answer that could close it. */
  readonly inconclusive: number
}

/** A key that a half-open circuit admitted. */
export interface Trial {
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
  ends: [],
  recovered: [],
  hasAnswered: false,
  doubts: new Map(),
  blamed: new Map(),
  routes: new Set(),
  window: 1,
  trials: new Map(),
  graceUntilMs: 0,
  inconclusive: 0,
})

/** The circuit opened, for a `Retry-After` or a growing wait. The keys that failed since the last answer opened it. */
export function opened(
  circuit: Circuit,
  cause: Cause,
  { nowMs, random, retryAfterMs }: { nowMs: number; random: () => number; retryAfterMs?: number | undefined },
): Circuit {
  const { doubts } = circuit
  // The wait does not grow for a target that has answered since the last opening, because it is not down all the time.
  const needsWrite = circuit.needsWrite || isOfWritesOnly(circuit.ends)
  const isSuccess = ({ key, isFailure, isWrite }: RequestEnd) => !isFailure && key !== PROBE && (isWrite || !needsWrite)
  const hasAnswered = circuit.phase === 'open' ? circuit.hasAnswered : circuit.ends.some(isSuccess)
  const openings = circuit.phase === 'half-open' && hasAnswered ? 0 : circuit.openings
  const waitMs =
    retryAfterMs === undefined
      ? backoffAtLeastHalf(openings, { ...WAIT, random })
      : Math.max(LEAST_MS, retryAfterMs + Math.floor((random() * retryAfterMs) / 10))
  return {
    ...circuit,
    phase: 'open',
    cause,
    sinceMs: circuit.phase === 'closed' ? nowMs : circuit.sinceMs,
    retryAtMs: nowMs + waitMs,
    isProbing: false,
    openings: openings + 1,
    openers: doubts.size === 0 ? circuit.openers : new Set([...circuit.openers, ...doubts.keys()]),
    needsWrite,
    ends: [],
    hasAnswered,
    doubts: new Map(),
    window: 1,
    trials: new Map(),
  }
}

const isOfWritesOnly = (ends: readonly RequestEnd[]): boolean => {
  const failures = ends.filter(({ isFailure }) => isFailure)
  return failures.length > 0 && failures.every(({ isWrite }) => isWrite)
}

/** An open circuit is probed now, and waits from the beginning if that fails. */
export const hurried = (circuit: Circuit, nowMs: number): Circuit =>
  circuit.phase === 'open' ? { ...circuit, retryAtMs: nowMs, openings: 0 } : circuit

export const closed = (circuit: Circuit, nowMs: number): Circuit => ({
  ...circuit,
  phase: 'closed',
  cause: null,
  sinceMs: nowMs,
  isProbing: false,
  openings: 0,
  openers: new Set(),
  needsWrite: false,
  doubts: new Map(),
  routes: new Set(),
  window: 1,
  trials: new Map(),
  inconclusive: 0,
})

export const withTrial = (circuit: Circuit, key: string, trial: Trial): Circuit => ({
  ...circuit,
  trials: new Map(circuit.trials).set(key, trial),
})

export const withAnsweredTrial = (circuit: Circuit, key: string): Circuit => {
  const trial = circuit.trials.get(key)
  return trial === undefined ? circuit : withTrial(circuit, key, { ...trial, wasAnswered: true })
}

export const withoutTrial = (circuit: Circuit, key: string): Circuit =>
  circuit.trials.has(key)
    ? { ...circuit, trials: new Map([...circuit.trials].filter(([name]) => name !== key)) }
    : circuit
