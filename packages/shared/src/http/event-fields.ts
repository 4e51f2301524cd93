import type { Notification } from '../contracts/notification.ts'
import { isRawNumber } from '../exact-json.ts'

/** What a webhook's body says; `why` is told to the sender and holds nothing of the body. */
export type ParsedEvent =
  | { readonly kind: 'notification'; readonly notification: Notification }
  | { readonly kind: 'ignored' }
  | { readonly kind: 'invalid'; readonly why: string }

/** Reads one event of a peer; pure. `receivedAt` is ISO 8601. */
export type ParseEvent = (body: unknown, tenantUid: string, receivedAt: string) => ParsedEvent

export const invalid = (why: string): ParsedEvent => ({ kind: 'invalid', why })

/** A field by its documented name, whose first letter may come in either case; undefined when it isn't there. */
export function fieldOf(object: unknown, name: string): unknown {
  if (typeof object !== 'object' || object === null) return undefined
  const [first = '', rest] = [name[0], name.slice(1)]
  for (const spelled of [name, first.toLowerCase() + rest, first.toUpperCase() + rest]) {
    if (Object.hasOwn(object, spelled)) return (object as Record<string, unknown>)[spelled]
  }
  return undefined
}

/**
 * An id as text, unchanged; numbers come as ids too. null for what can't be one: empty, a number that JSON has already
 * rounded (see exact-json.ts for one that keeps its digits), or text that has no UTF-8 form and so could never be asked for.
 */
export function idOf(value: unknown): string | null {
  if (isRawNumber(value)) return /^\d+$/.test(value.rawJSON) ? value.rawJSON : null
  if (typeof value === 'number') return Number.isSafeInteger(value) ? String(value) : null
  return typeof value === 'string' && value !== '' && value.isWellFormed() ? value : null
}

/** The ids among the values, without repeats. */
export const idsOf = (values: readonly unknown[]): string[] => [
  ...new Set(values.map(idOf).filter((id) => id !== null)),
]
