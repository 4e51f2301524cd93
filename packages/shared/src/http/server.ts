import { isUtf8 } from 'node:buffer'
import type { Socket } from 'node:net'
import Fastify, { type FastifyError, type FastifyInstance, type FastifyReply, type FastifyRequest } from 'fastify'
import { isTraceparent } from '../kafka/headers.ts'
import { keyOf, type Publisher } from '../kafka/publisher.ts'
import type { Logger } from '../logger.ts'
import type { Tenant, Tenants } from '../tenants.ts'
import { noTracer, type Tracer } from '../tracing.ts'
import { createAdmission } from './admission.ts'
import { invalid, type ParsedEvent, type ParseEvent } from './event-fields.ts'
import { RETRY_AFTER_S, sendAnswer, type WebhookAnswer } from './problem.ts'
import { type Credentials, hasValidSignature, isSigned, showsSecret } from './webhook-auth.ts'

export interface WebhookAppOptions {
  readonly source: 'flow' | 'omnium'
  /** Asked for each request, so that rotated secrets and new tenants count at once. */
  readonly tenants: () => Tenants
  readonly publisher: Publisher
  readonly parse: ParseEvent
  /** Told once for each request that was answered, with the time since it came. */
  readonly metrics: (answer: WebhookAnswer, seconds: number, traceparent?: string) => void
  readonly logger: Pick<Logger, 'info' | 'warn' | 'error'>
  readonly maxInFlightRequests: number
  /** False from the moment that a stop begins. */
  readonly isAccepting: () => boolean
  readonly tracer?: Tracer
  /** ms since the epoch. */
  readonly now: () => number
}

const NO_JSON = 'the body is not JSON in UTF-8'
const BYTE_ORDER_MARK = Buffer.from([0xef, 0xbb, 0xbf])
/** A larger body is answered 413. */
export const MAX_BODY_BYTES = 64 * 1024
/** Flow gives up after 10 s. A body that isn't here by then isn't waited for. */
const REQUEST_TIMEOUT_MS = 10_000

declare module 'fastify' {
  interface FastifyRequest {
    tenant: Tenant | null
    isAuthenticated: boolean
  }
}

/**
 * The app behind `POST /webhooks/{source}/{tenantUid}`: checks an event, writes its notification with acks=all, answers.
 * 202 is given only after the broker's acknowledgement. Nothing of a request is ever logged but its tenant. The caller
 * listens and closes; `close` waits for the requests under way.
 */
