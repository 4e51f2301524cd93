import { isDeepStrictEqual } from 'node:util'
import { type Fields, isObject } from './fields.ts'
import { type OmniumKind, type OmniumRow, withFullName } from './omnium-customers.ts'
import { MERGED_LISTS, mergedList } from './omnium-patch-lists.ts'

/** The PATCH models lack these; what a request says of them is ignored. */
const NOT_IN_PATCH = ['created', 'modified', 'modifiedBy', 'fullName']
const INSTRUCTIONS = [
  'customerId',
  'keepExistingCustomProperties',
  'keepExistingListItems',
  'propertiesRemovalConditions',
]

/**
 * A customer after a PATCH: only the values in the request change, null clears, nested objects are replaced whole, and
 * lists are replaced whole or merged. Properties are merged by key, unless keepExistingCustomProperties is false; propertiesRemovalConditions
 * removes some before that. The dates are the caller's. Answers the customer itself when nothing changes.
 */
export function applyPatch(
  kind: OmniumKind,
  customer: OmniumRow,
  patch: Fields,
  lists: 'replace' | 'merge' = 'replace',
): OmniumRow {
  const patched: Fields = { ...customer }
  for (const [name, value] of Object.entries(patch)) {
    if (NOT_IN_PATCH.includes(name) || INSTRUCTIONS.includes(name)) continue
    const isMerged = lists === 'merge' && MERGED_LISTS.includes(name)
    patched[name] = isMerged ? mergedList(name, customer[name], value) : value
  }
  const kept = withoutRemoved(customer.properties, patch.propertiesRemovalConditions)
  if (patch.properties !== undefined || kept !== customer.properties) {
    const replaces = patch.keepExistingCustomProperties === false && patch.properties !== undefined
    patched.properties = replaces ? patch.properties : merged(kept, patch)
  }
  const named = withFullName(kind, patched) as OmniumRow
  return isDeepStrictEqual(named, customer) ? customer : named
}

function merged(kept: unknown, patch: Fields): unknown {
  if (patch.properties === null) return null
  const properties = Array.isArray(kept) ? [...(kept as Fields[])] : []
  for (const property of (patch.properties ?? []) as Fields[]) {
    const index = properties.findIndex(({ key }) => key === property.key)
    if (index < 0) properties.push(property)
    else properties[index] = { ...properties[index], ...property }
  }
  return properties
}

/** A condition removes the properties that have everything it names, such as `{key}` or `{keyGroup, value}`. */
function withoutRemoved(properties: unknown, conditions: unknown): unknown {
  if (!Array.isArray(properties) || !Array.isArray(conditions)) return properties
  const named = conditions.filter(isObject).map((condition) => Object.entries(condition).filter(([, v]) => v != null))
  const removed = (property: Fields) =>
    named.some((wanted) => wanted.length > 0 && wanted.every(([name, value]) => property[name] === value))
  return properties.some(removed) ? properties.filter((property) => !removed(property)) : properties
}

/** What a PATCH answers about one customer. */
export function patchAnswer(end: 'updated' | 'unchanged' | 'not-found') {
  return {
    totalCount: 1,
    updatedCount: end === 'updated' ? 1 : 0,
    unchangedCount: end === 'unchanged' ? 1 : 0,
    notFoundCount: end === 'not-found' ? 1 : 0,
    errorCount: 0,
    errorMessage: null,
    isModified: end === 'updated',
  }
}
