import type { Route } from '../absences/route.ts'
import { type Cause, type Circuit, closed, type Doubt, opened } from './circuit-state.ts'
import { type Answers, answeredSince, noAnswers, withAnswer } from './evidence.ts'

/**
 * The circuit's decisions, as pure functions over its state: who may send, and whether a failure is the key's own or the
 * target's. `at` and `began` count events, so that what came first is known even within a millisecond.
 */

/**
 * - `doubtful`: a 5xx, a timeout, a reset, an answer that makes no sense: it may be the record's doing or the target's
 * - `route-down`: a control read has shown that the route does not work
 */
export type FailureKind = 'unreachable' | 'route-down' | 'unauthorized' | 'forbidden' | 'doubtful'
/** `own`: an attempt of the key. `outage`: says nothing about it. `probe`: ask the probe, then `cleared` or `probed`. */
export type Verdict = 'own' | 'outage' | 'probe'

/** What is known of a key: `isSuspect` has failed before on its own account. */
export interface Asking {
  readonly key: string
  readonly isSuspect: boolean
  readonly nowMs: number
}
export interface Failing extends Asking {
  readonly kind: FailureKind
  readonly isWrite: boolean
  readonly route: Route | null
  /** When the request began. */
  readonly began: number
  readonly retryAfterMs?: number | undefined
  readonly random: () => number
}

/** So many keys failing in a row are the target's failure, even if its reads work. */
export const SEVERAL = 3
/** So many keys may be blamed on the probe's word alone: what a long outage of writes costs at most. */
export const MAX_BLAMED = 5
const MAX_OPENERS = 200
const GRACE_MS = 500
const TRIAL_IDLE_MS = 1_000
const ASK_AGAIN_MS = 1_000
const MAX_INCONCLUSIVE = 5

/**
 * May the key send? A half-open circuit makes it the trial by saying so. `retryAtMs`: when asking again makes sense.
 * `isSending`: it would send right now, and takes the turn of a trial that has not sent anything yet (what that does
 * before may take longer than its turn, so that nobody's turn would ever decide).
 */
export function asked(
  circuit: Circuit,
  { key, isSuspect, nowMs, isSending = false }: Asking & { readonly isSending?: boolean },
): { next: Circuit; retryAtMs: number | null } {
  if (circuit.phase === 'closed') return { next: circuit, retryAtMs: null }
  if (circuit.phase === 'open') {
    return { next: circuit, retryAtMs: Math.max(circuit.retryAtMs, nowMs + (circuit.isProbing ? ASK_AGAIN_MS : 1)) }
  }
  const { trial } = circuit
  if (trial?.key === key) return { next: circuit, retryAtMs: null }
  const isFresh = !isSuspect && !circuit.openers.has(key)
  if (trial !== null && (trial.hasSent || !isSending)) {
    // A fresh key that asks now gets its chance before the failed ones.
    const next = isFresh ? { ...circuit, graceUntilMs: nowMs + GRACE_MS } : circuit
    return { next, retryAtMs: nowMs + ASK_AGAIN_MS }
  }
  if (!isFresh && nowMs < circuit.graceUntilMs) return { next: circuit, retryAtMs: circuit.graceUntilMs }
  const started = { key, requests: 0, hasSent: false, wasAnswered: false, untilMs: nowMs + TRIAL_IDLE_MS }
  return { next: { ...circuit, trial: started }, retryAtMs: null }
}

/** A request of the key begins (`by` 1) or is over (-1), its verdict included. */
export function requestsChanged(circuit: Circuit, key: string, by: 1 | -1, nowMs: number): Circuit {
  if (circuit.trial?.key !== key) return circuit
  const requests = Math.max(0, circuit.trial.requests + by)
  return { ...circuit, trial: { ...circuit.trial, requests, hasSent: true, untilMs: nowMs + TRIAL_IDLE_MS } }
}

