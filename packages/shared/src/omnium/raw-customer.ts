import { scalarText } from '@sync/shared/exact-json'
import { rawOf } from '@sync/shared/http/reading'
import type { OmniumCustomer } from '@sync/shared/omnium/schema'

/** The elements of a company's list exactly as Omnium answered them, also those that can't be read. */
export function listOf(company: OmniumCustomer, list: string): readonly unknown[] {
  const elements = rawOf(company)[list]
  return Array.isArray(elements) ? elements : []
}

/** A text field of such an element; `''` where the element has none. */
export function fieldOf(element: unknown, field: string): string {
  const value = typeof element === 'object' && element !== null ? (element as Record<string, unknown>)[field] : null
  return scalarText(value) ?? ''
}
