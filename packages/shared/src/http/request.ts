import { STATUS_CODES } from 'node:http'
import { type ErrorCode, SyncError, type SyncErrorDetails, type Target } from '../errors.ts'
import type { Call } from './call.ts'

/**
 * Every kind of request that we send:
 * - `doing`: the words for it in messages
 * - `writes`: so that its end can be unknown. Searches and tokens are POSTs that change nothing.
 * - `collection`: its path names no single customer or order, so 404 says nothing about any of them
 * - `role`: the role without which a peer answers 403 to all requests of this kind
 */
export const OPERATIONS = {
  token: { doing: 'fetching a token from', writes: false, collection: true },
  'get-customer': { doing: 'reading a customer from', writes: false, collection: false, role: 'Customer read' },
  'create-customer': { doing: 'creating a customer in', writes: true, collection: true },
  'update-customer': { doing: 'updating a customer in', writes: true, collection: false },
  'patch-customer': { doing: 'updating a customer in', writes: true, collection: false },
  'delete-contact': { doing: 'removing a contact in', writes: true, collection: false },
  'list-customers': { doing: 'listing customers of', writes: false, collection: true, role: 'Customer read' },
  'search-customers': { doing: 'searching customers in', writes: false, collection: true, role: 'Customer read' },
  'get-order': { doing: 'reading an order from', writes: false, collection: false, role: 'Order read' },
  'search-orders': { doing: 'searching orders in', writes: false, collection: true, role: 'Order read' },
} as const satisfies Record<string, OperationRules>
interface OperationRules {
  readonly doing: string
  readonly writes: boolean
  readonly collection: boolean
  readonly role?: Role
}
export type Role = 'Customer read' | 'Order read'
export type Operation = keyof typeof OPERATIONS

/** The tries of one read. */
export interface ReadRepeats {
  /** This try, from 1. */
  readonly tries: number
  /** How long the answer to the first try is waited for, in ms. */
  firstWaitMs: number
}

/** One request to a peer, on behalf of a call. */
export interface TargetRequest {
  readonly target: Target
  readonly operation: Operation
  readonly method: 'GET' | 'POST' | 'PUT' | 'PATCH' | 'DELETE'
  readonly baseUrl: string
  /** Goes after the base URL as it stands, ids percent-encoded. Never logged: ids are in it, and a token's secrets. */
  readonly path: string
  /** Sent as JSON. */
  readonly body?: Readonly<Record<string, unknown>>
  readonly headers?: Readonly<Record<string, string>>
  /** How long the answer is waited for, in ms. Without this field, the whole deadline. */
  readonly deadlineMs?: number
  /** Ends the wait for the answer before. */
  readonly giveUp?: AbortSignal
  /**
   * Called when `deadlineMs` is over without an answer. The request fails. If a function is returned, the connection stays open until
   * the whole deadline. The function is called at the end, with true if an answer has come.
   */
  readonly onUnanswered?: () => ((isAnswered: boolean) => void) | null
  /** The tries of a read that may be sent again. */
  readonly repeats?: ReadRepeats
  readonly call: Call
}

/** A complete answer, whatever its status. */
export interface HttpAnswer {
  readonly status: number
  readonly headers: Readonly<Record<string, string | string[] | undefined>>
  readonly text: string
}

/** Sends a request and resolves with its answer; throws SyncError when there is none. */
export type Send = (request: TargetRequest) => Promise<HttpAnswer>
/** One concern around the next one. */
export type Layer = (next: Send) => Send

/** `layers` from the outermost to the innermost, around `base`. */
export const stack = (layers: readonly Layer[], base: Send): Send =>
  layers.reduceRight((next, layer) => layer(next), base)

export const rulesOf = ({ operation }: TargetRequest): OperationRules => OPERATIONS[operation]
export const isWrite = ({ operation }: TargetRequest): boolean => OPERATIONS[operation].writes

export const headerOf = ({ headers }: HttpAnswer, name: string): string | undefined => {
  const value = headers[name]
  return Array.isArray(value) ? value[0] : value
}

/** `409 Conflict` */
export const statusText = (status: number): string => `${status} ${STATUS_CODES[status] ?? ''}`.trim()

/** The failure of a request, in its words: `updating a customer in omnium: 409 Conflict`. `why` is never a peer's text. */
export function failureOf(
  { target, operation, call }: TargetRequest,
  code: ErrorCode,
  why: string,
  details: SyncErrorDetails = {},
): SyncError {
  const message = `${OPERATIONS[operation].doing} ${target}: ${why}`
  return new SyncError(code, message, { target, tenant: call.tenant.uid, ...details })
}

/** The same failure as an error of its own, for each of those that share a request: what is set on one is not the others'. */
export function copyOf(error: SyncError, code: ErrorCode = error.code): SyncError {
  const { message, cause, target, tenant, status, retryAfterMs, unknownEnd, blame } = error
  return new SyncError(code, message, {
    cause,
    unknownEnd,
    ...(target !== undefined && { target }),
    ...(tenant !== undefined && { tenant }),
    ...(status !== undefined && { status }),
    ...(retryAfterMs !== undefined && { retryAfterMs }),
    ...(blame !== undefined && { blame }),
  })
}