/** The target answered a request of the key. An answer of one route says nothing about the other routes. */
export function answered(circuit: Circuit, key: string, { isWrite, route }: Doubt, at: number, nowMs: number): Circuit {
  const evidence = isWrite
    ? { writes: withAnswerOf(circuit.writes, route, key, at) }
    : { reads: withAnswerOf(circuit.reads, route, key, at) }
  const { doubts, blamed, routes } = circuit
  const next = {
    ...circuit,
    ...evidence,
    doubts: doubts.size === 0 ? doubts : remaining(doubts, { isWrite, route }),
    blamed: blamed.size === 0 ? blamed : remaining(blamed, { isWrite, route }),
  }
  if (circuit.phase === 'closed') {
    return {
      ...next,
      openings: 0,
      routes: routes.size === 0 ? routes : new Set([...routes].filter((r) => r !== route)),
    }
  }
  const isOfFailedRoute = route === null || routes.size === 0 || routes.has(route)
  const counts = isOfFailedRoute && (isWrite || !circuit.needsWrite)
  const isTrial = circuit.trial?.key === key
  const rebuts = isTrial || !circuit.openers.has(key)
  const wasOpenedByKeys = circuit.cause === 'several-keys' || circuit.cause === 'forbidden'
  if (counts && rebuts && (circuit.phase === 'half-open' || wasOpenedByKeys)) {
    return closed({ ...next, openings: 0 }, nowMs)
  }
  return isTrial && circuit.trial ? { ...next, trial: { ...circuit.trial, wasAnswered: true } } : next
}

/** A request failed: whose failure is it? */
export function failed(before: Circuit, failing: Failing): { next: Circuit; verdict: Verdict } {
  const { kind, key, isSuspect, route, isWrite } = failing
  const circuit = route === null ? before : { ...before, routes: new Set(before.routes).add(route) }
  if (circuit.phase === 'open') {
    return outage(isMayBeOwn(kind) ? { ...circuit, openers: withOpener(circuit, failing) } : circuit)
  }
  if (!isMayBeOwn(kind)) return outage(opened(circuit, kind === 'route-down' ? 'failing' : kind, failing))
  if (circuit.phase === 'half-open') return failedHalfOpen(circuit, failing)
  if (kind === 'forbidden' && !isSuspect) {
    return outage(opened(circuit, 'forbidden', failing, new Map([[key, { isWrite, route }]])))
  }
  return failedClosed(circuit, failing)
}

function failedClosed(circuit: Circuit, failing: Failing): { next: Circuit; verdict: Verdict } {
  const { key, isWrite, route, isSuspect, began } = failing
  const doubt = { isWrite: isWrite || !!circuit.doubts.get(key)?.isWrite, route }
  const doubts = isSuspect ? circuit.doubts : new Map(circuit.doubts).set(key, doubt)
  const next = { ...circuit, doubts }
  // Asked before the evidence: at the start of an outage, many requests began before the last answer came.
  if (doubts.size >= SEVERAL) return outage(opened(next, 'several-keys', failing, doubts))
  const since = (answers: Circuit['reads']) => answeredSince(answers.get(route) ?? noAnswers, key, began)
  const isRebutted = since(circuit.writes) || (!isWrite && since(circuit.reads))
  if (isRebutted) return { next, verdict: 'own' }
  if (!mayBlame(circuit, key)) {
    return outage(opened(next, 'several-keys', failing, new Map(doubts).set(key, { isWrite, route })))
  }
  return { next, verdict: 'probe' }
}

function failedHalfOpen(circuit: Circuit, failing: Failing): { next: Circuit; verdict: Verdict } {
  const { key, isSuspect } = failing
  const openers = withOpener(circuit, failing)
  if (circuit.trial?.key !== key) return outage({ ...circuit, openers })
  const hadItsChance = isSuspect || circuit.openers.has(key)
  if (hadItsChance && mayBlame(circuit, key)) return { next: circuit, verdict: 'probe' }
  const needsWrite = circuit.needsWrite || failing.isWrite
  return outage(opened({ ...circuit, openers, needsWrite }, circuit.cause ?? 'several-keys', failing))
}

/** The probe that a `probe` verdict asked for succeeded: the key's own failure, unless more has become known meanwhile. */
export function cleared(circuit: Circuit, failing: Failing): { next: Circuit; verdict: 'own' | 'outage' } {
  const { key, isSuspect, isWrite, route, nowMs } = failing
  const isStale = circuit.phase === 'open' || (circuit.phase === 'half-open' && circuit.trial?.key !== key)
  if (isStale) return outage(circuit)
  if (!mayBlame(circuit, key))
    return outage(opened(circuit, 'several-keys', failing, new Map([[key, { isWrite, route }]])))
  const next = { ...circuit, blamed: new Map(circuit.blamed).set(key, { isWrite, route }) }
  if (circuit.phase === 'closed') return { next, verdict: 'own' }
  // A suspect says nothing new about the target; the first failure of another opener does.
  if (!isSuspect) return { next: opened(next, circuit.cause ?? 'several-keys', failing), verdict: 'own' }
  return { next: { ...next, trial: null, graceUntilMs: nowMs + GRACE_MS }, verdict: 'own' }
}

