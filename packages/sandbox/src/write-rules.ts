import { z } from 'zod'
import { type Fields, isObject } from './fields.ts'
import { refusal } from './refusal.ts'

const RefusesSecond = z
  .union([z.literal(400), z.literal(409)])
  .nullable()
  .default(null)

/** Values that only one customer may have: the status of the refusal, or null for any number of customers. */
export const UniqueModes = { uniqueEmails: RefusesSecond, uniquePhones: RefusesSecond }

export interface UniqueSettings {
  readonly uniqueEmails: 400 | 409 | null
  readonly uniquePhones: 400 | 409 | null
}

/** Throws the refusal when one of the other customers has the e-mail or the phone of this one. */
export function refuseSecond(
  fields: Fields,
  others: () => readonly Fields[],
  phoneField: 'phone' | 'mobile',
  { uniqueEmails, uniquePhones }: UniqueSettings,
): void {
  const refuse = (field: string, status: 400 | 409 | null, what: string) => {
    const value = fields[field]
    if (status === null || typeof value !== 'string' || value === '') return
    const same = (other: Fields) =>
      typeof other[field] === 'string' && other[field].toLowerCase() === value.toLowerCase()
    if (others().some(same)) throw refusal(status, `another customer has this ${what}`)
  }
  refuse('email', uniqueEmails, 'e-mail')
  refuse(phoneField, uniquePhones, 'phone')
}

/** Throws a 400 when an address lacks a property that the peer requires. */
export function refuseIncompleteAddress(fields: Fields, required: readonly string[]): void {
  const addresses = [fields.address, ...(Array.isArray(fields.addresses) ? fields.addresses : [])].filter(isObject)
  for (const name of required) {
    const lacks = ({ [name]: value }: Fields) => value === undefined || value === null || value === ''
    if (addresses.some(lacks)) throw refusal(400, `an address lacks ${name}`)
  }
}
