import type { z } from 'zod'
import { parseRetryAfter } from '../backoff.ts'
import { codeOfStatus, type ErrorCode } from '../errors.ts'
import { parseExactJson } from '../exact-json.ts'
import { isHtmlResponse } from './html-response.ts'
import { problemWords } from './problem-words.ts'
import type { Reader } from './reading.ts'
import { failureOf, type HttpAnswer, headerOf, isWrite, rulesOf, statusText, type TargetRequest } from './request.ts'

/** No `Retry-After` makes us wait longer at a time: what it meant is probed after that. */
export const RETRY_AFTER_CAP_MS = 300_000

/** By these statuses, a path that names one customer or order says that there is none. */
export const NOT_FOUND: readonly number[] = [404, 410]

/** A gateway lost sight of what it passed on, which may still be executed. */
const LOST_BY_GATEWAY: ReadonlySet<number> = new Set([502, 504, 520, 524])

/** These say the same with any body: the token was refused, or we are too fast. */
const SAID_BY_STATUS: ReadonlySet<number> = new Set([401, 429])

/**
 * Throws the SyncError of an HTML response, whatever its status, and of a status that is neither 2xx nor among `answers`. So an
 * HTML response is never taken for a peer's "not found" or for the success of a write.
 */
export function requireAnswer(
  request: TargetRequest,
  answer: HttpAnswer,
  answers: readonly number[],
  nowMs: number,
): void {
  const { status } = answer
  const code = failureCodeOf(request, answer, answers)
  if (code === null) return
  const retryAfterMs = parseRetryAfter(headerOf(answer, 'retry-after'), nowMs, RETRY_AFTER_CAP_MS)
  const why = code === 'html-response' ? `${statusText(status)} with an HTML response` : statusAndWords(answer)
  throw failureOf(request, code, why, {
    status,
    ...(retryAfterMs !== undefined && (status === 429 || status === 503) && { retryAfterMs }),
    unknownEnd: isWrite(request) && LOST_BY_GATEWAY.has(status),
  })
}

function failureCodeOf(request: TargetRequest, answer: HttpAnswer, answers: readonly number[]): ErrorCode | null {
  const { status } = answer
  const { collection, writes, role } = rulesOf(request)
  if (isHtmlResponse(answer) && !SAID_BY_STATUS.has(status)) return 'html-response'
  if ((status >= 200 && status < 300) || answers.includes(status)) return null
  if (collection && NOT_FOUND.includes(status)) return 'target-failed'
  // A path that names one customer may be forbidden for this customer alone.
  if (collection && role !== undefined && status === 403) return 'role-missing'
  if (writes && status === 409) return 'version-conflict'
  return codeOfStatus(status)
}

/** `409 Conflict (duplicate email)`: the status of a refusal, and what its body says in words of a closed list. */
export function statusAndWords(answer: HttpAnswer): string {
  const words = answer.status >= 400 && answer.status < 500 ? problemWords(answer.text) : ''
  return words === '' ? statusText(answer.status) : `${statusText(answer.status)} (${words})`
}

/**
 * The body of a list, a search or a token as `schema` reads it. Throws SyncError `target-failed` that names the fields, not their
 * values: no single customer is to blame.
 */
export function readJson<S extends z.ZodType>(request: TargetRequest, answer: HttpAnswer, schema: S): z.infer<S> {
  const parsed = schema.safeParse(parse(request, answer, 'target-failed'))
  if (parsed.success) return parsed.data
  const fields = parsed.error.issues.slice(0, 5).map(({ path, code }) => `${path.join('.') || 'body'} (${code})`)
  throw failureOf(request, 'target-failed', `unexpected ${fields.join(', ')}`, { status: answer.status })
}

/**
 * The customer or order that a by-id read answered; null for a "not found" answer (404, 410, 204, `null`, an empty body). Throws
 * SyncError
 * - `identity-mismatch`: the answer is about another id than `id`
 * - `target-answer-invalid`: this customer or order can't be read; says nothing about the target
 * - `target-failed`: the answer is no customer or order at all
 */
export function readById<T>(request: TargetRequest, answer: HttpAnswer, id: string, reader: Reader<T>): T | null {
  const { status, text } = answer
  if (status === 204 || NOT_FOUND.includes(status) || text.trim() === '') return null
  const body = parse(request, answer, /^\s*\{/.test(text) ? 'target-answer-invalid' : 'target-failed')
  if (body === null) return null
  const fail = (code: ErrorCode, why: string) => failureOf(request, code, why, { status })
  if (typeof body !== 'object' || !reader.fields.some((field) => Object.hasOwn(body, field))) {
    throw fail('target-failed', 'an answer of no known shape')
  }
  const read = reader.read(body)
  if (read === null) throw fail('target-answer-invalid', `unexpected ${reader.idField}`)
  const answered = (read as Record<string, unknown>)[reader.idField] ?? null
  if (answered === null ? reader.isIdRequired : answered !== id) {
    throw fail('identity-mismatch', 'the answer is about another id')
  }
  return read
}

function parse(request: TargetRequest, answer: HttpAnswer, code: ErrorCode): unknown {
  try {
    return parseExactJson(answer.text)
  } catch {
    // Without its cause, which quotes the body.
    throw failureOf(request, code, 'not JSON', { status: answer.status })
  }
}
