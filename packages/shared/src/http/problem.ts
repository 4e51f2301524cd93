import { STATUS_CODES } from 'node:http'
import type { FastifyReply } from 'fastify'

/** How a webhook was answered; the label `answer` of `sync_webhooks_total`. */
export type WebhookAnswer =
  | 'stored'
  | 'ignored'
  | 'unauthorized'
  | 'unknown-tenant'
  | 'unknown-route'
  | 'not-an-event'
  | 'too-large'
  | 'overloaded'
  | 'stopping'
  | 'unavailable'

/**
 * Both senders drop an event on most 4xx, so those are for what no retry would cure; everything else is a 503. 429 is
 * never among them: Omnium doesn't retry it and Flow drops it.
 */
export const STATUS_OF: Record<WebhookAnswer, number> = {
  stored: 202,
  ignored: 202,
  unauthorized: 401,
  'unknown-tenant': 404,
  'unknown-route': 404,
  'not-an-event': 400,
  'too-large': 413,
  overloaded: 503,
  stopping: 503,
  unavailable: 503,
}

/** Both senders retry by a plan of their own; this is for a proxy or a sender that does listen. */
export const RETRY_AFTER_S = 5

/** The reply to a webhook: empty when accepted, else problem+json (RFC 9457), whose `detail` holds nothing of the request. */
export function sendAnswer(reply: FastifyReply, answer: WebhookAnswer, detail: string | null): FastifyReply {
  const status = STATUS_OF[answer]
  reply.code(status)
  if (detail === null) return reply.send()
  if (status === 503) reply.header('retry-after', String(RETRY_AFTER_S))
  if (status === 401) reply.header('www-authenticate', 'Bearer')
  reply.type('application/problem+json')
  return reply.send(JSON.stringify({ type: 'about:blank', title: STATUS_CODES[status], status, detail }))
}
