export const TARGETS = ['flow', 'omnium'] as const
export type Target = (typeof TARGETS)[number]

/**
 * The closed set of expected failures. A bug throws anything else. Those that design/4-peers.md names:
 * - `html-response`: an HTML page, typically of a gateway or a proxy, in the place of the peer's answer
 * - `identity-mismatch`: the answer is about another id than the request
 * - `version-conflict`: 409 on an update; the customer has to be read and decided again
 * - `role-missing`: 403 on a collection path, or 403 to each by-id read of a route, because our API user lacks a role. The refusal
 *   says nothing about any record.
 * - `absence-pending`: the proof of an absence needs the same "not found" answer again, after `retryAfterMs`
 * - `absence-unconfirmed`: a read that the proof of an absence needs is refused to our API user
 * - `absence-guard`: the absence guard is tripped; no "not found" answer of this tenant and target is acted on
 * - `reads-disagree`: two reads about one id disagree; `inconsistent-reads`: they have disagreed for an hour
 */
export type ErrorCode =
  | 'target-unreachable'
  | 'target-timeout'
  | 'target-reset'
  | 'target-throttled'
  | 'target-failed'
  | 'target-unauthorized'
  | 'token-unavailable'
  | 'target-refused'
  | 'target-answer-invalid'
  | 'html-response'
  | 'identity-mismatch'
  | 'version-conflict'
  | 'role-missing'
  | 'absence-pending'
  | 'absence-unconfirmed'
  | 'absence-guard'
  | 'reads-disagree'
  | 'inconsistent-reads'
  | 'circuit-open'
  | 'fenced'
  | 'aborted'
  | 'registry-unavailable'
  | 'kafka-unavailable'
  | 'contract-violation'
  | 'config-invalid'
  | 'topic-missing'

export interface SyncErrorDetails {
  readonly cause?: unknown
  readonly target?: Target
  readonly tenant?: string
  readonly status?: number
  /** From the peer's `Retry-After`, already capped. */
  readonly retryAfterMs?: number
  /** A write was sent and nobody knows whether it took effect: it may still be executed at the target, late. */
  readonly unknownEnd?: boolean
  /** The target itself fails for this tenant, so the failure says nothing about the record. Set by the circuit. */
  readonly outage?: boolean
  /** An `outage` in which the target fails only now and then. Set by the circuit. */
  readonly brownout?: boolean
  /** Whose failure a control read has shown it to be: this record's alone, or the route's for every record. */
  readonly blame?: 'record' | 'route'
}

/** The one error class. `message` is a gerund plus the cause, without payloads or personal data. */
export class SyncError extends Error {
  readonly code: ErrorCode
  readonly target: Target | undefined
  readonly tenant: string | undefined
  readonly status: number | undefined
  readonly retryAfterMs: number | undefined
  readonly unknownEnd: boolean
  blame: 'record' | 'route' | undefined
  outage: boolean
  brownout: boolean
  /** The answer to a write was not waited for until the deadline. Such a failure counts as no attempt of the record. */
  isGivenUp = false

  constructor(code: ErrorCode, message: string, details: SyncErrorDetails = {}) {
    super(message, details.cause === undefined ? undefined : { cause: details.cause })
    this.name = 'SyncError'
    this.code = code
    this.target = details.target
    this.tenant = details.tenant
    this.status = details.status
    this.retryAfterMs = details.retryAfterMs
    this.unknownEnd = details.unknownEnd ?? false
    this.blame = details.blame
    this.outage = details.outage ?? false
    this.brownout = details.brownout ?? false
  }
}

/**
 * What a failure means for the record at hand:
 * - `attempt`: this record failed; retry with backoff, park when its attempts are used up
 * - `outage`: the target, tenant or broker is in trouble; wait without counting
 * - `park`: the healthy target refuses this record, or it can't be understood
 * - `abandon`: the partition is not ours (any more), or we stop; leave the record un-ended
 */
export type FailureClass = 'attempt' | 'outage' | 'park' | 'abandon'

const CLASS_OF: Record<ErrorCode, FailureClass> = {
  'target-unreachable': 'outage',
  'target-timeout': 'attempt',
  'target-reset': 'attempt',
  'target-throttled': 'outage',
  'target-failed': 'attempt',
  'target-unauthorized': 'outage',
  'token-unavailable': 'outage',
  'target-refused': 'park',
  'target-answer-invalid': 'attempt',
  'html-response': 'attempt',
  'identity-mismatch': 'attempt',
  'version-conflict': 'attempt',
  'role-missing': 'outage',
  'absence-pending': 'outage',
  'absence-unconfirmed': 'park',
  'absence-guard': 'outage',
  'reads-disagree': 'outage',
  'inconsistent-reads': 'park',
  'circuit-open': 'outage',
  fenced: 'abandon',
  aborted: 'abandon',
  'registry-unavailable': 'outage',
  'kafka-unavailable': 'outage',
  'contract-violation': 'park',
  'config-invalid': 'park',
  'topic-missing': 'outage',
}

/** The one place that says retry, wait for the target, or park. A thrown non-SyncError is a bug and counts as an attempt. */
export function classifyFailure(error: unknown): FailureClass {
  if (!(error instanceof SyncError)) return 'attempt'
  const known = CLASS_OF[error.code]
  return known === 'attempt' && error.outage ? 'outage' : known
}

/** Of the 4xx those that say "not now": of a record that is changing, or locked, or came too early (RFC 9110, 4918, 8470). */
const PASSING: ReadonlySet<number> = new Set([409, 423, 425])

/** The error code of an HTTP status that a peer answered. Where 404 and 409 are answers, the clients handle them themselves. */
export function codeOfStatus(status: number): ErrorCode {
  if (status === 401 || status === 403) return 'target-unauthorized'
  if (status === 408) return 'target-timeout'
  if (status === 429) return 'target-throttled'
  if (status >= 400 && status < 500 && !PASSING.has(status)) return 'target-refused'
  return 'target-failed'
}
