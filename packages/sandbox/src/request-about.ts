/** What a request does, for the scope of a fault. A `Search` and a `Scroll` are lists, although they are POSTs. */
export type RequestClass = 'by-id-read' | 'list' | 'create' | 'update' | 'delete' | 'token' | 'other'

/** The kind of data that a request is about. Flow has one customer resource, Omnium has two. */
export const RESOURCE_KINDS = ['customer', 'private-customer', 'business-customer', 'contact', 'order'] as const
export type ResourceKind = (typeof RESOURCE_KINDS)[number]

export interface RequestAbout {
  readonly class: RequestClass
  readonly of: ResourceKind | null
  /** The decoded id in the path; null if the path names none. */
  readonly id: string | null
}

type Row = readonly [methods: string, path: RegExp, requestClass: RequestClass, of: ResourceKind | null]

const FLOW: readonly Row[] = [
  ['GET', /^\/tenants\/[^/]+\/customers$/, 'list', 'customer'],
  ['POST', /^\/tenants\/[^/]+\/customers$/, 'create', 'customer'],
  ['GET', /^\/tenants\/[^/]+\/customers\/([^/]+)$/, 'by-id-read', 'customer'],
  ['PUT PATCH', /^\/tenants\/[^/]+\/customers\/([^/]+)$/, 'update', 'customer'],
  ['DELETE', /^\/tenants\/[^/]+\/customers\/([^/]+)$/, 'delete', 'customer'],
  ['GET', /^\/tenants\/[^/]+\/customers\/[^/]+\/contacts$/, 'list', 'contact'],
  ['POST', /^\/tenants\/[^/]+\/customers\/[^/]+\/contacts$/, 'create', 'contact'],
  ['GET', /^\/tenants\/[^/]+\/customers\/[^/]+\/contacts\/([^/]+)$/, 'by-id-read', 'contact'],
  ['PUT PATCH', /^\/tenants\/[^/]+\/customers\/[^/]+\/contacts\/([^/]+)$/, 'update', 'contact'],
  ['DELETE', /^\/tenants\/[^/]+\/customers\/[^/]+\/contacts\/([^/]+)$/, 'delete', 'contact'],
  ['GET', /^\/tenants\/[^/]+\/orders\/([^/]+)$/, 'by-id-read', 'order'],
  ['GET', /^\/tenants\/[^/]+\/stores\/[^/]+\/orders$/, 'list', 'order'],
]

const omniumRows = (path: string, of: ResourceKind): readonly Row[] => [
  ['POST', new RegExp(`^${path}/(?:Search|Scroll)$`), 'list', of],
  ['GET', new RegExp(`^${path}/(?:GetAll|Scroll/[^/]+)$`), 'list', of],
  ['POST', new RegExp(`^${path}(?:/AddMany)?$`), 'create', of],
  ['POST PUT PATCH', new RegExp(`^${path}(?:/.*)?$`), 'update', of],
  ['DELETE', new RegExp(`^${path}/Anonymize$`), 'update', of],
  ['DELETE', new RegExp(`^${path}/([^/]+)$`), 'delete', of],
  ['GET', new RegExp(`^${path}/([^/]+)$`), 'by-id-read', of],
]

const ROWS: readonly Row[] = [
  ...FLOW,
  ['POST', /^\/api\/token$/, 'token', null],
  ['PUT POST DELETE', /^\/api\/BusinessCustomer\/([^/]+)\/ContactPerson\/[^/]+$/, 'update', 'business-customer'],
  ...omniumRows('/api/PrivateCustomers', 'private-customer'),
  ...omniumRows('/api/BusinessCustomers', 'business-customer'),
  ...omniumRows('/api/Orders', 'order'),
]

/** Reads the method and the path as it came (percent-encoded, without the query). */
export function requestAbout(method: string, path: string): RequestAbout {
  for (const [methods, pattern, requestClass, of] of ROWS) {
    if (!methods.split(' ').includes(method)) continue
    const match = pattern.exec(path)
    if (match) return { class: requestClass, of, id: match[1] === undefined ? null : decoded(match[1]) }
  }
  return { class: 'other', of: null, id: null }
}

/** The text itself if it is not valid percent-encoding. */
export function decoded(text: string): string {
  try {
    return decodeURIComponent(text)
  } catch {
    return text
  }
}