export function createWebhookApp(options: WebhookAppOptions): FastifyInstance {
  const { source, publisher, parse, metrics, logger, isAccepting, now, tracer = noTracer } = options
  const route = `/webhooks/${source}/:tenantUid`
  const admission = createAdmission(options.maxInFlightRequests)
  const app = Fastify({
    // Fastify's own logs would hold the URL, and with it a `?key=`.
    logger: false,
    bodyLimit: MAX_BODY_BYTES,
    requestTimeout: REQUEST_TIMEOUT_MS,
    // Node looks every 30 s only, unless told.
    http: { connectionsCheckingInterval: 1_000, headersTimeout: REQUEST_TIMEOUT_MS },
    // Its ready-made 503 has no Retry-After.
    return503OnClosing: false,
    routerOptions: { maxParamLength: 1024, ignoreTrailingSlash: true },
    clientErrorHandler: answerBrokenRequest,
    frameworkErrors: (_error, _request, reply) => answer(reply as FastifyReply, 'unknown-route', 'no such address'),
  })

  const answer = (reply: FastifyReply, word: WebhookAnswer, detail: string | null = null, traceparent?: string) => {
    metrics(word, reply.elapsedTime / 1000, traceparent)
    return sendAnswer(reply, word, detail)
  }
  const unavailable = (request: FastifyRequest, reply: FastifyReply, err: unknown) => {
    logger.error({ err, tenant: request.tenant?.uid }, 'storing a webhook failed')
    return answer(reply, 'unavailable', 'the event could not be stored now')
  }
  const unauthorized = (tenant: Tenant, reply: FastifyReply) => {
    logger.info({ tenant: tenant.uid }, 'webhook refused: no valid secret or signature')
    return answer(reply, 'unauthorized', 'no valid secret or signature')
  }

  let closing = false
  app.addHook('preClose', async () => {
    closing = true
  })
  app.decorateRequest('tenant', null)
  app.decorateRequest('isAuthenticated', false)

  /** All that needs no body, so that a stranger can't make us read one. */
  const admit = async (request: FastifyRequest<{ Params: { tenantUid: string } }>, reply: FastifyReply) => {
    const tenants = options.tenants()
    const tenant = tenants.get(request.params.tenantUid)
    if (tenant === undefined) return answer(reply, 'unknown-tenant', 'no such tenant')
    const credentials = credentialsOf(request)
    request.tenant = tenant
    request.isAuthenticated = showsSecret(credentials, tenant.webhookSecrets)
    if (!request.isAuthenticated && !isSigned(credentials, now())) return unauthorized(tenant, reply)
    if (closing || !isAccepting()) return answer(reply, 'stopping', 'this server is stopping')
    const leave = admission.enter(tenant.uid, tenants.all().length)
    if (leave === null) return answer(reply, 'overloaded', 'too many requests under way')
    reply.raw.once('close', leave)
    // Senders leave it out or get it wrong; the body is JSON in any case.
    request.raw.headers['content-type'] = 'application/octet-stream'
  }

  const take = async (request: FastifyRequest, reply: FastifyReply) => {
    const tenant = request.tenant as Tenant
    const body = Buffer.isBuffer(request.body) ? request.body : Buffer.alloc(0)
    if (!request.isAuthenticated && !hasValidSignature(credentialsOf(request), body, tenant.webhookSecrets, now())) {
      return unauthorized(tenant, reply)
    }
    const event = readEvent(body, tenant, parse, now())
    if (event.kind === 'ignored') return answer(reply, 'ignored')
    if (event.kind === 'invalid') {
      logger.warn({ tenant: tenant.uid, reason: event.why }, 'webhook refused: not an event')
      return answer(reply, 'not-an-event', event.why)
    }
    const { notification } = event
    const given = request.headers.traceparent
    const { traceparent, set, end } = tracer.start(`POST ${route}`, {
      kind: 'server',
      ...(typeof given === 'string' && isTraceparent(given) && { parent: given }),
      startedAt: now() - reply.elapsedTime,
      attributes: { 'http.request.method': 'POST', 'http.route': route, 'sync.tenant': tenant.uid },
    })
    const message = { key: keyOf(tenant.uid, notification.id), value: notification, traceparent }
    try {
      await publisher.publish(`${source}.notifications.v1`, [message])
    } catch (error) {
      set({ 'http.response.status_code': 503 })
      end('unavailable')
      return unavailable(request, reply, error)
    }
    set({ 'http.response.status_code': 202 })
    end()
    return answer(reply, 'stored', null, traceparent)
  }

  app.removeAllContentTypeParsers()
  app.addContentTypeParser('*', { parseAs: 'buffer' }, (_request, body, done) => done(null, body))
  app.setNotFoundHandler((_request, reply) => answer(reply, 'unknown-route', 'no such address'))
  app.setErrorHandler((error: FastifyError, request, reply) => {
    if (error.code === 'FST_ERR_CTP_BODY_TOO_LARGE')
      return answer(reply, 'too-large', `more than ${MAX_BODY_BYTES} bytes`)
    // Where there is no such address, its body is not even looked at.
    if (error.code === 'FST_ERR_CTP_INVALID_MEDIA_TYPE') return answer(reply, 'unknown-route', 'no such address')
    // A body that broke off: the sender has most likely gone.
    if (error.statusCode === 400) return answer(reply, 'unavailable', 'the body did not arrive whole')
    return unavailable(request, reply, error)
  })
  app.post<{ Params: { tenantUid: string } }>(route, { onRequest: admit }, take)
  return app
}

const credentialsOf = ({ headers, query }: FastifyRequest): Credentials => ({
  headers,
  key: (query as Record<string, unknown>).key,
})

function readEvent(body: Buffer, tenant: Tenant, parse: ParseEvent, receivedAtMs: number): ParsedEvent {
  let event: unknown
  try {
    if (!isUtf8(body)) return invalid(NO_JSON)
    event = JSON.parse(body.toString('utf8', body.subarray(0, 3).equals(BYTE_ORDER_MARK) ? 3 : 0))
  } catch {
    return invalid(NO_JSON)
  }
  if (typeof event !== 'object' || event === null || Array.isArray(event)) return invalid('the body is not an object')
  return parse(event, tenant.uid, new Date(receivedAtMs).toISOString())
}

/** What Node's parser gives up on. Its own answer to a slow sender is a 408, on which Flow drops the event. */
function answerBrokenRequest(error: Error & { code?: string }, socket: Socket): void {
  if (error.code === 'ECONNRESET' || !socket.writable) return
  const status =
    error.code === 'ERR_HTTP_REQUEST_TIMEOUT'
      ? `503 Service Unavailable\r\nRetry-After: ${RETRY_AFTER_S}`
      : error.code === 'HPE_HEADER_OVERFLOW'
        ? '431 Request Header Fields Too Large'
        : '400 Bad Request'
  socket.end(`HTTP/1.1 ${status}\r\nConnection: close\r\nContent-Length: 0\r\n\r\n`)
}
