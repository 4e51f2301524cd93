import { holdsUnreadable } from '../http/reading.ts'
import { propertyPrefix, type Tenant } from '../tenants.ts'
import { ELEMENT_LISTS, type ElementList } from './raw-customer.ts'
import type { OmniumCustomer, OmniumProperty, OmniumRelation } from './schema.ts'

/** The value is `true` for a company with sub-departments, and `false` for a company that had some. */
export const PARENT_COMPANY = 'Parent company'

export const propertyOf = (customer: OmniumCustomer, key: string): OmniumProperty | undefined =>
  customer.properties?.find((property) => property.key === key)

/** Flow's uids of the contacts and addresses that our writes brought to Omnium. */
export type ElementIds = Readonly<Record<ElementList, readonly string[]>>

export const elementIdsKey = (tenant: Tenant): string => `${propertyPrefix(tenant)}ElementIds`

/** A value of `<prefix>ElementIds` that somebody else wrote counts as no ids, so that no element is removed by mistake. */
export function storedElementIds(customer: OmniumCustomer, tenant: Tenant): ElementIds {
  const value = propertyOf(customer, elementIdsKey(tenant))?.value ?? null
  const ids = parse(value) as Partial<Record<keyof ElementIds, unknown>> | null
  const listOf = (list: unknown) => (Array.isArray(list) ? list.map(String).filter((id) => id !== '') : [])
  return { contacts: listOf(ids?.contacts), addresses: listOf(ids?.addresses) }
}

function parse(value: string | null): unknown {
  try {
    return value === null ? null : JSON.parse(value)
  } catch {
    return null
  }
}

/** The last write of a company's parent, as `<prefix>ParentVersion` notes it. */
export interface ParentNote {
  /** ISO 8601, or null if we never wrote the parent. */
  readonly version: string | null
  /** null if the company got no parent. undefined without a note, or with a note of an earlier version, which names no parent. */
  readonly parent: string | null | undefined
}

export const parentVersionKey = (prefix: string): string => `${prefix}ParentVersion`

/** The value of `<prefix>ParentVersion`. A time holds no `|`. */
export const parentNote = (version: string, parent: string | null): string => `${version}|${parent ?? ''}`

export function parentNoteOf(company: OmniumCustomer, prefix: string): ParentNote {
  const value = propertyOf(company, parentVersionKey(prefix))?.value ?? ''
  const end = value.indexOf('|')
  if (end < 0) return { version: value || null, parent: undefined }
  return { version: value.slice(0, end) || null, parent: value.slice(end + 1) || null }
}

/** Whether Omnium makes no statement about a list: the list is absent, null or unreadable. */
export const isUnstated = (customer: OmniumCustomer, list: ElementList | 'customerRelations'): boolean =>
  customer[list] === undefined || customer[list] === null

/** Lists that Omnium leaves out although we wrote elements of them. */
export function hiddenElementLists(customer: OmniumCustomer, tenant: Tenant): readonly ElementList[] {
  const written = storedElementIds(customer, tenant)
  return ELEMENT_LISTS.filter((list) => isUnstated(customer, list) && written[list].length > 0)
}

/** Whether all properties of a customer are unreadable, so that nobody knows whether ours are among them. */
export const arePropertiesHidden = (customer: OmniumCustomer): boolean =>
  customer.properties === undefined && holdsUnreadable(customer, 'properties')

/** The types of the relations that we write. A tenant sets them up in Omnium. */
export const PARENT = 'Parent'
export const SUB_DEPARTMENT = 'SubDepartment'

/**
 * Whether a relation may be ours, but does not say so. It has no type, or it has one of our types and names no company. A relation of
 * another type is another system's, whomever it names.
 */
const isIncomplete = ({ customerId, relationType }: OmniumRelation): boolean =>
  !relationType || (!customerId && [PARENT, SUB_DEPARTMENT].includes(relationType))

/**
 * Names `customerRelations` and `properties` where they can't be read but are needed for the relations of a company. Relations that
 * are null or absent can't be read while our properties name a parent or call the company a parent. Relations with an incomplete one
 * can't be read either, because a write would send the incomplete one back in the place of a relation of ours.
 */
export function hiddenOfRelations(company: OmniumCustomer, prefix: string): readonly string[] {
  const hasRelations =
    Boolean(parentNoteOf(company, prefix).parent) || propertyOf(company, PARENT_COMPANY)?.value === 'true'
  const isHidden =
    holdsUnreadable(company, 'customerRelations') ||
    (isUnstated(company, 'customerRelations') && hasRelations) ||
    (company.customerRelations?.some(isIncomplete) ?? false)
  return [...(isHidden ? ['customerRelations'] : []), ...(arePropertiesHidden(company) ? ['properties'] : [])]
}
