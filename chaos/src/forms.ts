import type { Fields } from '@sync/sandbox/fields'
import { storedValues } from '@sync/sandbox/value-modes'
import type { TenantModes } from './plan-modes.ts'

/** Gives the values of a customer one form, where a peer of the tenant stores values in a form of its own. */
export type FormOf = (tenant: string, fields: Fields) => Fields

/** The form of tenants whose peers store values as sent. */
export const AS_SENT: FormOf = (_tenant, fields) => fields

/** A tenant without such a peer, and a tenant that `modes` lacks, has the form `AS_SENT`. */
export function formsOf(modes: readonly TenantModes[]): FormOf {
  const byTenant = new Map(modes.map((drawn) => [drawn.tenant, drawn]))
  return (tenant, fields) => {
    const { flow, omnium } = byTenant.get(tenant) ?? { flow: {}, omnium: {} }
    return storedValues(fields, {
      phoneFormat: omnium.phoneFormat ?? null,
      lowerCaseEmails: flow.lowerCaseEmails === true || omnium.lowerCaseEmails === true,
      normalizeTexts: flow.normalizeTexts === true || omnium.normalizeTexts === true,
    })
  }
}
