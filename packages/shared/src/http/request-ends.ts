import type { Route } from '../absences/route.ts'

/** How one request, or one probe, of a target ended. Pure data. */
export interface RequestEnd {
  /** `PROBE` for a probe. */
  readonly key: string
  readonly isFailure: boolean
  /** The failure of a key that has failed several times in a row. */
  readonly isSuspect?: boolean
  readonly isWrite: boolean
  readonly route: Route | null
  /** Counts events. */
  readonly at: number
  readonly atMs: number
}

export const PROBE = ''
const WITHIN_MS = 10_000
/** The newest ends tell the present state of a target that gets many requests. */
const MAX_ENDS = 200
const LEAST_ENDS = 10
/** So many keys that fail, and not one or two, are the target's failure. */
export const LEAST_KEYS = 3
/** A target whose share of failures is at most this is served all the time. */
const BROWNOUT_SHARE = 0.4
const HEALTHY_SHARE = 0.1

export function withEnd(ends: readonly RequestEnd[], end: RequestEnd): readonly RequestEnd[] {
  const since = end.atMs - WITHIN_MS
  const kept = ends.findIndex(({ atMs }) => atMs > since)
  const from = Math.max(kept === -1 ? ends.length : kept, ends.length + 1 - MAX_ENDS)
  return [...ends.slice(from), end]
}

/**
 * Within the last 10 s at least 10 requests ended, and at least half of them failed. Of few requests more than half must have
 * failed. Otherwise a target that fails at random, in 40 % of the requests, would often count as down. The failures of one or two
 * keys count only with the failure of a probe, because the records of these keys may be to blame. Requests in flight count as
 * successes, because a failure often comes faster than a success.
 */
export function isMostlyFailing(all: readonly RequestEnd[], nowMs: number, inFlight: number): boolean {
  const ends = recent(all, nowMs).filter((end) => isTelling(end) && (end.isFailure || end.key !== PROBE))
  const failures = ends.filter(({ isFailure }) => isFailure)
  const count = ends.length + inFlight
  if (ends.length < LEAST_ENDS || failures.length < Math.max(count / 2, mostByChance(count))) return false
  const keys = new Set(failures.map(({ key }) => key))
  return keys.has(PROBE) || keys.size >= LEAST_KEYS
}

/** 2.5 standard deviations above the mean of a binomial distribution. */
const mostByChance = (ends: number): number =>
  BROWNOUT_SHARE * ends + 2.5 * Math.sqrt(BROWNOUT_SHARE * (1 - BROWNOUT_SHARE) * ends)

/**
 * Requests of at least three keys failed, and no request of the same kind succeeded between them. After many successes so many more
 * must have failed in a row that a target that fails at random hardly ever comes to it.
 */
export function isFailingInARow(
  all: readonly RequestEnd[],
  of: { readonly isWrite: boolean; readonly route: Route | null },
  nowMs: number,
  inFlight: number,
): boolean {
  const ends = recent(all, nowMs).filter((end) => isOfKind(end, of) && end.key !== PROBE && isTelling(end))
  const failures = ends.slice(ends.findLastIndex(({ isFailure }) => !isFailure) + 1)
  const successes = ends.filter(({ isFailure }) => !isFailure).length
  const least = LEAST_KEYS + inFlight + Math.log(1 + successes) / Math.log(1 / BROWNOUT_SHARE)
  return failures.length >= least && new Set(failures.map(({ key }) => key)).size >= LEAST_KEYS
}

/** At least 10 requests ended, and more than half of them did not fail. */
export const isMostlyWorking = (all: readonly RequestEnd[], nowMs: number): boolean => {
  const ends = recent(all, nowMs)
  return ends.length >= LEAST_ENDS && ends.filter(({ isFailure }) => isFailure).length * 2 < ends.length
}

/** The requests of other keys in the last 10 s, of the same kind as a request that failed. */
export interface OtherKeys {
  /** Other keys had successes, and at most a tenth of their requests failed. */
  readonly work: boolean
  /** A request of another key failed, of whichever route. A target that is down for its writes is down on all routes. */
  readonly anyFailed: boolean
  /** A request succeeded, of whichever key. */
  readonly anyAnswered: boolean
  /** The newest request of another key that ended after the failure failed too. */
  readonly failedSince: boolean
}

/**
 * Requests of the same kind are requests of the same route. For a write they are only writes, because an answer to a read does
 * not show that writes work. With `countsSuspects`, the failures of keys that failed several times in a row count too.
 */
export function otherKeys(
  all: readonly RequestEnd[],
  of: { readonly key: string; readonly isWrite: boolean; readonly route: Route | null; readonly at: number },
  { nowMs, countsSuspects }: { readonly nowMs: number; readonly countsSuspects: boolean },
): OtherKeys {
  const isOther = ({ key }: RequestEnd) => key !== of.key && key !== PROBE
  const telling = recent(all, nowMs).filter((end) => countsSuspects || isTelling(end))
  const ends = telling.filter((end) => isOfKind(end, of))
  const others = ends.filter(isOther)
  const failed = others.filter(({ isFailure }) => isFailure).length
  const last = others.at(-1)
  return {
    work: failed < others.length && failed <= HEALTHY_SHARE * others.length,
    anyFailed: telling.some((end) => isOther(end) && end.isFailure && (end.isWrite || !of.isWrite)),
    anyAnswered: ends.some(({ isFailure }) => !isFailure),
    failedSince: last !== undefined && last.at > of.at && last.isFailure,
  }
}

const isOfKind = (end: RequestEnd, of: { readonly isWrite: boolean; readonly route: Route | null }): boolean =>
  end.route === of.route && (end.isWrite || !of.isWrite)

const isTelling = ({ isSuspect }: RequestEnd): boolean => isSuspect !== true

const recent = (ends: readonly RequestEnd[], nowMs: number) => ends.filter(({ atMs }) => atMs > nowMs - WITHIN_MS)
