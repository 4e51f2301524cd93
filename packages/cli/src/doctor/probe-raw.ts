import { isDeepStrictEqual } from 'node:util'
import {
  ELEMENT_ID_FIELD,
  ELEMENT_LISTS,
  type ElementList,
  fieldOf,
  listOf,
  STAMPED_FIELDS,
  withoutStamps,
} from '@sync/shared/omnium/raw-customer'

/** A customer exactly as Omnium answered it. */
export type Raw = Readonly<Record<string, unknown>>

/** Id of the elements that the probe adds. No peer gives such ids. */
export const PROBE_ID = 'sync-doctor-probe'
const NAME = { contacts: 'contact', addresses: 'address' } as const
const ADDED = {
  contacts: { id: PROBE_ID, firstName: 'Probe', lastName: 'Probe' },
  addresses: { externalId: PROBE_ID, line1: 'Probe' },
} as const

export const TRACES = `the contact ${PROBE_ID} and the address ${PROBE_ID}`

const tracedLists = (customer: Raw) =>
  ELEMENT_LISTS.filter((list) => listOf(customer, list).some((it) => idOf(it, list) === PROBE_ID))

/** `the contact sync-doctor-probe and the address sync-doctor-probe`, or null if the customer holds no element of the probe. */
export function tracesIn(customer: Raw): string | null {
  const lists = tracedLists(customer)
  return lists.length === 0 ? null : lists.map((list) => `the ${NAME[list]} ${PROBE_ID}`).join(' and ')
}

/** The customer without the elements of the probe. A list that holds none stays as it is, also if it is null or absent. */
export function withoutTraces(customer: Raw): Raw {
  const lists = tracedLists(customer)
  const own = (list: ElementList) => listOf(customer, list).filter((it) => idOf(it, list) !== PROBE_ID)
  return { ...customer, ...Object.fromEntries(lists.map((list) => [list, own(list)])) }
}

/** Both lists, with the elements of the probe. */
export const listsWithProbe = (customer: Raw): Record<ElementList, readonly unknown[]> => ({
  contacts: [...listOf(customer, 'contacts'), ADDED.contacts],
  addresses: [...listOf(customer, 'addresses'), ADDED.addresses],
})

/** Both lists, without the elements of the probe. */
export function ownLists(customer: Raw): Record<ElementList, readonly unknown[]> {
  const own = withoutTraces(customer)
  return { contacts: listOf(own, 'contacts'), addresses: listOf(own, 'addresses') }
}

/** Names of the fields whose values differ, without the stamps of Omnium. */
export function differingFields(before: Raw, now: Raw): readonly string[] {
  const fields = [...new Set([...Object.keys(before), ...Object.keys(now)])]
  const isSame = (field: string) =>
    Object.hasOwn(before, field) === Object.hasOwn(now, field) && isDeepStrictEqual(before[field], now[field])
  return fields.filter((field) => !STAMPED_FIELDS.includes(field) && !isSame(field)).sort()
}

/**
 * The body of an Update that puts the lists back as they were. Everything else stays as it is `now`, because the probe wrote nothing
 * else. An element with an id of its own that was not there before is kept, because another system has added this element.
 */
export function restored(before: Raw, now: Raw): Record<string, unknown> {
  const body = withoutStamps(now)
  for (const list of ELEMENT_LISTS) {
    const known = new Set([PROBE_ID, '', ...listOf(before, list).map((it) => idOf(it, list))])
    const added = listOf(now, list).filter((it) => !known.has(idOf(it, list)))
    if (added.length > 0) body[list] = [...listOf(before, list), ...added]
    else if (Object.hasOwn(before, list)) body[list] = before[list]
    else delete body[list]
  }
  return body
}

/** `''` for an element without an id. */
const idOf = (element: unknown, list: ElementList): string => fieldOf(element, ELEMENT_ID_FIELD[list])
