import type { IncomingMessage } from 'node:http'
import type { Socket } from 'node:net'
import fastify, { type FastifyInstance, type FastifyReply, type FastifyRequest } from 'fastify'
import { spoilAnswer } from './answer-faults.ts'
import { mayBeInexact, parseExact } from './exact-json.ts'
import { type FaultHookContext, strikeFaults } from './fault-hook.ts'
import type { FaultRequest } from './fault-match.ts'
import type { FaultRule } from './fault-rule.ts'
import { createFaults, type Faults } from './faults.ts'
import type { Fields } from './fields.ts'
import { createGoneClient } from './gone-client.ts'
import { createJournal, type Journal } from './journal.ts'
import { refusal } from './refusal.ts'
import { type ResourceKind, requestAbout } from './request-about.ts'
import { createRequestRate } from './request-rate.ts'
import type { WebhookTarget } from './webhook-auth.ts'
import type { RetryPolicy } from './webhook-retries.ts'
import { createWebhookSender, type WebhookSender } from './webhook-sender.ts'

/** What a tenant of either peer has. */
export interface StandInTenant {
  readonly uid: string
  /** null: no limit. */
  readonly requestsPerSecond: number | null
  /** null: no webhooks. */
  readonly webhook: WebhookTarget | null
  /** In force until they are removed; `clear` puts them back. */
  readonly faults: readonly FaultRule[]
}

export interface StandInOptions {
  /** The peer's clock, ms since the epoch. */
  readonly now?: () => number
  /** How many entries the journal keeps; 200,000 unless told. */
  readonly journalEntries?: number
  /** How long a receiver of webhooks may take; 10 s, as both peers (Omnium names none). */
  readonly webhookPatienceMs?: number
  readonly webhooksInFlight?: number
  readonly reorderHoldMs?: number
}

/** Who did a write: `requestId` null is somebody on the shop floor, not the API. */
export interface Actor {
  readonly user: string
  readonly requestId: string | null
}

/** What the hooks know of one request; a handler sets `effect` for the journal. */
export interface RequestContext extends FaultHookContext {
  effect: string | null
  /** Why the peer refuses the request before it is handled. */
  refused: unknown
  isOnUsedConnection: boolean
  /** The API user that the request's credentials name; null: the peer has one API user per tenant, or none is known. */
  apiUser: string | null
  /** Called once each when the request has its answer, is cut, or waits as a late one outside of the peer. */
  readonly onEnd: (() => void)[]
}

export interface StandIn<Tenant extends StandInTenant> {
  readonly app: FastifyInstance
  readonly journal: Journal
  readonly faults: Faults
  readonly webhooks: WebhookSender
  readonly tenants: ReadonlyMap<string, Tenant>
  readonly now: () => number
  context(request: FastifyRequest): RequestContext
  setTenant(tenant: Tenant): void
  /** Resolves to the URL, without a slash at its end. Port 0 is any free one. */
  listen(port?: number, host?: string): Promise<string>
  /** Forgets the journal, the faults (but for those of the configuration) with the requests that they hold, and the
   * disturbance of webhooks. */
  clear(): void
  close(): Promise<void>
}

export interface StandInSetup<Tenant extends StandInTenant> {
  readonly retries: RetryPolicy
  /** The request's tenant; null: it needs none. Throws a 401 or 404. */
  readonly authenticate: (request: FastifyRequest, tenants: ReadonlyMap<string, Tenant>) => Tenant | null
  readonly rewriteUrl?: (url: string) => string
  /** A request has come to the peer, and the faults of the peer have not struck yet. Throws what the peer refuses. */
  readonly arrived?: (request: FastifyRequest, reply: FastifyReply, tenant: Tenant) => void
  /** All that a tenant has of a kind. */
  readonly rowsOf: (tenant: string, of: ResourceKind) => readonly Fields[]
}

/**
 * The frame of both stand-ins: authentication, the tenant's rate, faults and the journal around the routes that `api`
 * adds, webhooks, and `/_admin` beside them.
 */
