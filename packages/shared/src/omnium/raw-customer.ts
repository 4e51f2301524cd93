import { scalarText } from '../exact-json.ts'
import { rawOf } from '../http/reading.ts'

/** The lists of a company that Flow's customer has too, and the field that holds the id of an element. */
export const ELEMENT_ID_FIELD = { contacts: 'id', addresses: 'externalId' } as const
export type ElementList = keyof typeof ELEMENT_ID_FIELD
export const ELEMENT_LISTS = Object.keys(ELEMENT_ID_FIELD) as ElementList[]

/** Omnium stamps these fields at each write that leaves them out. Sent back, they would date the write before other changes. */
export const STAMPED_FIELDS: readonly string[] = ['modified', 'modifiedBy']

/** A customer, as Omnium answered the customer, as the body of a write. */
export const withoutStamps = (customer: Readonly<Record<string, unknown>>): Record<string, unknown> =>
  Object.fromEntries(Object.entries(customer).filter(([field]) => !STAMPED_FIELDS.includes(field)))

/** The elements of a customer's list exactly as Omnium answered them, also those that can't be read. */
export function listOf(customer: object, list: string): readonly unknown[] {
  const elements = rawOf(customer)[list]
  return Array.isArray(elements) ? elements : []
}

/** A text field of such an element; `''` where the element has none. */
export function fieldOf(element: unknown, field: string): string {
  const value = typeof element === 'object' && element !== null ? (element as Record<string, unknown>)[field] : null
  return scalarText(value) ?? ''
}
