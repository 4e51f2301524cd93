import { isDeepStrictEqual } from 'node:util'
import { scalarText } from '@sync/shared/exact-json'

/** A customer exactly as Omnium answered it. */
export type Raw = Readonly<Record<string, unknown>>

/** Id of the elements that the probe adds; no peer gives such ids. */
export const PROBE_ID = 'sync-doctor-probe'
/** The lists that the probe writes, and the field by which an element is told from others. */
const ID_FIELD = { contacts: 'id', addresses: 'externalId' } as const
const LISTS = ['contacts', 'addresses'] as const
type List = (typeof LISTS)[number]
const NAME = { contacts: 'contact', addresses: 'address' } as const
const ADDED = {
  contacts: { id: PROBE_ID, firstName: 'Probe', lastName: 'Probe' },
  addresses: { externalId: PROBE_ID, line1: 'Probe' },
} as const
/** Stamped by Omnium at each write. */
const STAMPED: ReadonlySet<string> = new Set(['modified', 'modifiedBy'])

export const TRACES = `the contact ${PROBE_ID} and the address ${PROBE_ID}`

/** `the contact sync-doctor-probe and the address sync-doctor-probe`; null if the customer holds no element of the probe. */
export function tracesIn(customer: Raw): string | null {
  const lists = LISTS.filter((list) => elementsOf(customer, list).some((it) => idOf(it, list) === PROBE_ID))
  return lists.length === 0 ? null : lists.map((list) => `the ${NAME[list]} ${PROBE_ID}`).join(' and ')
}

/** The customer without the elements of the probe. A list that holds none stays as it is, also if it is null or absent. */
export function withoutTraces(customer: Raw): Raw {
  const lists = LISTS.filter((list) => elementsOf(customer, list).some((it) => idOf(it, list) === PROBE_ID))
  const own = (list: List) => elementsOf(customer, list).filter((it) => idOf(it, list) !== PROBE_ID)
  return { ...customer, ...Object.fromEntries(lists.map((list) => [list, own(list)])) }
}

/** Both lists, with the elements of the probe. */
export const listsWithProbe = (customer: Raw): Record<List, readonly unknown[]> => ({
  contacts: [...elementsOf(customer, 'contacts'), ADDED.contacts],
  addresses: [...elementsOf(customer, 'addresses'), ADDED.addresses],
})

/** Both lists, without the elements of the probe. */
export function ownLists(customer: Raw): Record<List, readonly unknown[]> {
  const own = withoutTraces(customer)
  return { contacts: elementsOf(own, 'contacts'), addresses: elementsOf(own, 'addresses') }
}

/** Names of the fields whose values differ, without the stamps of Omnium. */
export function differingFields(before: Raw, now: Raw): readonly string[] {
  const fields = [...new Set([...Object.keys(before), ...Object.keys(now)])]
  const isSame = (field: string) =>
    Object.hasOwn(before, field) === Object.hasOwn(now, field) && isDeepStrictEqual(before[field], now[field])
  return fields.filter((field) => !STAMPED.has(field) && !isSame(field)).sort()
}

/**
 * The body of an Update that puts the lists back as they were. Everything else stays as it is `now`, because the probe wrote nothing
 * else. An element with an id of its own that was not there before is kept, because another system has added this element.
 */
export function restored(before: Raw, now: Raw): Record<string, unknown> {
  const body: Record<string, unknown> = { ...now }
  for (const field of STAMPED) delete body[field]
  for (const list of LISTS) {
    const known = new Set([PROBE_ID, '', ...elementsOf(before, list).map((it) => idOf(it, list))])
    const added = elementsOf(now, list).filter((it) => !known.has(idOf(it, list)))
    if (added.length > 0) body[list] = [...elementsOf(before, list), ...added]
    else if (Object.hasOwn(before, list)) body[list] = before[list]
    else delete body[list]
  }
  return body
}

function elementsOf(customer: Raw, list: List): readonly unknown[] {
  const elements = customer[list]
  return Array.isArray(elements) ? elements : []
}

/** `''` for an element without an id. */
function idOf(element: unknown, list: List): string {
  const id = typeof element === 'object' && element !== null ? (element as Raw)[ID_FIELD[list]] : null
  return scalarText(id) ?? ''
}
