import type { OmniumRoute } from './omnium-route.ts'

/** The roles of an API user. `get`, `search` and `write` are those of both kinds of customers. */
export const OMNIUM_ROLES = [
  'get',
  'search',
  'write',
  'get-private',
  'search-private',
  'write-private',
  'get-business',
  'search-business',
  'write-business',
  'get-orders',
  'search-orders',
  'write-orders',
] as const
export type OmniumRole = (typeof OMNIUM_ROLES)[number]

const ENDINGS = { B2C: 'private', B2B: 'business', order: 'orders' } as const

/** The roles that a route needs. */
export const rolesFor = ({ does, kind }: OmniumRoute): readonly OmniumRole[] =>
  kind === 'order' ? [`${does}-orders`] : [does, `${does}-${ENDINGS[kind]}`]