/** `isHealthy` null: the probe was refused by a limit, so the target is probed again before anything is decided. */
export type Probed =
  | { readonly isHealthy: true }
  | { readonly isHealthy: null; readonly retryAfterMs?: number | undefined }
  | { readonly isHealthy: false; readonly cause: Cause; readonly retryAfterMs?: number | undefined }

/** The probe ended. */
export function probed(circuit: Circuit, result: Probed, nowMs: number, random: () => number): Circuit {
  // Of a probe that was made for a verdict, an open circuit has taken note already.
  if (circuit.phase === 'open' && !circuit.isProbing) return circuit
  if (result.isHealthy === null) {
    const { cause, phase } = circuit
    return cause === null || phase !== 'open'
      ? circuit
      : opened(circuit, cause, { nowMs, random, retryAfterMs: result.retryAfterMs })
  }
  if (!result.isHealthy) {
    return opened(circuit, result.cause, { nowMs, random, retryAfterMs: result.retryAfterMs })
  }
  if (circuit.phase !== 'open') return circuit
  if (circuit.openers.size === 0) return closed(circuit, nowMs)
  return {
    ...circuit,
    phase: 'half-open',
    sinceMs: nowMs,
    isProbing: false,
    trial: null,
    graceUntilMs: nowMs + GRACE_MS,
    inconclusive: 0,
  }
}

/** When `ticked` has something to do; null when never. */
export function dueAtMs(circuit: Circuit, nowMs: number): number | null {
  if (circuit.phase === 'closed' || circuit.isProbing) return null
  if (circuit.phase === 'open') return circuit.retryAtMs
  if (circuit.trial !== null) return circuit.trial.requests > 0 ? null : circuit.trial.untilMs
  return circuit.graceUntilMs > nowMs ? circuit.graceUntilMs : null
}

/** Time has passed: the probe of an open circuit begins, the turn of a trial that has gone quiet ends. */
export function ticked(circuit: Circuit, nowMs: number): Circuit {
  if (circuit.phase === 'open') return nowMs < circuit.retryAtMs ? circuit : { ...circuit, isProbing: true }
  const { trial } = circuit
  if (trial === null || trial.requests > 0 || nowMs < trial.untilMs) return circuit
  const inconclusive = circuit.inconclusive + (trial.wasAnswered ? 1 : 0)
  // Nobody writes, so nothing would ever close it; should writes still fail, they open it again.
  if (inconclusive >= MAX_INCONCLUSIVE) return closed(circuit, nowMs)
  return { ...circuit, trial: null, inconclusive, graceUntilMs: nowMs + GRACE_MS }
}

const outage = (next: Circuit): { next: Circuit; verdict: 'outage' } => ({ next, verdict: 'outage' })
const isMayBeOwn = (kind: FailureKind) => kind === 'doubtful' || kind === 'forbidden'
const mayBlame = ({ blamed }: Circuit, key: string) => blamed.has(key) || blamed.size < MAX_BLAMED

const withOpener = ({ openers }: Circuit, { key, isSuspect }: Asking): ReadonlySet<string> =>
  isSuspect || openers.size >= MAX_OPENERS ? openers : new Set(openers).add(key)

/** What an answer leaves: failures of other routes, and failures of writes unless the answer is a write's. */
const remaining = (failures: ReadonlyMap<string, Doubt>, { isWrite, route }: Doubt): ReadonlyMap<string, Doubt> =>
  new Map([...failures].filter(([, failure]) => failure.route !== route || (failure.isWrite && !isWrite)))

const withAnswerOf = (
  answers: ReadonlyMap<Route | null, Answers>,
  route: Route | null,
  key: string,
  at: number,
): ReadonlyMap<Route | null, Answers> =>
  new Map(answers).set(route, withAnswer(answers.get(route) ?? noAnswers, key, at))
