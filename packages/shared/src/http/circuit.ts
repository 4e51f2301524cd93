import type { Route } from '../absences/route.ts'
import {
  type Cause,
  type Circuit,
  closed,
  type Doubt,
  opened,
  withAnsweredTrial,
  withoutTrial,
  withTrial,
} from './circuit-state.ts'
import {
  isFailingInARow,
  isMostlyFailing,
  isMostlyWorking,
  LEAST_KEYS,
  otherKeys,
  PROBE,
  type RequestEnd,
  withEnd,
} from './request-ends.ts'

/**
 * The circuit's decisions, as pure functions over its state: who may send, and whether a failure is the key's own or the
 * target's. The rules are those of design/3-runtime.md, "Outages and circuits". `at` counts events, so that the order is
 * known even within a millisecond.
 */

/**
 * - `doubtful`: a 5xx, a timeout, a reset, an answer that makes no sense: it may be the record's doing or the target's
 * - `route-down`: a control read has shown that the route does not work
 */
export type FailureKind = 'unreachable' | 'route-down' | 'unauthorized' | 'forbidden' | 'doubtful'
/**
 * - `own`: an attempt of the key
 * - `brownout`: other keys fail too, now and then. No attempt, for an hour at most
 * - `outage`: the target is down. No attempt, however long that is
 * - `probe`: ask the probe, then `cleared` or `probed`
 */
export type Verdict = 'own' | 'brownout' | 'outage' | 'probe'

/** A key that asks. A suspect has failed several times in a row. */
export interface Asking {
  readonly key: string
  readonly isSuspect: boolean
  readonly nowMs: number
}
export interface Failing extends Asking {
  readonly kind: FailureKind
  readonly isWrite: boolean
  readonly route: Route | null
  /** When the request failed. */
  readonly at: number
  readonly retryAfterMs?: number | undefined
  readonly random: () => number
  /** Other requests of the tenant to the target that have no answer yet. */
  readonly inFlight: number
}

/** So many failures of several keys in a row are the target's failure, even if the probe's read works. */
export const IN_A_ROW = 10
/** So many keys may be blamed on the probe's word alone: what a long outage of writes costs at most. */
export const MAX_BLAMED = 5
/** A window of so many keys is no limit any more. */
export const FULL_WINDOW = 32
/** Keys that recovered since then show that the target fails now and then. */
const RECOVERY_MS = 60_000
const MAX_OPENERS = 200
const GRACE_MS = 500
const TRIAL_IDLE_MS = 1_000
const ASK_AGAIN_MS = 1_000
const MAX_INCONCLUSIVE = 5

/**
 * May the key send? A half-open circuit makes it a trial by saying so. `retryAtMs`: when asking again makes sense.
 * `isSending`: it would send right now, and takes the turn of a trial that has not sent anything yet (what that does
 * before may take longer than its turn, so that nobody's turn would ever decide).
 */
export function asked(
  circuit: Circuit,
  { key, isSuspect, nowMs, isSending = false }: Asking & { readonly isSending?: boolean },
): { next: Circuit; retryAtMs: number | null } {
  const { phase, trials } = circuit
  if (phase === 'closed' || trials.has(key)) return { next: circuit, retryAtMs: null }
  if (phase === 'open') {
    return { next: circuit, retryAtMs: Math.max(circuit.retryAtMs, nowMs + (circuit.isProbing ? ASK_AGAIN_MS : 1)) }
  }
  const isFresh = !isSuspect && !circuit.openers.has(key)
  const isFull = trials.size >= circuit.window
  const unsent = isFull && isSending ? [...trials].find(([, { hasSent }]) => !hasSent) : undefined
  if (isFull && unsent === undefined) {
    // A fresh key that asks now gets its chance before the failed ones.
    const next = isFresh ? { ...circuit, graceUntilMs: nowMs + GRACE_MS } : circuit
    return { next, retryAtMs: nowMs + ASK_AGAIN_MS }
  }
  if (!isFresh && nowMs < circuit.graceUntilMs) return { next: circuit, retryAtMs: circuit.graceUntilMs }
  const next = new Map(trials)
  if (unsent !== undefined) next.delete(unsent[0])
  next.set(key, { requests: 0, hasSent: false, wasAnswered: false, untilMs: nowMs + TRIAL_IDLE_MS })
  return { next: { ...circuit, trials: next }, retryAtMs: null }
}

