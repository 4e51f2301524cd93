import { z } from 'zod'
import { parseExact } from './exact-json.ts'
import { type FlowApiOptions, FlowTenant, type FlowTenantInput } from './flow-api.ts'
import type { OmniumApiOptions } from './omnium-api.ts'
import { OmniumTenant, type OmniumTenantInput } from './omnium-tenant.ts'

const number = (fallback: number) =>
  z.preprocess((value) => (value === '' ? undefined : value), z.coerce.number().nonnegative().default(fallback))
const text = z.preprocess((value) => (value === '' ? undefined : value), z.string().optional())

const Tenants = z
  .array(
    z.strictObject({
      uid: z.string().min(1),
      /** The bearer secret of webhooks to FLOW_WEBHOOK_URL and OMNIUM_WEBHOOK_URL. */
      webhookSecret: z.string().optional(),
      flow: FlowTenant.omit({ uid: true }),
      omnium: OmniumTenant.omit({ uid: true }),
    }),
  )
  .min(1)

const Environment = z.object({
  STAND_INS_HOST: z.preprocess((value) => (value === '' ? undefined : value), z.string().default('127.0.0.1')),
  FLOW_PORT: number(0),
  OMNIUM_PORT: number(0),
  STAND_INS_TENANTS: z
    .string()
    .transform((value, context) => {
      try {
        return parseExact(value)
      } catch {
        context.addIssue({ code: 'custom', message: 'must be JSON' })
        return z.NEVER
      }
    })
    .pipe(Tenants),
  FLOW_WEBHOOK_URL: text,
  OMNIUM_WEBHOOK_URL: text,
  FLOW_WEBHOOK_RETRY_MS: number(1000),
  OMNIUM_WEBHOOK_RETRY_SCALE: number(1),
  OMNIUM_TOKEN_EXPIRES_IN_SECONDS: number(864_000),
  JOURNAL_ENTRIES: number(200_000),
})

export interface StandInsConfig {
  readonly host: string
  readonly flowPort: number
  readonly omniumPort: number
  readonly flow: FlowApiOptions
  readonly omnium: OmniumApiOptions
}

/**
 * Reads the environment. `{tenant}` in a webhook URL stands for the tenant's uid; a tenant's own `webhook` wins.
 * Throws an Error that lists every problem.
 */
export function standInsConfig(env: Readonly<Record<string, string | undefined>>): StandInsConfig {
  const parsed = Environment.safeParse(env)
  if (!parsed.success) {
    const problems = parsed.error.issues.map(({ path, message }) => `${path.join('.')}: ${message}`)
    throw new Error(`reading the environment: ${problems.join('; ')}`)
  }
  const { data } = parsed
  const tenants = data.STAND_INS_TENANTS
  return {
    host: data.STAND_INS_HOST,
    flowPort: data.FLOW_PORT,
    omniumPort: data.OMNIUM_PORT,
    flow: {
      tenants: tenants.map(
        ({ uid, flow, webhookSecret }): FlowTenantInput => ({
          uid,
          ...flow,
          webhook: flow.webhook ?? webhookTo(data.FLOW_WEBHOOK_URL, uid, webhookSecret),
        }),
      ),
      webhookRetryMs: data.FLOW_WEBHOOK_RETRY_MS,
      journalEntries: data.JOURNAL_ENTRIES,
    },
    omnium: {
      tenants: tenants.map(
        ({ uid, omnium, webhookSecret }): OmniumTenantInput => ({
          uid,
          ...omnium,
          webhook: omnium.webhook ?? webhookTo(data.OMNIUM_WEBHOOK_URL, uid, webhookSecret),
        }),
      ),
      webhookRetryScale: data.OMNIUM_WEBHOOK_RETRY_SCALE,
      tokenExpiresInSeconds: data.OMNIUM_TOKEN_EXPIRES_IN_SECONDS,
      journalEntries: data.JOURNAL_ENTRIES,
    },
  }
}

function webhookTo(template: string | undefined, uid: string, secret: string | undefined): FlowTenantInput['webhook'] {
  if (template === undefined) return null
  const url = template.replaceAll('{tenant}', encodeURIComponent(uid))
  return { url, auth: secret === undefined ? { kind: 'none' } : { kind: 'bearer', secret } }
}
