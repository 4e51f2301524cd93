import type { z } from 'zod'
import { parseRetryAfter } from '../backoff.ts'
import { codeOfStatus } from '../errors.ts'
import { failureOf, type HttpAnswer, headerOf, isWrite, statusText, type TargetRequest } from './request.ts'

/** No `Retry-After` makes us wait longer at a time: what it meant is probed after that. */
export const RETRY_AFTER_CAP_MS = 300_000

/** A gateway lost sight of what it passed on, which may still be executed. */
const LOST_BY_GATEWAY: ReadonlySet<number> = new Set([502, 504, 520, 524])

/** Throws the SyncError of a status that is neither 2xx nor among `answers`. */
export function requireAnswer(
  request: TargetRequest,
  answer: HttpAnswer,
  answers: readonly number[],
  nowMs: number,
): void {
  const { status } = answer
  if ((status >= 200 && status < 300) || answers.includes(status)) return
  const retryAfterMs = parseRetryAfter(headerOf(answer, 'retry-after'), nowMs, RETRY_AFTER_CAP_MS)
  throw failureOf(request, codeOfStatus(status), statusText(status), {
    status,
    ...(retryAfterMs !== undefined && (status === 429 || status === 503) && { retryAfterMs }),
    unknownEnd: isWrite(request) && LOST_BY_GATEWAY.has(status),
  })
}

/** The body as `schema` reads it. Throws SyncError `target-answer-invalid` that names the fields, not their values. */
export function readJson<S extends z.ZodType>(request: TargetRequest, answer: HttpAnswer, schema: S): z.infer<S> {
  const parsed = schema.safeParse(parse(request, answer))
  if (parsed.success) return parsed.data
  const fields = parsed.error.issues.slice(0, 5).map(({ path, code }) => `${path.join('.') || 'body'} (${code})`)
  throw invalid(request, answer, `unexpected ${fields.join(', ')}`)
}

/** A write's answer need not have a body; but a page is some other server's, so the write did not happen. */
export function requireNoPage(request: TargetRequest, answer: HttpAnswer): void {
  const isPage = headerOf(answer, 'content-type')?.toLowerCase().includes('html') || /^\s*</.test(answer.text)
  if (isPage) throw invalid(request, answer, 'a page instead of an answer')
}

function parse(request: TargetRequest, answer: HttpAnswer): unknown {
  try {
    return JSON.parse(answer.text)
  } catch {
    // Without its cause, which quotes the body.
    throw invalid(request, answer, 'not JSON')
  }
}

const invalid = (request: TargetRequest, { status }: HttpAnswer, why: string) =>
  failureOf(request, 'target-answer-invalid', why, { status })
