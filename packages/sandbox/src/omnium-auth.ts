import type { FastifyInstance, FastifyRequest } from 'fastify'
import type { OmniumTenant } from './omnium-tenant.ts'
import type { OmniumTokens } from './omnium-tokens.ts'
import { refusal } from './refusal.ts'
import { bearerOf, type RequestContext } from './stand-in.ts'

const TOKEN_PATH = '/api/token'

/** The credentials of an API user of a tenant, and its name in events and in `modifiedBy`. */
export interface ApiUser {
  readonly clientId: string
  readonly clientSecret: string
  readonly apiUser: string
}

const apiUsersOf = ({ clientId, clientSecret, apiUser, apiUsers }: OmniumTenant): readonly ApiUser[] => [
  { clientId, clientSecret, apiUser },
  ...apiUsers,
]

type Tenants = ReadonlyMap<string, OmniumTenant>

function findClient(tenants: Tenants, clientId: string | undefined) {
  for (const tenant of tenants.values()) {
    const apiUser = apiUsersOf(tenant).find((it) => it.clientId === clientId)
    if (apiUser) return { tenant, apiUser }
  }
  return null
}

/** The tenant and the API user that a request's token was issued to; null without a valid token. */
export function callerOf(tokens: OmniumTokens, request: FastifyRequest, tenants: Tenants) {
  const token = bearerOf(request)
  const owner = token === null ? null : tokens.ownerOf(token)
  const tenant = tenants.get(owner?.tenant ?? '')
  const apiUser = tenant && apiUsersOf(tenant).find(({ clientId }) => clientId === owner?.clientId)
  return tenant && apiUser ? { tenant, apiUser } : null
}

/** The tenant that a request's token was issued to; for a request of a token the client's, null when it is unknown. */
export function tenantOfRequest(tokens: OmniumTokens, request: FastifyRequest, tenants: Tenants): OmniumTenant | null {
  if (request.routeOptions.url === TOKEN_PATH) {
    const { clientId } = request.query as { clientId?: string }
    return findClient(tenants, clientId)?.tenant ?? null
  }
  const caller = callerOf(tokens, request, tenants)
  if (!caller) throw refusal(401, 'the token is missing, expired or invalid')
  return caller.tenant
}

function expiryOf({ modes }: OmniumTenant, expiresInSeconds: number) {
  if (modes.expiresIn === 'absent') return {}
  return { expiresIn: modes.expiresIn === 'right' ? expiresInSeconds : modes.expiresIn }
}

/** The token endpoint. Source: docs.omnium.no, API developer guide. */
export function addTokenRoute(
  scope: FastifyInstance,
  port: {
    readonly tokens: OmniumTokens
    readonly tenants: Tenants
    readonly expiresInSeconds: number
    readonly context: (request: FastifyRequest) => RequestContext
    readonly onIssued: (tenant: OmniumTenant, apiUser: ApiUser) => void
  },
): void {
  scope.post(TOKEN_PATH, (request, reply) => {
    const { clientId, clientSecret, returnAsJson } = request.query as Record<string, string | undefined>
    const client = findClient(port.tenants, clientId)
    if (client === null || client.apiUser.clientSecret !== clientSecret) {
      throw refusal(401, 'clientId or clientSecret is wrong')
    }
    const { tenant, apiUser } = client
    const known = port.context(request)
    known.effect = 'token'
    known.apiUser = apiUser.apiUser
    const owner = { tenant: tenant.uid, clientId: apiUser.clientId }
    const accessToken = port.tokens.issue(owner, { only: tenant.modes.newestTokenOnly })
    port.onIssued(tenant, apiUser)
    if (returnAsJson !== 'true') return reply.type('text/plain').send(accessToken)
    return reply.send({ accessToken, tokenType: 'Bearer', ...expiryOf(tenant, port.expiresInSeconds) })
  })
}
