import { z } from 'zod'
import { TenantFault } from './fault-rule.ts'

const WebhookTargetFields = z.strictObject({
  url: z.url(),
  auth: z
    .strictObject({
      kind: z.enum(['none', 'bearer', 'basic', 'signature', 'key']),
      secret: z.string().optional(),
      username: z.string().optional(),
    })
    .default({ kind: 'none' }),
})

/** What a tenant of either stand-in is configured with. */
export const TenantFields = {
  uid: z.string().min(1),
  requestsPerSecond: z.number().positive().nullable().default(null),
  webhook: WebhookTargetFields.nullable().default(null),
  faults: z.array(TenantFault).default([]),
}
