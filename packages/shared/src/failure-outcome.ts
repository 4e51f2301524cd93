import { classifyFailure, type ErrorCode, SyncError } from './errors.ts'
import { type Outcome, type ParkReason, park, type RetryReason, retry } from './outcome.ts'

const WAITS_FOR: Partial<Record<ErrorCode, RetryReason>> = {
  'circuit-open': 'circuit-open',
  'target-throttled': 'throttled',
  'token-unavailable': 'token-unavailable',
  'registry-unavailable': 'registry-unavailable',
  'kafka-unavailable': 'kafka-unavailable',
  'topic-missing': 'kafka-unavailable',
  'role-missing': 'role-missing',
  'absence-pending': 'absence-pending',
  'absence-guard': 'absence-guard',
  'reads-disagree': 'reads-disagree',
}

const ATTEMPT_AS: Partial<Record<ErrorCode, RetryReason>> = {
  'html-response': 'blocked-by-proxy',
  'identity-mismatch': 'identity-mismatch',
  'version-conflict': 'version-conflict',
}

const PARK_AS: Partial<Record<ErrorCode, ParkReason>> = {
  'contract-violation': 'contract-violation',
  'absence-unconfirmed': 'absence-unconfirmed',
  'inconsistent-reads': 'inconsistent-reads',
}

/**
 * The outcome of a record whose handling threw; null when it must be left un-ended (fenced, aborted): rethrow then.
 * A retry whose write may still be executed at the target says `verify`, so that the runtime looks again later.
 */
export function outcomeOf(error: unknown): Outcome | null {
  const verify = error instanceof SyncError && error.unknownEnd ? { verify: true } : {}
  const message = error instanceof Error ? error.message : 'unknown failure'
  switch (classifyFailure(error)) {
    case 'abandon':
      return null
    case 'park':
      return park((error instanceof SyncError && PARK_AS[error.code]) || 'refused', message)
    case 'outage': {
      const { code, retryAfterMs, brownout } = error as SyncError
      const reason = brownout ? 'brownout' : 'target-unavailable'
      return { ...retry(WAITS_FOR[code] ?? reason, retryAfterMs, message), ...verify }
    }
    case 'attempt':
      return error instanceof SyncError
        ? { ...retry(ATTEMPT_AS[error.code] ?? 'target-failed', error.retryAfterMs, message), ...verify }
        : retry(
            'handler-failed',
            undefined,
            `failing in the handler: ${error instanceof Error ? error.name : 'thrown value'}`,
          )
  }
}