/** A request of the key begins (`by` 1) or is over (-1), its verdict included. */
export function requestsChanged(circuit: Circuit, key: string, by: 1 | -1, nowMs: number): Circuit {
  const trial = circuit.trials.get(key)
  if (trial === undefined) return circuit
  const requests = Math.max(0, trial.requests + by)
  return withTrial(circuit, key, { ...trial, requests, hasSent: true, untilMs: nowMs + TRIAL_IDLE_MS })
}

/** The target answered a request of the key. An answer of one route says nothing about the other routes. */
export function answered(before: Circuit, key: string, doubt: Doubt, at: number, nowMs: number): Circuit {
  const { isWrite, route } = doubt
  if (before.phase === 'open') return before
  const { doubts, blamed } = before
  const circuit = {
    ...before,
    ends: withEnd(before.ends, { key, isFailure: false, ...doubt, at, atMs: nowMs }),
    hasAnswered: true,
    doubts: doubts.size === 0 ? doubts : remaining(doubts, doubt),
    blamed: blamed.size === 0 ? blamed : remaining(blamed, doubt),
  }
  if (before.phase === 'closed') return withoutRoute(circuit, route)
  const isOfFailedRoute = route === null || before.routes.size === 0 || before.routes.has(route)
  if (isOfFailedRoute && (isWrite || !before.needsWrite)) {
    const window = before.window * 2
    const isOver = window >= FULL_WINDOW || isMostlyWorking(circuit.ends, nowMs)
    return isOver ? closed(circuit, nowMs) : withAnsweredTrial({ ...circuit, window }, key)
  }
  return withAnsweredTrial(circuit, key)
}

/** A key was answered that had failed before. */
export function recovered(circuit: Circuit, key: string, nowMs: number): Circuit {
  const others = circuit.recovered.filter((each) => each.key !== key)
  return { ...circuit, recovered: [...others.slice(-1), { key, atMs: nowMs }] }
}

const othersOf = ({ ends, recovered, doubts }: Circuit, failing: Failing) => {
  const { key, isWrite, nowMs } = failing
  const lately = recovered.filter(({ atMs }) => atMs > nowMs - RECOVERY_MS)
  const others = otherKeys(ends, failing, { nowMs, countsSuspects: lately.length > 1 })
  const isDown = [...doubts].some(([other, doubt]) => other !== key && doubt.isProven && doubt.isWrite === isWrite)
  const anyRecovered = lately.some((other) => other.key !== key)
  return { ...others, anyFailed: others.anyFailed || isDown, anyRecovered }
}

/** A request failed: whose failure is it? */
export function failed(before: Circuit, failing: Failing): { next: Circuit; verdict: Verdict } {
  if (before.phase === 'open') return { next: withOpener(before, failing), verdict: 'outage' }
  const circuit = withFailure(before, failing)
  const cause = openingCauseOf(circuit, failing)
  if (cause !== null) return { next: opened(circuit, cause, failing), verdict: 'outage' }
  if (failing.kind === 'route-down') return { next: circuit, verdict: 'outage' }
  const others = othersOf(circuit, failing)
  const mayBeOutage = isFailingInARow(circuit.ends, failing, failing.nowMs, failing.inFlight) || !others.anyAnswered
  const mayBeOwn = others.work || !others.anyFailed
  return { next: circuit, verdict: mayBeOutage || mayBeOwn ? 'probe' : 'brownout' }
}

