import type { FastifyReply, FastifyRequest } from 'fastify'
import type { FaultKind, FaultRule, Faults } from './faults.ts'

export interface FaultHookContext {
  tenant: string | null
  fault: FaultKind | null
  /** The reply is not sent: the connection is closed in its place. */
  losesReply: boolean
}

interface Struck {
  readonly request: FastifyRequest
  readonly reply: FastifyReply
  readonly path: string
  /** Enters a request into the journal that will not be answered. */
  readonly enter: (request: FastifyRequest, status: null) => void
}

/** Before the handler: applies the faults that strike this request. When it has taken over the reply, no handler runs. */
export async function strikeFaults(faults: Faults, context: FaultHookContext, struck: Struck): Promise<void> {
  const { request, path } = struck
  const striking = faults.strike({ method: request.method, path, tenant: context.tenant, body: request.body })
  for (const { id, rule } of striking) {
    context.fault = rule.kind
    if (rule.latencyMs !== undefined) await faults.hold(id, rule.latencyMs)
    await apply(faults, context, struck, id, rule)
  }
}

async function apply(faults: Faults, context: FaultHookContext, struck: Struck, id: string, rule: FaultRule) {
  const { request, reply } = struck
  const cut = (how: 'destroy' | 'resetAndDestroy') => {
    reply.hijack()
    request.raw.socket[how]()
  }
  switch (rule.kind) {
    case 'latency':
      return
    case 'status':
      if (rule.retryAfterSeconds !== undefined) reply.header('retry-after', String(rule.retryAfterSeconds))
      await reply.code(rule.status ?? 500).send({ message: 'a fault was asked for' })
      return
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
      if ((await faults.hold(id, rule.delayMs ?? null)) === 'released') return
      struck.enter(request, null)
      return cut('destroy')
    default:
      return rule.kind satisfies never
  }
}
