import { STATUS_CODES } from 'node:http'
import type { FaultRule } from './fault-rule.ts'
import { isObject } from './fields.ts'

/** An answer before it is sent. */
export interface Answer {
  readonly status: number
  /** `''`: no such header. */
  readonly contentType: string
  readonly body: string
}

const JSON_TYPE = 'application/json; charset=utf-8'
const HTML_TYPE = 'text/html; charset=utf-8'

/** What a gateway answers by itself: an HTML response unless the rule says otherwise. Gateways quote the path. */
export function gatewayAnswer(rule: FaultRule, path: string): Answer {
  const status = rule.status ?? 502
  return withOverrides(rule, { status, ...bodyOf(rule.answer ?? 'html', status, path) })
}

/** How a by-id read of a missing customer or order is answered: 204 unless the rule says otherwise. */
export function missingAnswer(rule: FaultRule, path: string): Answer {
  const status = rule.status ?? 204
  const usual = status === 204 ? 'empty' : status === 200 ? 'null' : 'json'
  return withOverrides(rule, { status, ...bodyOf(rule.answer ?? usual, status, path) })
}

/** A refusal inside 2xx. Its message quotes the customer, as the messages of real peers do. */
export function refusalInBody(rule: FaultRule, sent: unknown): Answer {
  const message = rule.errorMessage ?? `The customer ${quoted(sent)} is not valid`
  const body = rule.refusal === 'success-false' ? { success: false, message } : counts(rule, message)
  return withOverrides(rule, { status: rule.status ?? 200, contentType: JSON_TYPE, body: JSON.stringify(body) })
}

function counts({ refusal }: FaultRule, errorMessage: string) {
  const isMissing = refusal === 'not-found-count'
  return {
    totalCount: 1,
    updatedCount: 0,
    unchangedCount: 0,
    notFoundCount: isMissing ? 1 : 0,
    errorCount: isMissing ? 0 : 1,
    errorMessage: isMissing ? null : errorMessage,
    isModified: false,
  }
}

function bodyOf(form: NonNullable<FaultRule['answer']>, status: number, path: string): Omit<Answer, 'status'> {
  const reason = STATUS_CODES[status] ?? 'Unknown'
  switch (form) {
    case 'html':
      return { contentType: HTML_TYPE, body: page(`${status} ${reason}`, path) }
    case 'json': {
      const message = status === 404 ? 'Resource not found' : reason
      return { contentType: JSON_TYPE, body: JSON.stringify({ statusCode: status, message }) }
    }
    case 'null':
      return { contentType: JSON_TYPE, body: 'null' }
    case 'empty':
      return { contentType: '', body: '' }
    default:
      return form satisfies never
  }
}

const page = (title: string, path: string): string =>
  `<!DOCTYPE html>\n<html>\n<head><title>${title}</title></head>\n<body>\n<h1>${title}</h1>\n` +
  `<p>The request for ${escaped(path)} was answered by the gateway.</p>\n</body>\n</html>\n`

const escaped = (text: string): string => text.replaceAll('&', '&amp;').replaceAll('<', '&lt;')

function withOverrides({ body, contentType }: FaultRule, answer: Answer): Answer {
  return {
    ...answer,
    ...(body !== undefined && { body: typeof body === 'string' ? body : JSON.stringify(body) }),
    ...(body !== undefined && typeof body !== 'string' && { contentType: JSON_TYPE }),
    ...(contentType !== undefined && { contentType }),
  }
}

const quoted = (sent: unknown): string =>
  isObject(sent)
    ? Object.values(sent)
        .filter((value) => typeof value === 'string')
        .join(' ')
    : ''
