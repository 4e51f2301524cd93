import { isDeepStrictEqual } from 'node:util'
import { type Fields, isObject } from './fields.ts'

/** The lists of a PATCH that the merge modes are about. */
export const MERGED_LISTS = ['contacts', 'addresses', 'customerRelations', 'externalIds', 'tags']

/**
 * A stored list with the elements of a request added. A contact changes the stored contact with its id. An element that
 * equals a stored element is not added again.
 */
export function mergedList(name: string, stored: unknown, sent: unknown): unknown {
  if (!Array.isArray(sent) || !Array.isArray(stored)) return sent
  let merged: readonly unknown[] = stored
  for (const element of sent) {
    const index = name === 'contacts' ? indexOfId(merged, element) : -1
    if (index >= 0) merged = merged.with(index, { ...(merged[index] as Fields), ...(element as Fields) })
    else if (!merged.some((other) => isSame(other, element))) merged = [...merged, element]
  }
  return merged
}

function indexOfId(list: readonly unknown[], element: unknown): number {
  if (!isObject(element) || element.id === undefined || element.id === null) return -1
  return list.findIndex((other) => isObject(other) && other.id === element.id)
}

/** Fields that are null count as absent. */
const isSame = (one: unknown, other: unknown): boolean => isDeepStrictEqual(withoutNulls(one), withoutNulls(other))

function withoutNulls(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(withoutNulls)
  if (!isObject(value)) return value
  const entries = Object.entries(value).filter(([, part]) => part !== null && part !== undefined)
  return Object.fromEntries(entries.map(([name, part]) => [name, withoutNulls(part)]))
}
