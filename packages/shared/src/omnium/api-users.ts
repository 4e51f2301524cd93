import type { Sender } from '../senders.ts'
import type { Tenant } from '../tenants.ts'

/** What the token endpoint asks for. */
export interface OmniumClientCredentials {
  readonly clientId: string
  readonly clientSecret: string
}

/** The credentials of a service: those of its own API user, or those that the services without an own API user share. */
export const omniumCredentialsOf = ({ omnium }: Tenant, sender: Sender): OmniumClientCredentials =>
  omnium.apiUsers[sender] ?? omnium

/** All users by whose name our own changes are known in Omnium. */
export const omniumApiUsers = ({ omnium }: Tenant): readonly string[] => [
  ...(omnium.apiUser === undefined ? [] : [omnium.apiUser]),
  ...Object.values(omnium.apiUsers).map(({ apiUser }) => apiUser),
]

const GUID = /^-[\da-f]{8}(-[\da-f]{4}){3}-[\da-f]{12}$/i

/** Whether a user that Omnium names is one of ours. Events may name an API user as `name-guid`. */
export const isOmniumApiUser = (tenant: Tenant, user: string): boolean =>
  omniumApiUsers(tenant).some((ours) => user === ours || (user.startsWith(ours) && GUID.test(user.slice(ours.length))))
