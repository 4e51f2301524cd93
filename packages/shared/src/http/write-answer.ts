import { parseExactJson, scalarText } from '../exact-json.ts'
import { NOT_FOUND } from './answer.ts'
import { fieldOf, idOf } from './event-fields.ts'
import { failureOf, type HttpAnswer, statusText, type TargetRequest } from './request.ts'

/** What the answer to a write states. */
export interface WriteAnswer {
  /** False for 404, 410 and `notFoundCount`: the customer has to be read by its id to know why. */
  readonly isFound: boolean
  /** The id of the stored customer; null when the answer names none. */
  readonly id: string | null
}

/** Where the stored customer, or the counts, may stand besides the body itself. */
const INNER = ['result', 'customer', 'value', 'data'] as const

/**
 * Reads the answer to a write. An answer without JSON is a plain success. Throws SyncError
 * - `target-refused`: `errorCount > 0` or `success: false` in a 2xx
 * - `target-failed`: the JSON is broken, so that nobody knows what the answer states
 */
export function readWrite(request: TargetRequest, answer: HttpAnswer, idField: string): WriteAnswer {
  if (NOT_FOUND.includes(answer.status)) return { isFound: false, id: null }
  const body = parse(request, answer)
  const parts = [body, ...INNER.map((name) => fieldOf(body, name)), ...(Array.isArray(body) ? body : [])]
  for (const part of parts) requireAccepted(request, answer, part)
  return {
    isFound: !parts.some((part) => countOf(part, 'notFoundCount') > 0),
    id: parts.map((part) => idOf(fieldOf(part, idField))).find((id) => id !== null) ?? null,
  }
}

/** As `readWrite`, of a write to the customer `id`. Throws SyncError `identity-mismatch` for an answer about another id. */
export function readUpdate(
  request: TargetRequest,
  answer: HttpAnswer,
  idField: string,
  id: unknown,
): 'updated' | 'not-found' {
  const written = readWrite(request, answer, idField)
  if (written.id !== null && written.id !== String(id)) {
    throw failureOf(request, 'identity-mismatch', 'the answer is about another id', { status: answer.status })
  }
  return written.isFound ? 'updated' : 'not-found'
}

/** Without the peer's own text, which may quote the customer. */
function requireAccepted(request: TargetRequest, { status }: HttpAnswer, part: unknown): void {
  const errorCount = countOf(part, 'errorCount')
  if (errorCount > 0) {
    throw failureOf(request, 'target-refused', `${statusText(status)} with errorCount ${errorCount}`, { status })
  }
  if (String(fieldOf(part, 'success')).toLowerCase() === 'false') {
    throw failureOf(request, 'target-refused', `${statusText(status)} with success false`, { status })
  }
}

/** A count, also as text; 0 for what is none. */
function countOf(part: unknown, name: string): number {
  const count = Number(scalarText(fieldOf(part, name)) ?? 0)
  return Number.isNaN(count) ? 0 : count
}

function parse(request: TargetRequest, answer: HttpAnswer): unknown {
  try {
    return parseExactJson(answer.text)
  } catch {
    if (!/^\s*[{[]/.test(answer.text)) return null
    // Without its cause, which quotes the body.
    throw failureOf(request, 'target-failed', 'not JSON', { status: answer.status })
  }
}