/** Notes the failure. The window of a half-open circuit shrinks, and the turn of the key ends. */
function withFailure(circuit: Circuit, failing: Failing): Circuit {
  const { key, kind, isWrite, route, isSuspect, at, nowMs } = failing
  const isHalfOpen = circuit.phase === 'half-open'
  // A failure of a suspect says nothing about a target that works. A half-open circuit does not know yet that its target works.
  const says = !isSuspect || isHalfOpen
  const end: RequestEnd = { key, isFailure: true, isSuspect, isWrite, route, at, atMs: nowMs }
  let { ends, doubts } = circuit
  ends = withEnd(ends, end)
  if (says) {
    // The control read that failed counts as a probe.
    if (kind === 'route-down') ends = withEnd(ends, { ...end, key: PROBE })
    const known = doubts.get(key)
    const doubt = {
      ...{ route, isWrite: isWrite || known?.isWrite === true, times: (known?.times ?? 0) + 1 },
      isProven: kind === 'route-down' || known?.isProven === true,
    }
    doubts = new Map(doubts).set(key, doubt)
  }
  const next = {
    ...(isHalfOpen ? withOpener(withoutTrial(circuit, key), failing) : circuit),
    ends,
    doubts,
    routes: route === null ? circuit.routes : new Set(circuit.routes).add(route),
  }
  return isHalfOpen ? { ...next, window: Math.max(1, Math.floor(circuit.window / 2)) } : next
}

/** The cause by which the circuit opens, or null when it stays as it is. */
function openingCauseOf({ ends, doubts }: Circuit, failing: Failing): Cause | null {
  const { kind, nowMs, inFlight } = failing
  if (isMostlyFailing(ends, nowMs, inFlight)) return causeOf(kind)
  if (kind === 'route-down' && isFailingInARow(ends, failing, nowMs, inFlight)) return 'failing'
  const times = [...doubts.values()].reduce((sum, doubt) => sum + doubt.times, 0)
  return doubts.size >= LEAST_KEYS && times >= IN_A_ROW + inFlight ? 'several-keys' : null
}

const causeOf = (kind: FailureKind): Cause => (kind === 'doubtful' || kind === 'route-down' ? 'failing' : kind)

/** The probe of a `probe` verdict succeeded. The failure is the key's own, unless other keys have failed meanwhile. */
export function cleared(circuit: Circuit, failing: Failing): { next: Circuit; verdict: 'own' | 'brownout' | 'outage' } {
  const { key, isWrite, route, kind } = failing
  if (circuit.phase === 'open') return { next: circuit, verdict: 'outage' }
  const { work, anyFailed, anyRecovered, failedSince } = othersOf(circuit, failing)
  // A request that was never sent cannot have failed because of its record.
  if (kind === 'unreachable' || failedSince || (!work && anyFailed)) return { next: circuit, verdict: 'brownout' }
  if (work) return { next: circuit, verdict: 'own' }
  if (anyRecovered) return { next: circuit, verdict: 'brownout' }
  const { blamed } = circuit
  if (!blamed.has(key) && blamed.size >= MAX_BLAMED) return { next: circuit, verdict: 'brownout' }
  return { next: { ...circuit, blamed: new Map(blamed).set(key, { isWrite, route }) }, verdict: 'own' }
}

/** The probe that a `probe` verdict asked for did not succeed. Credentials are refused to everybody, and not now and then. */
export const uncleared = (circuit: Circuit, failing: Failing): Circuit =>
  failing.kind === 'unauthorized' && circuit.phase !== 'open' ? opened(circuit, 'unauthorized', failing) : circuit

/** `isHealthy` null: the probe was refused by a limit, so the target is probed again before anything is decided. */
export type Probed =
  | { readonly isHealthy: true }
  | { readonly isHealthy: null; readonly retryAfterMs?: number | undefined }
  | { readonly isHealthy: false; readonly cause: Cause; readonly retryAfterMs?: number | undefined }

