import type { FastifyInstance, FastifyRequest } from 'fastify'
import type { OmniumTenant } from './omnium-api.ts'
import type { OmniumTokens } from './omnium-tokens.ts'
import { refusal } from './refusal.ts'
import { bearerOf, type RequestContext } from './stand-in.ts'

const TOKEN_PATH = '/api/token'

/** The tenant that a request's token was issued to; for a request of a token the client's, null when it is unknown. */
export function tenantOfRequest(
  tokens: OmniumTokens,
  request: FastifyRequest,
  tenants: ReadonlyMap<string, OmniumTenant>,
): OmniumTenant | null {
  if (request.routeOptions.url === TOKEN_PATH) {
    const { clientId } = request.query as { clientId?: string }
    return [...tenants.values()].find((tenant) => tenant.clientId === clientId) ?? null
  }
  const token = bearerOf(request)
  const uid = token === null ? null : tokens.tenantOf(token)
  const tenant = uid === null ? undefined : tenants.get(uid)
  if (!tenant) throw refusal(401, 'the token is missing, expired or invalid')
  return tenant
}

/** The token endpoint. Source: docs.omnium.no, API developer guide. */
export function addTokenRoute(
  scope: FastifyInstance,
  port: {
    readonly tokens: OmniumTokens
    readonly tenants: ReadonlyMap<string, OmniumTenant>
    readonly expiresInSeconds: number
    readonly context: (request: FastifyRequest) => RequestContext
  },
): void {
  scope.post(TOKEN_PATH, (request, reply) => {
    const { clientId, clientSecret, returnAsJson } = request.query as Record<string, string | undefined>
    const tenant = [...port.tenants.values()].find((it) => it.clientId === clientId)
    if (tenant?.clientSecret !== clientSecret || !tenant) throw refusal(401, 'clientId or clientSecret is wrong')
    port.context(request).effect = 'token'
    const accessToken = port.tokens.issue(tenant.uid)
    if (returnAsJson !== 'true') return reply.type('text/plain').send(accessToken)
    return reply.send({ accessToken, tokenType: 'Bearer', expiresIn: port.expiresInSeconds })
  })
}
