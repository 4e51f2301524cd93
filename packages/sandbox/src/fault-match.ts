import type { FaultRule } from './fault-rule.ts'
import { isObject } from './fields.ts'
import { decoded, type RequestAbout } from './request-about.ts'

export interface FaultRequest {
  readonly method: string
  /** As it came: percent-encoded, without the query. */
  readonly path: string
  readonly tenant: string | null
  readonly body: unknown
  readonly about: RequestAbout
  /** Its connection carried another request before. */
  readonly isOnUsedConnection: boolean
}

/** Whether a rule is about this request. */
export function faultMatches(rule: FaultRule, request: FaultRequest): boolean {
  if (rule.method !== undefined && rule.method.toUpperCase() !== request.method) return false
  if (rule.tenant !== undefined && rule.tenant !== request.tenant) return false
  if (rule.kind === 'keep-alive-race' && !request.isOnUsedConnection) return false
  if (rule.of !== undefined && rule.of !== request.about.of) return false
  if (!isAmong(requestsOf(rule), request.about)) return false
  if (rule.rawPath !== undefined && !holdsOneOf(request.path, rule.rawPath)) return false
  const path = decoded(request.path)
  if (rule.path !== undefined && !globMatches(rule.path, path)) return false
  // A list is not about one customer: `answer-fields` looks for the customer in the answer.
  const id = rule.kind === 'answer-fields' ? undefined : rule.customerId
  if (id !== undefined && !namesCustomer(id, request)) return false
  return rule.contains === undefined || path.includes(rule.contains) || bodyHolds(request.body, rule.contains)
}

function bodyHolds(body: unknown, text: string): boolean {
  const json = JSON.stringify(body) ?? ''
  // A quotation mark of a value is escaped in JSON.
  return json.includes(text) || json.includes(JSON.stringify(text).slice(1, -1))
}

/** Some kinds are about a class of requests by their nature. */
function requestsOf({ kind, requests }: FaultRule): FaultRule['requests'] {
  if (requests !== undefined) return requests
  switch (kind) {
    case 'missing-answer':
    case 'other-id':
      return 'by-id-read'
    case 'answer-fields':
      return 'reads'
    case 'refused-in-body':
      return 'writes'
    default:
      return undefined
  }
}

function isAmong(requests: FaultRule['requests'], { class: requestClass }: RequestAbout): boolean {
  switch (requests) {
    case undefined:
      return true
    case 'reads':
      return requestClass === 'by-id-read' || requestClass === 'list'
    case 'writes':
      return requestClass === 'create' || requestClass === 'update' || requestClass === 'delete'
    default:
      return requests === requestClass
  }
}

function holdsOneOf(path: string, texts: readonly string[]): boolean {
  const lower = path.toLowerCase()
  return texts.some((text) => lower.includes(text.toLowerCase()))
}

function globMatches(glob: string, path: string): boolean {
  const parts = glob.split('*')
  const literals = parts.map((part) => part.replace(/[.+?^${}()|[\]\\]/g, '\\$&'))
  return new RegExp(`^${literals.join('.*')}$`, 's').test(path)
}

function namesCustomer(customerId: string, { path, body }: FaultRequest): boolean {
  if (path.split('/').some((segment) => decoded(segment) === customerId)) return true
  return isObject(body) && (body.customerId === customerId || body.customerUid === customerId)
}