export function createStandIn<Tenant extends StandInTenant>(
  setup: StandInSetup<Tenant>,
  options: StandInOptions,
  api: (scope: FastifyInstance, standIn: StandIn<Tenant>) => void,
  admin: (scope: FastifyInstance, standIn: StandIn<Tenant>) => void,
): StandIn<Tenant> {
  const now = options.now ?? Date.now
  const journal = createJournal(options.journalEntries ?? 200_000, now)
  const faults = createFaults(now)
  const rate = createRequestRate()
  const tenants = new Map<string, Tenant>()
  const contexts = new WeakMap<FastifyRequest, RequestContext>()
  const usedConnections = new WeakSet<Socket>()
  const { rewriteUrl = (url: string) => url } = setup
  const app = fastify({
    bodyLimit: 32 * 1024 * 1024,
    forceCloseConnections: true,
    routerOptions: { maxParamLength: 4096 },
    rewriteUrl: (request: IncomingMessage) => rewriteUrl(request.url ?? '/'),
  })
  // A POST without a body may name JSON all the same (the token endpoint's does, from some clients).
  const parseJson = app.getDefaultJsonParser('error', 'error')
  app.addContentTypeParser('application/json', { parseAs: 'string' }, (request, body, done) => {
    if (body === '') return done(null)
    parseJson(request, body as string, (error, value) => {
      const isExact = error !== null || !mayBeInexact(body as string)
      done(error, isExact ? value : parseExact((body as string).replace(/^\uFEFF/, '')))
    })
  })
  const webhooks = createWebhookSender({
    targetOf: (tenant) => tenants.get(tenant)?.webhook ?? null,
    retries: setup.retries,
    patienceMs: options.webhookPatienceMs ?? 10_000,
    maxInFlight: options.webhooksInFlight ?? 50,
    reorderHoldMs: options.reorderHoldMs ?? 500,
    now,
    onAttempt: (attempt) => journal.add({ kind: 'delivery', ...attempt }),
  })

  const context = (request: FastifyRequest): RequestContext => {
    const known = contexts.get(request)
    if (known) return known
    const fresh: RequestContext = {
      tenant: null,
      effect: null,
      fault: null,
      losesReply: false,
      isHandled: false,
      replacement: null,
      refused: null,
      isOnUsedConnection: false,
      apiUser: null,
      onEnd: [],
    }
    contexts.set(request, fresh)
    return fresh
  }

  const enter = (request: FastifyRequest, status: number | null) => {
    const { tenant, apiUser, effect, fault } = context(request)
    const { id: requestId, method } = request
    journal.add({ kind: 'request', requestId, tenant, apiUser, method, path: pathOf(request), status, effect, fault })
  }
  const end = (request: FastifyRequest) => {
    for (const onEnd of context(request).onEnd.splice(0)) onEnd()
  }

  const asked = (request: FastifyRequest): FaultRequest => {
    const path = pathOf(request)
    const { tenant, isOnUsedConnection } = context(request)
    const { method, body } = request
    return { method, path, tenant, body, about: requestAbout(method, path), isOnUsedConnection }
  }
  const strike = (stage: 'front' | 'peer', request: FastifyRequest, reply: FastifyReply) =>
    strikeFaults(faults, stage, context(request), {
      ...{ request, reply, asked: asked(request), enter },
      onLate: () => end(request),
    })

  const refuseAboveRate = (tenant: Tenant, reply: FastifyReply) => {
    if (tenant.requestsPerSecond === null) return
    const seconds = rate.refusedForSeconds(tenant.uid, tenant.requestsPerSecond, now())
    if (seconds === null) return
    reply.header('retry-after', String(seconds))
    throw refusal(429, 'too many requests')
  }

  const standIn: StandIn<Tenant> = {
    app,
    journal,
    faults,
    webhooks,
    tenants,
    now,
    context,
    setTenant(tenant) {
      tenants.set(tenant.uid, tenant)
      faults.configure(tenant.uid, tenant.faults)
    },
    listen: (port = 0, host = '127.0.0.1') => app.listen({ port, host }),
    clear() {
      faults.abandon()
      webhooks.disturb(null)
      journal.clear()
      for (const tenant of tenants.values()) faults.configure(tenant.uid, tenant.faults)
    },
    async close() {
      faults.abandon()
      await webhooks.close()
      await app.close()
    },
  }

  const isGone = createGoneClient()
  app.register(async (scope) => {
    scope.addHook('onRequest', async (request, reply) => {
      if (!(await isGone(request.raw.socket))) return
      enter(request, null)
      reply.hijack()
      request.raw.socket.destroy()
    })
    // A gateway stands in front of the peer: it answers also a request that the peer would refuse, and its answers count
    // for no limit of the peer.
    scope.addHook('onRequest', async (request) => {
      const known = context(request)
      known.isOnUsedConnection = usedConnections.has(request.raw.socket)
      usedConnections.add(request.raw.socket)
      try {
        known.tenant = setup.authenticate(request, tenants)?.uid ?? null
      } catch (error) {
        known.refused = error
      }
    })
    scope.addHook('preHandler', (request, reply) => strike('front', request, reply))
    scope.addHook('preHandler', async (request, reply) => {
      const { refused, tenant } = context(request)
      if (refused !== null) throw refused
      if (tenant === null) return
      refuseAboveRate(tenants.get(tenant)!, reply)
      setup.arrived?.(request, reply, tenants.get(tenant)!)
    })
    scope.addHook('preHandler', async (request, reply) => {
      await strike('peer', request, reply)
      if (reply.sent) end(request)
    })
    scope.addHook('preHandler', async (request) => {
      context(request).isHandled = true
    })
    scope.addHook('onSend', async (request, reply, payload) => {
      end(request)
      const known = context(request)
      const rowsOf = (of: ResourceKind) => (known.tenant === null ? [] : setup.rowsOf(known.tenant, of))
      const sent = await spoilAnswer(faults, known, { request, reply, asked: asked(request), rowsOf }, payload)
      enter(request, reply.statusCode)
      if (known.losesReply) request.raw.socket.destroy()
      return sent
    })
    scope.setNotFoundHandler((_request, reply) => reply.code(404).send({ message: 'no such resource' }))
    api(scope, standIn)
  })
  app.register(async (scope) => admin(scope, standIn), { prefix: '/_admin' })
  return standIn
}

/** The token of `Authorization: Bearer …`; null without one. */
export function bearerOf(request: FastifyRequest): string | null {
  return /^Bearer +(\S+)$/i.exec(request.headers.authorization ?? '')?.[1] ?? null
}

const pathOf = (request: FastifyRequest): string => request.url.split('?', 1)[0] ?? ''
