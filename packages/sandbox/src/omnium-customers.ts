import { type Fields, isObject } from './fields.ts'

/** Omnium's two customer resources. */
export type OmniumKind = 'B2C' | 'B2B'

/** A customer as Omnium stores it. `created` and `modified` are as they were sent, when they were. */
export interface OmniumRow extends Fields {
  readonly customerId: string
  readonly created: string
  readonly modified: string
  readonly modifiedBy: string
}

const LISTS = ['addresses', 'contacts', 'externalIds', 'customerRelations', 'properties']
const LIMITS: Record<string, number> = { addresses: 200, contacts: 1000 }
const DATES = ['created', 'modified']
const TEXTS = [
  'customerId',
  'customerNumber',
  'firstName',
  'lastName',
  'fullName',
  'name',
  'email',
  'phone',
  'taxId',
  'marketId',
  'marketGroupId',
  'modifiedBy',
]

/** Why Omnium refuses this model; null: it doesn't. The same for create, update and PATCH. */
export function modelProblem(body: Fields): string | null {
  if (typeof body.customerId !== 'string' || body.customerId === '') return 'customerId is required'
  for (const [name, value] of Object.entries(body)) {
    if (value === null) continue
    const problem = fieldProblem(name, value)
    if (problem !== null) return `${name} ${problem}`
  }
  return propertiesProblem(body.properties)
}

function fieldProblem(name: string, value: unknown): string | null {
  if (TEXTS.includes(name) && typeof value !== 'string') return 'must be a string'
  if (DATES.includes(name) && !isDate(value)) return 'must be an ISO 8601 date'
  if (name === 'address' && !isObject(value)) return 'must be an object'
  if (!LISTS.includes(name)) return null
  if (!Array.isArray(value) || !value.every(isObject)) return 'must be a list of objects'
  const limit = LIMITS[name]
  return limit !== undefined && value.length > limit ? `must not hold more than ${limit}` : null
}

function propertiesProblem(properties: unknown): string | null {
  if (!Array.isArray(properties)) return null
  for (const { key, value } of properties as Fields[]) {
    if (typeof key !== 'string' || key === '') return 'properties must have a key'
    if (value !== undefined && value !== null && typeof value !== 'string') return `property ${key} must be a string`
  }
  return null
}

export const isDate = (value: unknown): boolean => typeof value === 'string' && !Number.isNaN(Date.parse(value))

/** A private customer's fullName is calculated from first and last name, whatever was sent. */
export function withFullName(kind: OmniumKind, fields: Fields): Fields {
  if (kind === 'B2B') return fields
  const parts = [fields.firstName, fields.lastName].filter((part) => typeof part === 'string' && part !== '')
  return { ...fields, fullName: parts.join(' ') }
}

/** The full model as it is stored: what is sent, and `stamp` for the dates and the user that aren't. */
export function storedModel(
  kind: OmniumKind,
  body: Fields,
  stamp: { readonly created: string; readonly modified: string; readonly modifiedBy: string },
): OmniumRow {
  return {
    ...withFullName(kind, body),
    created: body.created ?? stamp.created,
    modified: body.modified ?? stamp.modified,
    modifiedBy: body.modifiedBy ?? stamp.modifiedBy,
  } as Fields as OmniumRow
}

const PERSONAL = ['firstName', 'lastName', 'name', 'email', 'phone', 'taxId', 'address', 'customerNumber']
const PERSONAL_LISTS = ['addresses', 'contacts', 'externalIds', 'properties']

/** What stays of a customer after anonymizing: the id, the relations and the dates. */
export function anonymized(kind: OmniumKind, row: OmniumRow): Fields {
  const cleared: Fields = { ...row, isAnonymized: true }
  for (const name of PERSONAL) if (name in row) cleared[name] = null
  for (const name of PERSONAL_LISTS) if (name in row) cleared[name] = []
  return withFullName(kind, cleared)
}

/** Adds a contact in the place of the one with the same id, email or phone; else at the end. */
export function withContactPerson(contacts: unknown, contact: Fields): Fields[] {
  const list = Array.isArray(contacts) ? contacts.filter(isObject) : []
  const same = (other: Fields) =>
    ['id', 'email', 'phone'].some((name) => typeof contact[name] === 'string' && contact[name] === other[name])
  const index = list.findIndex(same)
  return index < 0 ? [...list, contact] : list.with(index, contact)
}
