import type { Fields } from '@sync/sandbox/fields'

const ELEMENT_IDS = ['id', 'externalId', 'customerContactUid', 'customerAddressUid']

/** Without what is empty, the fields left out, and the order of lists whose elements have ids. */
export function plain(fields: Fields, leftOut: readonly string[] = []): Fields {
  return Object.fromEntries(
    Object.entries(fields)
      .filter(([name]) => !leftOut.includes(name))
      .map(([name, value]) => [name, plainValue(value, leftOut)])
      .filter(([, value]) => value !== undefined),
  )
}

function plainValue(value: unknown, leftOut: readonly string[]): unknown {
  if (value === null || value === '') return undefined
  if (Array.isArray(value)) {
    if (value.length === 0) return undefined
    return value.map((item) => plainValue(item, leftOut)).toSorted((a, b) => (idOf(a) < idOf(b) ? -1 : 1))
  }
  if (typeof value !== 'object') return value
  const object = plain(value as Fields, leftOut)
  return Object.keys(object).length === 0 ? undefined : object
}

const idOf = (item: unknown): string => {
  const fields = item as Fields | undefined
  return String(ELEMENT_IDS.map((name) => fields?.[name]).find((id) => id !== undefined) ?? '')
}
