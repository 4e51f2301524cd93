import { isDeepStrictEqual } from 'node:util'
import type { OmniumClient, OmniumPage, OmniumQuery } from '../omnium/client.ts'
import { OmniumCustomer, type OmniumKind, OmniumOrder, type OmniumProperty } from '../omnium/schema.ts'
import { compareVersions } from '../version.ts'
import { type Calls, createCallLog, createLogicalClock, createTable } from './calls.ts'

/**
 * Omnium in memory, after API-FACTS: create and the private update store the model that is sent (its `modified` too); a
 * PATCH merges properties by key, replaces other lists and nested objects whole, clears by null, leaves the rest, lacks
 * created / modified / modifiedBy / fullName, and is modified by Omnium's own clock. `fullName` is calculated.
 */
export interface FakeOmnium extends OmniumClient, Calls {
  /** A customer as it stands, nothing stamped or calculated. */
  put(kind: OmniumKind, customer: Record<string, unknown>, tenant?: string): void
  /** An edit in Omnium itself, newer by its clock. */
  edit(kind: OmniumKind, customerId: string, fields: Record<string, unknown>, tenant?: string): OmniumCustomer
  customer(kind: OmniumKind, customerId: string, tenant?: string): OmniumCustomer | undefined
  erase(kind: OmniumKind, customerId: string, tenant?: string): void
  putOrder(order: Record<string, unknown>, tenant?: string): void
}

const NOT_IN_PATCH_MODEL = [
  ...['created', 'modified', 'modifiedBy', 'fullName'],
  ...['keepExistingCustomProperties', 'keepExistingListItems'],
] as const
const LISTS = ['contacts', 'addresses', 'customerRelations', 'externalIds', 'tags'] as const

/** How a PATCH treats a list: it replaces the list, merges it, or merges it unless `keepExistingListItems` is false. */
export type PatchLists = 'replace' | 'merge' | 'merge-unless-told'

export interface FakeOmniumOptions {
  readonly now?: () => string
  /** The id under which Omnium stores a customer that we create; the id that we sent unless told. */
  readonly idOf?: (body: Readonly<Record<string, unknown>>) => string
  /** Whether a value of a customer that we create is taken, so that the create is answered 409. */
  readonly isTaken?: (body: Readonly<Record<string, unknown>>) => boolean
  readonly patchLists?: PatchLists
}

export function createFakeOmnium({
  now = createLogicalClock(),
  idOf = (body) => String(body.customerId),
  isTaken = () => false,
  patchLists = 'replace',
}: FakeOmniumOptions = {}): FakeOmnium {
  const customers = { B2C: createTable<OmniumCustomer>(), B2B: createTable<OmniumCustomer>() }
  const orders = createTable<OmniumOrder>()
  const { run, ...calls } = createCallLog('omnium')

  const store = (tenant: string, kind: OmniumKind, record: Record<string, unknown>): OmniumCustomer => {
    const customer = OmniumCustomer.parse(structuredClone(record))
    if (kind === 'B2C') customer.fullName = [customer.firstName, customer.lastName].filter(Boolean).join(' ')
    customers[kind].set(tenant, customer.customerId, customer)
    return customer
  }

  const patch = (tenant: string, kind: OmniumKind, id: string, fields: Record<string, unknown>) => {
    const stored = customers[kind].get(tenant, id)
    if (stored === undefined) return null
    const changes = { ...fields }
    for (const field of NOT_IN_PATCH_MODEL) delete changes[field]
    const keep = fields.keepExistingCustomProperties !== false
    if (Array.isArray(changes.properties) && keep) {
      changes.properties = mergeProperties(stored.properties ?? [], changes.properties as OmniumProperty[])
    }
    const merges =
      patchLists === 'merge' || (patchLists === 'merge-unless-told' && fields.keepExistingListItems !== false)
    for (const list of LISTS) {
      const sent = changes[list]
      if (merges && Array.isArray(sent)) changes[list] = mergeList(list, stored[list], sent)
    }
    return store(tenant, kind, { ...stored, ...changes, customerId: id, modified: now() })
  }

  return {
    ...calls,
    put: (kind, customer, tenant = 'acme') => {
      const parsed = OmniumCustomer.parse(customer)
      customers[kind].set(tenant, parsed.customerId, parsed)
    },
    edit: (kind, id, fields, tenant = 'acme') => {
      const customer = patch(tenant, kind, id, fields)
      if (customer === null) throw new Error(`no customer ${id} to edit`)
      return structuredClone(customer)
    },
    customer: (kind, id, tenant = 'acme') => structuredClone(customers[kind].get(tenant, id)),
    erase: (kind, id, tenant = 'acme') => void customers[kind].delete(tenant, id),
    putOrder: (order, tenant = 'acme') => {
      const parsed = OmniumOrder.parse(order)
      orders.set(tenant, parsed.id, parsed)
    },

    getCustomer: (call, kind, id) =>
      run(call, { operation: 'getCustomer', kind, id }, () => customers[kind].get(call.tenant.uid, id) ?? null),
    createCustomer: (call, kind, body) =>
      run(call, { operation: 'createCustomer', kind, id: String(body.customerId), body }, () => {
        const customerId = idOf(body)
        if (isTaken(body) || customers[kind].get(call.tenant.uid, customerId)) return { end: 'exists' as const }
        const at = now()
        store(call.tenant.uid, kind, { created: at, modified: at, ...body, customerId })
        return { end: 'created' as const, id: customerId }
      }),
    updatePrivateCustomer: (call, body) =>
      run(call, { operation: 'updatePrivateCustomer', kind: 'B2C', id: String(body.customerId), body }, () => {
        if (!customers.B2C.get(call.tenant.uid, String(body.customerId))) return 'not-found' as const
        store(call.tenant.uid, 'B2C', { modified: now(), ...body })
        return 'updated' as const
      }),
    updateBusinessCustomer: (call, body) =>
      run(call, { operation: 'updateBusinessCustomer', kind: 'B2B', id: String(body.customerId), body }, () => {
        if (!customers.B2B.get(call.tenant.uid, String(body.customerId))) return 'not-found' as const
        store(call.tenant.uid, 'B2B', { modified: now(), ...body })
        return 'updated' as const
      }),
    deleteContactPerson: (call, id, contactPersonId) =>
      run(call, { operation: 'deleteContactPerson', kind: 'B2B', id, body: { contactPersonId } }, () => {
        const stored = customers.B2B.get(call.tenant.uid, id)
        if (stored === undefined) return 'not-found' as const
        const contacts = (stored.contacts ?? []).filter((contact) => contact.id !== contactPersonId)
        store(call.tenant.uid, 'B2B', { ...stored, contacts, modified: now() })
        return 'deleted' as const
      }),
    proveAbsent: (call, kind, id, evidence = {}) =>
      run(call, { operation: 'proveAbsent', id, evidence, ...(kind !== 'order' && { kind }) }, () => undefined),
    patchCustomer: (call, kind, body) =>
      run(call, { operation: 'patchCustomer', kind, id: body.customerId, body }, () =>
        patch(call.tenant.uid, kind, body.customerId, body) ? ('updated' as const) : ('not-found' as const),
      ),
    getOrder: (call, id) => run(call, { operation: 'getOrder', id }, () => orders.get(call.tenant.uid, id) ?? null),
    searchCustomers: (call, kind, query) =>
      run(call, { operation: 'searchCustomers', kind, id: '' }, () =>
        search(customers[kind].list(call.tenant.uid), query),
      ),
    searchOrders: (call, query) =>
      run(call, { operation: 'searchOrders', id: '' }, () => search(orders.list(call.tenant.uid), query)),
  }
}

