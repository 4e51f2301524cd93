import { type ErrorCode, SyncError } from '@sync/shared/errors'
import { outcomeOf } from '@sync/shared/failure-outcome'
import type { Outcome } from '@sync/shared/outcome'
import type { Ports } from './ports.ts'
import type { State } from './state.ts'
import type { Announcement } from './unsettled.ts'

/** The outcome of a failure; throws it when it means that the key is not ours any more. */
export function outcomeOrThrow(error: unknown): Outcome {
  const outcome = outcomeOf(error)
  if (outcome === null) throw error
  return outcome
}

const ANSWERED_BUT_UNCLEAR: ReadonlySet<ErrorCode> = new Set([
  'target-timeout',
  'target-reset',
  'target-failed',
  'target-answer-invalid',
  'identity-mismatch',
  'html-response',
])
const mayHaveTakenEffect = (error: unknown): boolean =>
  !(error instanceof SyncError) || error.unknownEnd || ANSWERED_BUT_UNCLEAR.has(error.code)

/**
 * The outcome of a write of the company `key` that failed. A write that may still be executed late holds back every other
 * write of the company, and what was announced for it is announced again.
 */
export function outcomeOfFailedWrite(
  error: unknown,
  key: string,
  announcements: readonly Announcement[],
  nowMs: number,
  { requestDeadlineMs }: Ports,
  { unsettled, conflicts }: State,
): Outcome {
  if (error instanceof SyncError && error.code === 'version-conflict') return conflicts.outcomeOf(key, error, nowMs)
  const heldMs = error instanceof SyncError && error.unknownEnd ? 2 * requestDeadlineMs : 0
  if (mayHaveTakenEffect(error)) unsettled.add(key, { heldUntil: nowMs + heldMs, announcements })
  const outcome = outcomeOrThrow(error)
  if (outcome.kind !== 'retry' || heldMs === 0) return outcome
  return { ...outcome, afterMs: Math.max(outcome.afterMs ?? 0, heldMs) }
}
