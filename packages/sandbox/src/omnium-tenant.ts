import { z } from 'zod'
import { OmniumModes } from './omnium-modes.ts'
import { TenantFields } from './tenant-fields.ts'

const ApiUserFields = {
  clientId: z.string().min(1),
  clientSecret: z.string().min(1),
}

export const OmniumTenant = z.strictObject({
  ...TenantFields,
  ...ApiUserFields,
  /** The user who stands for the API in events and in modifiedBy. */
  apiUser: z.string().default('flow-sync'),
  /** Further API users of the tenant. */
  apiUsers: z.array(z.strictObject({ ...ApiUserFields, apiUser: z.string().min(1) })).default([]),
  modes: OmniumModes.prefault({}),
})
/** A tenant of the Omnium stand-in. */
export type OmniumTenant = z.infer<typeof OmniumTenant>
export type OmniumTenantInput = z.input<typeof OmniumTenant>
