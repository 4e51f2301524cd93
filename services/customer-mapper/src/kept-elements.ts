import { holdsUnreadable } from '@sync/shared/http/reading'
import { ELEMENT_ID_FIELD, type ElementList } from '@sync/shared/omnium/raw-customer'
import type { OmniumCustomer } from '@sync/shared/omnium/schema'
import { idOf, type OldElement, type OmniumElement } from './merge-elements.ts'

export type OldInList = OldElement & { readonly list: ElementList }

/**
 * Of what a write was to take out of the lists, what Omnium still has. A PATCH that merges lists adds the new form of an element
 * beside the old form, so an element that stands twice counts too. A list that can't be read proves no removal.
 */
export const keptElements = (old: readonly OldInList[], omnium: OmniumCustomer): OldInList[] =>
  old.filter((element) => isKept(element, omnium))

function isKept(old: OldInList, omnium: OmniumCustomer): boolean {
  if (holdsUnreadable(omnium, old.list)) return true
  const list: readonly OmniumElement[] = omnium[old.list] ?? []
  const standing = list.filter((element) => idOf(element, ELEMENT_ID_FIELD[old.list]) === old.id)
  if (old.why === 'removed') return standing.length > 0
  return standing.length > 1 || (old.why === 'replaced' && standing.some((element) => isSame(element, old.form)))
}

/** Whether two values of an answer are the same, whatever the order of their fields. */
function isSame(a: unknown, b: unknown): boolean {
  if (typeof a !== 'object' || typeof b !== 'object' || a === null || b === null) return a === b
  const keys = Object.keys(a)
  return (
    keys.length === Object.keys(b).length &&
    keys.every((key) => isSame((a as OmniumElement)[key], (b as OmniumElement)[key]))
  )
}
