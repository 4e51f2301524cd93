/** Why a record ended without an effect of its own. Closed, because dashboards and scripts group by it. */
export const SKIP_REASONS = [
  'unchanged',
  'stale',
  'superseded',
  'echo',
  'deleted',
  'not-found',
  'known',
  'exists',
  'no-customer',
  'off',
  'ignored',
] as const
export type SkipReason = (typeof SKIP_REASONS)[number]

/** Why a record was set aside in the dead-letter topic; the values of the header `dl-reason`. */
export const PARK_REASONS = [
  'contract-violation',
  'unknown-tenant',
  'unmappable',
  'refused',
  'attempts-exhausted',
  'customer-type-conflict',
  'parent-not-found',
  'parent-cycle',
  'blocked-by-proxy',
  'identity-mismatch',
  'absence-unconfirmed',
  'inconsistent-reads',
  'bug',
] as const
export type ParkReason = (typeof PARK_REASONS)[number]

/**
 * Why a record is tried again, and whether that try uses up one of its RETRY_MAX_ATTEMPTS. A record whose attempts are used
 * up is parked as `parksAs`.
 */
export const RETRY_REASONS = {
  'target-failed': { counts: true, parksAs: 'attempts-exhausted' },
  'handler-failed': { counts: true, parksAs: 'bug' },
  'blocked-by-proxy': { counts: true, parksAs: 'blocked-by-proxy' },
  'identity-mismatch': { counts: true, parksAs: 'identity-mismatch' },
  'version-conflict': { counts: true, parksAs: 'attempts-exhausted' },
  'target-unavailable': { counts: false },
  brownout: { counts: false },
  throttled: { counts: false },
  'token-unavailable': { counts: false },
  'circuit-open': { counts: false },
  'over-share': { counts: false },
  'registry-unavailable': { counts: false },
  'kafka-unavailable': { counts: false },
  'unknown-tenant': { counts: false },
  fenced: { counts: false },
  'child-pending': { counts: false },
  'parent-missing': { counts: false },
  'parent-cycle-pending': { counts: false },
  'flow-edit-pending': { counts: false },
  'read-behind': { counts: false },
  'versions-pending': { counts: false },
  'role-missing': { counts: false },
  'absence-pending': { counts: false },
  'absence-guard': { counts: false },
  'reads-disagree': { counts: false },
  'removal-pending': { counts: false },
} as const satisfies Record<string, { counts: false } | { counts: true; parksAs: ParkReason }>
export type RetryReason = keyof typeof RETRY_REASONS

/** What a write changed, for `sync.outcomes`: names of the target's fields, never their values. */
export interface Effect {
  /** What was done at the target, such as `created` or `updated`. */
  readonly operation: string
  readonly target?: 'flow' | 'omnium'
  readonly changed?: readonly string[]
  /** The source's version that took effect, ISO 8601. */
  readonly version?: string
}

/** What an outcome names besides its reason: names of fields and lists, never their values. */
export interface Notes {
  /** Fields and lists of either peer that could not be read, and lists that were null. Each of them counts as no statement. */
  readonly unreadable?: readonly string[]
  /** Lists of which the target kept an element that we removed. */
  readonly notRemoved?: readonly string[]
}

/**
 * How a handler's work on one record ended. `retry` leaves the record pending and frees its key; without `afterMs`
 * the runtime's own backoff applies. Everything else ends the record.
 */
export type Outcome =
  | { readonly kind: 'done'; readonly effect?: Effect; readonly notes?: Notes }
  | { readonly kind: 'skipped'; readonly reason: SkipReason; readonly version?: string; readonly notes?: Notes }
  | {
      readonly kind: 'retry'
      readonly reason: RetryReason
      readonly afterMs?: number
      readonly message?: string
      readonly verify?: boolean
      /** For the outcome of a record that is parked because its attempts are used up. */
      readonly notes?: Notes
    }
  | { readonly kind: 'park'; readonly reason: ParkReason; readonly message: string; readonly notes?: Notes }

const isOneOf = (names: readonly string[], name: unknown) => names.includes(name as string)
const RETRY_REASON_NAMES = Object.keys(RETRY_REASONS)
const isListOrMissing = (value: unknown) => value === undefined || Array.isArray(value)
const isEffect = ({ operation, changed }: Partial<Effect>) => typeof operation === 'string' && isListOrMissing(changed)
const areNotes = ({ unreadable, notRemoved }: Notes) => isListOrMissing(unreadable) && isListOrMissing(notRemoved)
const isObject = (value: unknown): value is object => typeof value === 'object' && value !== null

/** Whether the runtime can carry out the answer of a handler. A handler with a bug may answer anything. */
export function isOutcome(answer: unknown): answer is Outcome {
  if (!isObject(answer)) return false
  const { kind, reason, afterMs, message, effect, notes } = answer as Record<string, unknown>
  if (notes !== undefined && !(isObject(notes) && areNotes(notes))) return false
  switch (kind) {
    case 'done':
      return effect === undefined || (isObject(effect) && isEffect(effect))
    case 'skipped':
      return isOneOf(SKIP_REASONS, reason)
    case 'retry':
      return isOneOf(RETRY_REASON_NAMES, reason) && (afterMs === undefined || Number.isFinite(afterMs))
    case 'park':
      return isOneOf(PARK_REASONS, reason) && typeof message === 'string'
    default:
      return false
  }
}

/** The outcome with these notes in addition to its own. */
export function withNotes(outcome: Outcome, { unreadable = [], notRemoved = [] }: Notes): Outcome {
  const all = {
    unreadable: [...new Set([...(outcome.notes?.unreadable ?? []), ...unreadable])],
    notRemoved: [...new Set([...(outcome.notes?.notRemoved ?? []), ...notRemoved])],
  }
  const notes = Object.fromEntries(Object.entries(all).filter(([, names]) => names.length > 0))
  return Object.keys(notes).length === 0 ? outcome : { ...outcome, notes }
}

export const done = (effect?: Effect): Outcome => (effect ? { kind: 'done', effect } : { kind: 'done' })
export const skipped = (reason: SkipReason, version?: string): Outcome =>
  version === undefined ? { kind: 'skipped', reason } : { kind: 'skipped', reason, version }
export const retry = (reason: RetryReason, afterMs?: number, message?: string): Outcome => ({
  kind: 'retry',
  reason,
  ...(afterMs !== undefined && { afterMs }),
  ...(message !== undefined && { message }),
})
/** `message` is read by operators: an API path, a status, a field name; never a payload or personal data. */
export const park = (reason: ParkReason, message: string): Outcome => ({ kind: 'park', reason, message })
