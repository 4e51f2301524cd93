import { type ErrorCode, SyncError } from '../errors.ts'
import type { FailureKind, Probed } from './circuit.ts'
import { copyOf } from './request.ts'

/**
 * What an error says about the target: a kind of failure; `answer`: it is up and refuses; `neutral`: nothing (the request
 * was not sent, or ended by us, or answered 429, or something else threw).
 */
export function failureKindOf(error: unknown): FailureKind | 'answer' | 'neutral' {
  if (!(error instanceof SyncError)) return 'neutral'
  if (error.blame === 'route') return 'route-down'
  switch (error.code) {
    case 'target-unreachable':
      return 'unreachable'
    case 'target-unauthorized':
      // A token is refused for everybody; an object may be forbidden by itself.
      return error.status === 403 ? 'forbidden' : 'unauthorized'
    case 'target-failed':
    case 'target-timeout':
    case 'target-reset':
    case 'html-response':
      return 'doubtful'
    case 'target-answer-invalid':
      // With a status, the data of one customer or order can't be read. Without one, the answer is no HTTP, or has no end.
      return error.status === undefined ? 'doubtful' : 'neutral'
    case 'target-refused':
    case 'version-conflict':
      return 'answer'
    default:
      return 'neutral'
  }
}

/** Failures of a probe that were not the target's, so that they neither open nor close a circuit. */
const SAYS_NOTHING: ReadonlySet<ErrorCode> = new Set(['target-throttled', 'token-unavailable'])

/** What the failure of a probe says. */
export function probeFailureOf(error: unknown): Probed {
  const retryAfterMs = error instanceof SyncError ? error.retryAfterMs : undefined
  if (error instanceof SyncError && SAYS_NOTHING.has(error.code)) return { isHealthy: null, retryAfterMs }
  const kind = failureKindOf(error)
  switch (kind) {
    case 'unreachable':
    case 'unauthorized':
      return { isHealthy: false, cause: kind, retryAfterMs }
    case 'forbidden':
      return { isHealthy: false, cause: 'unauthorized' }
    default:
      return { isHealthy: false, cause: 'failing' }
  }
}

/** The failure of a key at a healthy target. A 403 for one object alone counts like a 500 for it, and not as an outage. */
export const asOwnAttempt = (error: SyncError): SyncError =>
  error.code === 'target-unauthorized' ? copyOf(error, 'target-failed') : error
