import { readFileSync } from 'node:fs'
import { z } from 'zod'
import { SyncError } from './errors.ts'
import { SENDERS } from './senders.ts'

const loopback = (host: string) =>
  host === 'localhost' || host === '[::1]' || host.endsWith('.localhost') || /^127\.\d+\.\d+\.\d+$/.test(host)

const BaseUrl = z
  .url()
  .refine((value) => {
    const url = new URL(value)
    return url.protocol === 'https:' || (url.protocol === 'http:' && loopback(url.hostname))
  }, 'must be https (http is accepted for loopback hosts only)')
  .transform((value) => value.replace(/\/+$/, ''))

/** A literal, `env:NAME` or `file:/path`; resolved when the tenants are read, so rotation needs a reload, not a restart. */
const Secret = z.string().min(1)

/** A user of Omnium's API that one service has for itself, with all of the user's limits. */
const OmniumApiUser = z.object({
  clientId: z.string().min(1),
  clientSecret: Secret,
  /** The name of the user in Omnium: events that it caused are echoes. */
  apiUser: z.string().min(1),
})

/** Empty stands for unset, as in the environment. */
const optionalText = z
  .string()
  .optional()
  .transform((value) => (value === '' ? undefined : value))

export const Tenant = z.object({
  /** Keys are `tenant:id`, and an id may have a colon. */
  uid: z.string().regex(/^[^:]+$/, 'must be there, and have no colon'),
  countryCode: z.string().min(1),
  webhookSecrets: z.array(Secret).min(1),
  flow: z.object({
    baseUrl: BaseUrl,
    token: Secret,
    requestsPerSecond: z.number().positive().default(20),
    maxInFlight: z.int().positive().default(10),
    /** The `tenantUser` uid of our own writes in Flow: its events are echoes. */
    apiUser: optionalText,
  }),
  omnium: z.object({
    baseUrl: BaseUrl,
    clientId: z.string().min(1),
    clientSecret: Secret,
    /** Our user in Omnium: events that it caused are echoes. */
    apiUser: optionalText,
    /** By service, and `syncctl`: those that have an API user of their own. The others share `clientId`. */
    apiUsers: z.record(z.string(), OmniumApiUser).prefault({}),
    /** How a private customer is updated: `full` sends the full model with Flow's times, `patch` the fields that differ. */
    privateUpdates: z.enum(['full', 'patch']).default('full'),
    /** Of each API user. Documented: 100 a second in the long run. */
    requestsPerSecond: z.number().positive().default(80),
    /** Of each API user. Documented: 20 at the same time, and 40 over all API users of the tenant. */
    maxInFlight: z.int().positive().default(16),
    /** A Kafka topic on which Omnium publishes its events, besides or instead of webhooks. */
    eventsTopic: optionalText,
    /** How an element of a list is removed at first: `patch` sends the whole list, `update` asks for an Update at once. */
    listRemoval: z.enum(['patch', 'update']).default('patch'),
  }),
  parameters: z
    .looseObject({
      OMNIUM_CUSTOMER_MARKET_GROUP_ID: optionalText,
      OMNIUM_CUSTOMER_LOYALTY_ID_PROPERTY_KEY: optionalText,
      OMNIUM_PROPERTY_PREFIX: optionalText,
    })
    .prefault({}),
  omniumCustomerEvents: z.enum(['off', 'create', 'update']).default('create'),
})
/** One retailer: both peers' addresses and secrets, and how its customers map. Secrets are resolved. */
export type Tenant = z.infer<typeof Tenant>

/** `<prefix>Uid`, `<prefix>LastModifiedAt`, `<prefix>ElementIds` and `<prefix>ParentVersion` are our properties in Omnium. */
export const propertyPrefix = (tenant: Tenant): string => tenant.parameters.OMNIUM_PROPERTY_PREFIX ?? 'flow'

export interface Tenants {
  get(uid: string): Tenant | undefined
  all(): readonly Tenant[]
}

export function createTenants(tenants: readonly Tenant[]): Tenants {
  const byUid = new Map(tenants.map((tenant) => [tenant.uid, tenant]))
  const all = [...byUid.values()]
  return { get: (uid) => byUid.get(uid), all: () => all }
}

const FILE = 'file:'

/** Resolves `env:NAME` and `file:/path`. Throws an Error that names the reference, never the value. */
export function resolveSecret(reference: string, env: Readonly<Record<string, string | undefined>>): string {
  if (reference.startsWith('env:')) {
    const name = reference.slice('env:'.length)
    const value = env[name]
    if (value === undefined || value === '') throw new Error(`environment variable ${name} is not set`)
    return value
  }
  if (reference.startsWith(FILE)) {
    const path = reference.slice(FILE.length)
    try {
      return readFileSync(path, 'utf8').trim()
    } catch (cause) {
      throw new Error(`file ${path} can't be read`, { cause })
    }
  }
  return reference
}