/** Contacts are merged by their id; an element of another list, or a contact without an id, is added if it is not there yet. */
function mergeList(list: string, stored: unknown, sent: readonly unknown[]): unknown[] {
  const merged: unknown[] = Array.isArray(stored) ? [...stored] : []
  const idOf = (element: unknown) => (list === 'contacts' && (element as { id?: unknown }).id) || null
  for (const element of sent) {
    const id = idOf(element)
    const index = merged.findIndex((other) => (id === null ? isDeepStrictEqual(other, element) : idOf(other) === id))
    if (index < 0) merged.push(element)
    else if (id !== null) merged[index] = { ...(merged[index] as object), ...(element as object) }
  }
  return merged
}

function mergeProperties(stored: readonly OmniumProperty[], sent: readonly OmniumProperty[]): OmniumProperty[] {
  const news = new Map(sent.map((property) => [property.key, property]))
  const kept = stored.map((property) => ({ ...property, ...news.get(property.key) }))
  const keys = new Set(stored.map((property) => property.key))
  return [...kept, ...sent.filter((property) => !keys.has(property.key))]
}

function hasProperty(item: object, wanted: { readonly key: string; readonly value: string }): boolean {
  const { properties } = item as { properties?: readonly OmniumProperty[] | null }
  return properties?.some(({ key, value }) => key === wanted.key && value === wanted.value) ?? false
}

function search<Item extends { modified?: string | null | undefined }>(
  items: readonly Item[],
  { take, page, modifiedFrom, modifiedTo, customerIds, properties = [], sortOrder = 'ModifiedAscending' }: OmniumQuery,
): OmniumPage<Item> {
  const direction = sortOrder === 'ModifiedAscending' ? 1 : -1
  const hits = items
    .filter(
      (item) =>
        customerIds === undefined || customerIds.includes(String((item as { customerId?: unknown }).customerId)),
    )
    .filter((item) => properties.every((wanted) => hasProperty(item, wanted)))
    .filter((item) => modifiedFrom === undefined || compareVersions(item.modified, modifiedFrom) >= 0)
    .filter((item) => modifiedTo === undefined || compareVersions(item.modified, modifiedTo) <= 0)
    .toSorted((a, b) => direction * compareVersions(a.modified, b.modified))
  return { result: hits.slice(page * take, (page + 1) * take), totalHits: hits.length }
}
