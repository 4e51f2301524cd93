import type { FastifyReply, FastifyRequest } from 'fastify'
import { jsonOf, layFields, namesItsId, type RowsOf, rowsConcerned, withOtherId } from './answer-content.ts'
import type { FaultHookContext } from './fault-hook.ts'
import type { FaultRequest } from './fault-match.ts'
import type { FaultKind, FaultRule } from './fault-rule.ts'
import type { Faults } from './faults.ts'
import { type Answer, gatewayAnswer, missingAnswer } from './made-answers.ts'
import { cutAnswer, type SentAnswer, sentBody } from './transport-faults.ts'

/** From the peer outwards. */
const LAYERS: readonly FaultKind[] = [
  'missing-answer',
  'other-id',
  'answer-fields',
  'gateway',
  'answer-body',
  'answer-cut',
]

export interface Answering {
  readonly request: FastifyRequest
  readonly reply: FastifyReply
  readonly asked: FaultRequest
  readonly rowsOf: RowsOf
}

/** In `onSend`: the payload to send in place of `payload`. */
export async function spoilAnswer(
  faults: Faults,
  context: FaultHookContext,
  { request, reply, asked, rowsOf }: Answering,
  payload: unknown,
): Promise<unknown> {
  if (typeof payload !== 'string' && payload !== null && payload !== undefined) return payload
  const header = reply.getHeader('content-type')
  const given: Answer = context.replacement ?? {
    status: reply.statusCode,
    contentType: typeof header === 'string' ? header : '',
    body: payload ?? '',
  }
  const striking = faults.strike(asked, 'answer', (rule) => concerns(rule, context, given, asked))
  const layered = striking.toSorted((a, b) => LAYERS.indexOf(a.rule.kind) - LAYERS.indexOf(b.rule.kind))
  for (const { id, rule } of layered) {
    context.fault = rule.kind
    if (rule.latencyMs !== undefined) await faults.hold(id, rule.latencyMs)
  }
  const rules = layered.map(({ rule }) => rule)
  const answer = rules.reduce((before, rule) => changed(rule, before, asked, rowsOf), given)
  if (answer === given && context.replacement === null && rules.length === 0) return payload

  reply.code(answer.status)
  const type = rules.findLast(({ kind }) => kind === 'answer-body')?.contentType ?? answer.contentType
  if (type === '') reply.removeHeader('content-type')
  else reply.header('content-type', type)
  // Of a refusal, fastify has announced the length already.
  reply.removeHeader('content-length')
  const wire = rules.reduce((before, rule) => onTheWire(rule, answer, before, request), NOT_YET_ON_THE_WIRE)
  reply.headers(wire.headers)
  return wire.payload ?? answer.body
}

function concerns(rule: FaultRule, context: FaultHookContext, answer: Answer, { about }: FaultRequest): boolean {
  const isSuccess = context.isHandled && answer.status >= 200 && answer.status < 300
  switch (rule.kind) {
    case 'missing-answer':
      return context.isHandled && answer.status === 404 && about.class === 'by-id-read'
    case 'other-id':
      return isSuccess && namesItsId(jsonOf(answer))
    case 'answer-fields':
      return isSuccess && rowsConcerned(rule, jsonOf(answer)).length > 0
    default:
      return true
  }
}

function changed(rule: FaultRule, answer: Answer, { about, path }: FaultRequest, rowsOf: RowsOf): Answer {
  switch (rule.kind) {
    case 'missing-answer':
      return missingAnswer(rule, path)
    case 'gateway':
      return gatewayAnswer(rule, path)
    case 'other-id': {
      const json = jsonOf(answer)
      return namesItsId(json) ? { ...answer, body: JSON.stringify(withOtherId(rule, json, about, rowsOf)) } : answer
    }
    case 'answer-fields': {
      const json = jsonOf(answer)
      for (const row of rowsConcerned(rule, json)) layFields(rule, row)
      return { ...answer, body: JSON.stringify(json) }
    }
    default:
      return answer
  }
}

interface Wire {
  readonly headers: SentAnswer['headers']
  readonly payload: SentAnswer['payload'] | null
}
const NOT_YET_ON_THE_WIRE: Wire = { headers: {}, payload: null }

function onTheWire(rule: FaultRule, answer: Answer, before: Wire, { raw }: FastifyRequest): Wire {
  if (rule.kind === 'answer-body') return sentBody(rule, answer)
  if (rule.kind !== 'answer-cut') return before
  const bytes = Buffer.isBuffer(before.payload) ? before.payload : Buffer.from(answer.body)
  const { headers, payload } = cutAnswer(rule, bytes, raw.socket)
  return { headers: { ...before.headers, ...headers }, payload }
}
