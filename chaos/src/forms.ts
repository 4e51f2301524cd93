import type { Fields } from '@sync/sandbox/fields'
import type { TenantModes } from './plan-modes.ts'

/** Gives a customer's values one form, where a peer of the tenant stores values in a form of its own. */
export type FormOf = (tenant: string, fields: Fields) => Fields

const EMAILS = ['email']

/** For tenants without such a peer, and for tenants that are not named, the fields as they are. */
export function formsOf(modes: readonly TenantModes[]): FormOf {
  const byTenant = new Map(
    modes.map(({ tenant, flow, omnium }) => [
      tenant,
      {
        lowerCaseEmails: flow.lowerCaseEmails === true || omnium.lowerCaseEmails === true,
        normalizeTexts: flow.normalizeTexts === true || omnium.normalizeTexts === true,
      },
    ]),
  )
  return (tenant, fields) => {
    const { lowerCaseEmails = false, normalizeTexts = false } = byTenant.get(tenant) ?? {}
    if (!lowerCaseEmails && !normalizeTexts) return fields
    const formed = (name: string, value: unknown): unknown => {
      if (Array.isArray(value)) return value.map((element) => formed(name, element))
      if (typeof value === 'object' && value !== null) return formedFields(value as Fields)
      if (typeof value !== 'string') return value
      const text = normalizeTexts ? value.trim().normalize('NFC') : value
      return lowerCaseEmails && EMAILS.includes(name) ? text.toLowerCase() : text
    }
    const formedFields = (object: Fields): Fields =>
      Object.fromEntries(Object.entries(object).map(([name, value]) => [name, formed(name, value)]))
    return formedFields(fields)
  }
}