/**
 * Validates a TENANTS_FILE's text and resolves its secrets. Throws SyncError `config-invalid` that lists every problem
 * by its path in the file.
 */
export function parseTenants(text: string, env: Readonly<Record<string, string | undefined>>): Tenants {
  const problems: string[] = []
  const json = parseJson(text, problems)
  const entries: unknown[] = Array.isArray(json) ? json : []
  if (problems.length === 0 && entries.length === 0) problems.push('must be a list of at least one tenant')
  const resolve = (reference: string, path: string): string => {
    try {
      return resolveSecret(reference, env)
    } catch (error) {
      problems.push(`[${path}]: ${(error as Error).message}`)
      return reference
    }
  }
  const tenants = entries.flatMap((entry, index) => {
    const parsed = Tenant.safeParse(entry)
    for (const issue of parsed.error?.issues ?? []) {
      problems.push(`[${[index, ...issue.path].join('.')}]: ${issue.message}`)
    }
    // Also of an entry whose shape is wrong, so that all of it is told at once.
    const secretOf = (value: unknown, path: string) => (typeof value === 'string' ? resolve(value, path) : '')
    const raw = rawSecretsOf(entry)
    const webhookSecrets = raw.webhookSecrets.map((secret, i) => secretOf(secret, `${index}.webhookSecrets.${i}`))
    const token = secretOf(raw.flow, `${index}.flow.token`)
    const clientSecret = secretOf(raw.omnium, `${index}.omnium.clientSecret`)
    const ofUsers = raw.apiUsers.map(([name, secret]) => {
      if (!(SENDERS as readonly string[]).includes(name)) {
        problems.push(`[${index}.omnium.apiUsers.${name}]: is no service; must be one of ${SENDERS.join(', ')}`)
      }
      return [name, secretOf(secret, `${index}.omnium.apiUsers.${name}.clientSecret`)] as const
    })
    if (!parsed.success) return []
    const { data } = parsed
    const apiUsers = Object.fromEntries(
      ofUsers.map(([name, secret]) => [name, { ...data.omnium.apiUsers[name]!, clientSecret: secret }]),
    )
    const omnium = { ...data.omnium, clientSecret, apiUsers }
    return [{ ...data, webhookSecrets, flow: { ...data.flow, token }, omnium }]
  })
  const seen = new Set<string>()
  for (const [index, { uid }] of tenants.entries()) {
    if (seen.has(uid)) problems.push(`[${index}.uid]: '${uid}' stands twice`)
    seen.add(uid)
  }
  if (problems.length > 0) throw new SyncError('config-invalid', `reading tenants: ${problems.join('; ')}`)
  return createTenants(tenants)
}

/** The files that a tenants file's secrets refer to, also those of entries that are not valid; none when it is no JSON. */
export function secretFilesOf(text: string): string[] {
  const entries = parseJson(text, [])
  const references = (Array.isArray(entries) ? entries : []).flatMap((entry) => {
    const { webhookSecrets, flow, omnium, apiUsers } = rawSecretsOf(entry)
    return [...webhookSecrets, flow, omnium, ...apiUsers.map(([, secret]) => secret)]
  })
  const files = references.flatMap((reference) =>
    typeof reference === 'string' && reference.startsWith(FILE) ? reference.slice(FILE.length) : [],
  )
  return [...new Set(files)]
}

/** Where secrets stand in an entry, whatever its shape. */
function rawSecretsOf(entry: unknown) {
  const { webhookSecrets, flow, omnium } = (entry ?? {}) as {
    webhookSecrets?: unknown
    flow?: { token?: unknown }
    omnium?: { clientSecret?: unknown; apiUsers?: Record<string, { clientSecret?: unknown } | null> }
  }
  return {
    webhookSecrets: (Array.isArray(webhookSecrets) ? webhookSecrets : []) as unknown[],
    flow: flow?.token,
    omnium: omnium?.clientSecret,
    apiUsers: Object.entries(omnium?.apiUsers ?? {}).map(([name, user]) => [name, user?.clientSecret] as const),
  }
}

function parseJson(text: string, problems: string[]): unknown {
  try {
    return JSON.parse(text)
  } catch (error) {
    problems.push(`not JSON: ${(error as Error).message.replace(/".*"/s, '…')}`)
    return null
  }
}
