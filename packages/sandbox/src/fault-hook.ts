import type { FastifyReply, FastifyRequest } from 'fastify'
import type { FaultRequest } from './fault-match.ts'
import type { FaultKind, FaultRule } from './fault-rule.ts'
import type { Faults } from './faults.ts'
import { type Answer, gatewayAnswer, refusalInBody } from './made-answers.ts'

export interface FaultHookContext {
  tenant: string | null
  fault: FaultKind | null
  /** The reply is not sent: the connection is closed in its place. */
  losesReply: boolean
  /** The handler of the peer has the request. */
  isHandled: boolean
  /** Sent in place of the payload. */
  replacement: Answer | null
}

interface Struck {
  readonly request: FastifyRequest
  readonly reply: FastifyReply
  readonly asked: FaultRequest
  /** Enters a request into the journal that will not be answered. */
  readonly enter: (request: FastifyRequest, status: null) => void
  /** A late request leaves the peer for as long as the fault holds the request. */
  readonly onLate: () => void
}

/**
 * Before the handler: applies the faults of a stage that strike this request. When a fault has taken over the reply, no
 * handler runs.
 */
export async function strikeFaults(
  faults: Faults,
  stage: 'front' | 'peer',
  context: FaultHookContext,
  struck: Struck,
): Promise<void> {
  for (const { id, rule } of faults.strike(struck.asked, stage)) {
    context.fault = rule.kind
    if (rule.latencyMs !== undefined) await faults.hold(id, rule.latencyMs)
    await apply(faults, context, struck, id, rule)
  }
}

async function apply(faults: Faults, context: FaultHookContext, struck: Struck, id: string, rule: FaultRule) {
  const { request, reply, asked } = struck
  const cut = (how: 'destroy' | 'resetAndDestroy') => {
    reply.hijack()
    request.raw.socket[how]()
  }
  const answer = async (made: Answer) => {
    if (rule.retryAfterSeconds !== undefined) reply.header('retry-after', String(rule.retryAfterSeconds))
    context.replacement = made
    await reply.code(made.status).send('')
  }
  switch (rule.kind) {
    case 'latency':
      return
    case 'status':
      if (rule.retryAfterSeconds !== undefined) reply.header('retry-after', String(rule.retryAfterSeconds))
      await reply.code(rule.status ?? 500).send({ message: 'a fault was asked for' })
      return
    case 'gateway':
      return answer(gatewayAnswer(rule, asked.path))
    case 'refused-in-body':
      return answer(refusalInBody(rule, request.body))
    case 'keep-alive-race':
      struck.enter(request, null)
      return cut(rule.reset === true ? 'resetAndDestroy' : 'destroy')
    case 'reset':
      struck.enter(request, null)
      return cut('resetAndDestroy')
    case 'reply-lost':
      context.losesReply = true
      return
    case 'hang': {
      struck.enter(request, null)
      const left = new AbortController()
      request.raw.socket.once('close', () => left.abort())
      reply.hijack()
      await faults.hold(id, null, left.signal)
      return cut('destroy')
    }
    case 'late':
      context.losesReply = true
      struck.onLate()
      if ((await faults.hold(id, rule.delayMs ?? null)) === 'released') return
      struck.enter(request, null)
      return cut('destroy')
    case 'missing-answer':
    case 'other-id':
    case 'answer-fields':
    case 'answer-body':
    case 'answer-cut':
      // These change the answer, see answer-faults.ts.
      return
    default:
      return rule.kind satisfies never
  }
}
