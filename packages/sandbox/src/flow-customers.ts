import { isDeepStrictEqual } from 'node:util'
import { type Fields, isObject } from './fields.ts'

/** A customer as Flow stores it. */
export interface FlowRow extends Fields {
  readonly customerUid: string
  readonly customerType: string
  readonly createdAt: string
  readonly lastModifiedAt: string
  readonly lastModifiedBy: string
}

/** When and by whom, and the uids of new contacts and addresses. `at` is ISO 8601 with milliseconds. */
export interface FlowStamp {
  readonly at: string
  readonly by: string
  readonly nextUid: (what: 'contact' | 'address') => string
}

/** Flow gives these itself; what a request says of them is ignored. */
const GIVEN_BY_FLOW = ['customerUid', 'createdAt', 'lastModifiedAt', 'lastModifiedBy', 'displayName']

const LISTS = ['addresses', 'contacts', 'consents', 'extensions']
const OBJECTS = ['credit', 'parentCustomer']

/** Why Flow refuses this body of a POST or PUT; null: it doesn't. */
export function customerProblem(body: Fields, creating: boolean): string | null {
  const type = body.customerType
  if ((creating || type !== undefined) && type !== 'PERSON' && type !== 'COMPANY') {
    return 'customerType must be PERSON or COMPANY'
  }
  for (const [name, value] of Object.entries(body)) {
    if (value === null) continue
    if (LISTS.includes(name)) {
      if (!Array.isArray(value) || !value.every(isObject)) return `${name} must be a list of objects`
    } else if (OBJECTS.includes(name)) {
      if (!isObject(value)) return `${name} must be an object`
    } else if (KNOWN_TEXTS.has(name) && typeof value !== 'string') {
      return `${name} must be a string`
    }
  }
  return body.customerUid === '' ? 'customerUid must not be empty' : null
}

const KNOWN_TEXTS = new Set(
  (
    'customerUid firstname lastname companyName email mobile address city postalCode countryCode vatNumber ' +
    'ledgerNumber externalId loyaltyId origin pricelistUid internalNote'
  ).split(' '),
)

/** Why Flow refuses this body of a contact; null: it doesn't. */
export function contactProblem(body: Fields, creating: boolean): string | null {
  for (const name of ['firstname', 'lastname', 'email', 'mobile', 'customerContactUid']) {
    const value = body[name]
    const required = creating && (name === 'firstname' || name === 'lastname')
    if (required && typeof value !== 'string') return `${name} is required`
    if (value !== undefined && value !== null && typeof value !== 'string') return `${name} must be a string`
  }
  return null
}

/** A request's fields without those that Flow gives itself. */
export function writable(body: Fields): Fields {
  return Object.fromEntries(Object.entries(body).filter(([name]) => !GIVEN_BY_FLOW.includes(name)))
}

export function createdCustomer(uid: string, fields: Fields, stamp: FlowStamp): FlowRow {
  return {
    displayName: displayNameOf(fields),
    ...withElements(fields, {}, stamp),
    customerUid: uid,
    createdAt: stamp.at,
    lastModifiedAt: stamp.at,
    lastModifiedBy: stamp.by,
  } as Fields as FlowRow
}

/** What is absent stays, null clears, lists and objects are replaced whole. null: nothing changed, so nothing is stamped. */
export function mergedCustomer(row: FlowRow, fields: Fields, stamp: FlowStamp): FlowRow | null {
  const merged = { ...row, ...withElements(fields, row, stamp), customerUid: row.customerUid }
  const named = 'displayName' in fields ? merged : { ...merged, displayName: renamed(row, merged) }
  if (isDeepStrictEqual(named, row)) return null
  return { ...named, createdAt: row.createdAt, lastModifiedAt: stamp.at, lastModifiedBy: stamp.by } as FlowRow
}

function renamed(before: Fields, after: Fields): unknown {
  return displayNameOf(before) === displayNameOf(after) ? after.displayName : displayNameOf(after)
}

/** First and last name, or a company's name; null when there is none. */
export function displayNameOf(fields: Fields): string | null {
  if (fields.customerType === 'COMPANY') return typeof fields.companyName === 'string' ? fields.companyName : null
  const parts = [fields.firstname, fields.lastname].filter((part) => typeof part === 'string' && part !== '')
  return parts.length > 0 ? parts.join(' ') : null
}

/** New contacts and addresses get a uid; a contact gets its stamps and its display name. */
function withElements(fields: Fields, before: Fields, stamp: FlowStamp): Fields {
  const result = { ...fields }
  if (Array.isArray(fields.addresses)) {
    result.addresses = fields.addresses.map((address: Fields) => ({
      ...address,
      customerAddressUid: address.customerAddressUid ?? stamp.nextUid('address'),
    }))
  }
  if (Array.isArray(fields.contacts)) {
    const known = new Map(contactsOf(before).map((contact) => [contact.customerContactUid, contact]))
    result.contacts = fields.contacts.map((sent: Fields) => {
      const old = known.get(sent.customerContactUid)
      const contact: Fields = {
        ...sent,
        customerContactUid: sent.customerContactUid ?? stamp.nextUid('contact'),
        displayName: displayNameOf(sent),
      }
      const fresh = {
        ...contact,
        createdAt: old?.createdAt ?? stamp.at,
        lastModifiedAt: old?.lastModifiedAt ?? stamp.at,
      }
      return old && !isDeepStrictEqual(fresh, old) ? { ...fresh, lastModifiedAt: stamp.at } : fresh
    })
  }
  return result
}

export function contactsOf(row: Fields): Fields[] {
  return Array.isArray(row.contacts) ? row.contacts.filter(isObject) : []
}