/** The probe ended. */
export function probed(
  before: Circuit,
  result: Probed,
  { at, nowMs, random, inFlight }: Pick<Failing, 'at' | 'nowMs' | 'random' | 'inFlight'>,
): Circuit {
  if (before.phase === 'open') return probedOpen(before, result, nowMs, random)
  if (result.isHealthy === null) return before
  const end: RequestEnd = { key: PROBE, isFailure: !result.isHealthy, isWrite: false, route: null, at, atMs: nowMs }
  const circuit = { ...before, ends: withEnd(before.ends, end) }
  if (result.isHealthy) return circuit
  const kinds = [null, ...circuit.routes].flatMap((route) => [true, false].map((isWrite) => ({ route, isWrite })))
  const isInARow = kinds.some((kind) => isFailingInARow(circuit.ends, kind, nowMs, inFlight))
  const isOutage = isInARow || isMostlyFailing(circuit.ends, nowMs, inFlight)
  const { retryAfterMs } = result
  return isOutage ? opened(circuit, result.cause, { nowMs, random, retryAfterMs }) : circuit
}

function probedOpen(circuit: Circuit, result: Probed, nowMs: number, random: () => number): Circuit {
  // Of a probe that was made for a verdict, an open circuit has taken note already.
  if (!circuit.isProbing) return circuit
  if (result.isHealthy !== true) {
    const cause = result.isHealthy === null ? (circuit.cause ?? 'failing') : result.cause
    return opened(circuit, cause, { nowMs, random, retryAfterMs: result.retryAfterMs })
  }
  // Credentials that a read is allowed with are good for all keys.
  if (circuit.openers.size === 0 || circuit.cause === 'unauthorized') return closed(circuit, nowMs)
  return {
    ...circuit,
    ...{ phase: 'half-open', sinceMs: nowMs, isProbing: false },
    ...{ window: 1, trials: new Map(), graceUntilMs: nowMs + GRACE_MS, inconclusive: 0 },
  }
}

/** When `ticked` has something to do; null when never. */
export function dueAtMs(circuit: Circuit, nowMs: number): number | null {
  if (circuit.phase === 'closed' || circuit.isProbing) return null
  if (circuit.phase === 'open') return circuit.retryAtMs
  const dues = [...circuit.trials.values()].filter(({ requests }) => requests === 0).map(({ untilMs }) => untilMs)
  if (circuit.graceUntilMs > nowMs) dues.push(circuit.graceUntilMs)
  return dues.length === 0 ? null : Math.min(...dues)
}

/** Time has passed. The probe of an open circuit begins, and the turns of trials without a request end. */
export function ticked(circuit: Circuit, nowMs: number): Circuit {
  if (circuit.phase === 'open') return nowMs < circuit.retryAtMs ? circuit : { ...circuit, isProbing: true }
  const over = [...circuit.trials].filter(([, { requests, untilMs }]) => requests === 0 && untilMs <= nowMs)
  if (over.length === 0) return circuit
  const inconclusive = circuit.inconclusive + over.filter(([, { wasAnswered }]) => wasAnswered).length
  // More keys succeeded than failed lately, and no key asks for its turn.
  const isUnused = circuit.window > 1 && over.length === circuit.trials.size
  // Nobody writes, so nothing would ever close it; should writes still fail, they open it again.
  if (isUnused || inconclusive >= MAX_INCONCLUSIVE) return closed(circuit, nowMs)
  const gone = new Set(over.map(([key]) => key))
  const trials = new Map([...circuit.trials].filter(([key]) => !gone.has(key)))
  return { ...circuit, trials, inconclusive, graceUntilMs: nowMs + GRACE_MS }
}

const withOpener = (circuit: Circuit, { key, isSuspect }: Asking): Circuit =>
  isSuspect || circuit.openers.size >= MAX_OPENERS
    ? circuit
    : { ...circuit, openers: new Set(circuit.openers).add(key) }

const withoutRoute = (circuit: Circuit, route: Route | null): Circuit =>
  route !== null && circuit.routes.has(route)
    ? { ...circuit, routes: new Set([...circuit.routes].filter((each) => each !== route)) }
    : circuit

/** What an answer leaves: failures of other routes, and failures of writes unless the answer is a write's. */
const remaining = <D extends Doubt>(
  failures: ReadonlyMap<string, D>,
  { isWrite, route }: Doubt,
): ReadonlyMap<string, D> =>
  new Map([...failures].filter(([, failure]) => failure.route !== route || (failure.isWrite && !isWrite)))
