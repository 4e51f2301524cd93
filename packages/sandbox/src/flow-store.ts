import { changedFields, type Fields } from './fields.ts'
import { contactsOf, createdCustomer, type FlowRow, type FlowStamp, mergedCustomer } from './flow-customers.ts'
import type { FlowEvent } from './flow-events.ts'
import type { WriteEntry } from './journal.ts'
import type { Actor } from './stand-in.ts'
import { createTable, type Table } from './table.ts'
import { storedValues, type ValueSettings } from './value-modes.ts'
import { refuseSecond, type UniqueSettings } from './write-rules.ts'

export interface FlowOrderRow extends Fields {
  readonly orderUid: string
  readonly storeUid: string
  readonly createdAt: string
  readonly lastModifiedAt: string
}

export interface FlowStorePort {
  readonly tenant: string
  readonly modes: () => ValueSettings & UniqueSettings
  readonly now: () => number
  readonly onEvent: (event: FlowEvent) => void
  readonly onWrite: (write: Omit<WriteEntry, 'kind' | 'seq' | 'at'>) => void
}

/** What one tenant has in Flow. Writes are stamped with times that strictly increase, are told, and raise events. */
export interface FlowStore {
  readonly customers: Table<FlowRow>
  readonly orders: Table<FlowOrderRow>
  /** Without a uid it gets one. */
  create(fields: Fields, actor: Actor): FlowRow | 'exists'
  /** Partial. null: unknown. An unchanged customer is left alone, without a stamp or an event. */
  update(uid: string, fields: Fields, actor: Actor): FlowRow | null
  remove(uid: string, actor: Actor): boolean
  /** Stores without events; stamps that the fields carry are kept. */
  seed(fields: Fields, actor: Actor): FlowRow
  nextContactUid(): string
  /** null fields remove the contact. Answers null when the customer or the contact is unknown. */
  putContact(uid: string, contactUid: string, fields: Fields | null, actor: Actor): FlowRow | null
  /** Stores and tells an order; `action` is the webhook's, null for none. */
  putOrder(fields: Fields, action: string | null, actor: Actor): FlowOrderRow
}

export function createFlowStore(port: FlowStorePort): FlowStore {
  const customers = createTable<FlowRow>()
  const orders = createTable<FlowOrderRow>()
  const ids = new Map<string, number>()
  let lastStampMs = 0
  let elements = 0

  const idOf = (what: string, uid: string) => {
    const key = `${what}:${uid}`
    if (!ids.has(key)) ids.set(key, ids.size + 1)
    return { id: ids.get(key)!, uid }
  }
  const freshUid = (what: string, taken: (uid: string) => boolean): string => {
    let number = 1000 + ids.size
    while (taken(String(number))) number += 1
    return idOf(what, String(number)).uid
  }
  const nextUid = (what: string) => {
    elements += 1
    return `${what}-${elements}`
  }
  const stampBy = (actor: Actor): FlowStamp => {
    lastStampMs = Math.max(port.now(), lastStampMs + 1)
    return { at: new Date(lastStampMs).toISOString(), by: actor.user, nextUid }
  }
  const tell = (actor: Actor, write: Pick<WriteEntry, 'resource' | 'operation' | 'id' | 'version'>, names: Names) =>
    port.onWrite({
      ...write,
      ...names,
      tenant: port.tenant,
      user: actor.user,
      requestId: actor.requestId,
      parentVersion: null,
    })
  const raise = (action: string, actor: Actor, about: Pick<FlowEvent, 'customer' | 'store' | 'order'>) =>
    port.onEvent({ action, tenant: idOf('tenant', port.tenant), user: idOf('user', actor.user), ...about })

  const refuse = (uid: string, row: Fields) =>
    refuseSecond(row, () => customers.all().filter(({ customerUid }) => customerUid !== uid), 'mobile', port.modes())

  const store: FlowStore = {
    customers,
    orders,
    create(fields, actor) {
      const uid =
        typeof fields.customerUid === 'string' ? fields.customerUid : freshUid('customer', (it) => !!customers.get(it))
      if (customers.get(uid)) return 'exists'
      const stored = storedValues(fields, port.modes())
      refuse(uid, stored)
      const row = createdCustomer(uid, stored, stampBy(actor))
      customers.set(uid, row)
      tell(
        actor,
        { resource: 'customer', operation: 'created', id: uid, version: row.lastModifiedAt },
        { fields: Object.keys(fields), changed: Object.keys(row) },
      )
      raise('CUSTOMER_CREATE', actor, { customer: idOf('customer', uid) })
      return row
    },
    update(uid, fields, actor) {
      const before = customers.get(uid)
      if (!before) return null
      const row = mergedCustomer(before, storedValues(fields, port.modes()), stampBy(actor))
      if (row) refuse(uid, row)
      const operation = row ? 'updated' : 'unchanged'
      const names = { fields: Object.keys(fields), changed: row ? changedFields(before, row) : [] }
      if (row) customers.set(uid, row)
      tell(actor, { resource: 'customer', operation, id: uid, version: (row ?? before).lastModifiedAt }, names)
      if (row) raise('CUSTOMER_UPDATE', actor, { customer: idOf('customer', uid) })
      return row ?? before
    },
    remove(uid, actor) {
      if (!customers.delete(uid)) return false
      tell(actor, { resource: 'customer', operation: 'deleted', id: uid, version: null }, { fields: [], changed: [] })
      raise('CUSTOMER_DELETE', actor, { customer: idOf('customer', uid) })
      return true
    },
    seed(fields, actor) {
      const uid =
        typeof fields.customerUid === 'string' ? fields.customerUid : freshUid('customer', (it) => !!customers.get(it))
      const row = createdCustomer(uid, fields, stampBy(actor))
      const given = { ...row, ...stampsIn(fields) }
      lastStampMs = Math.max(lastStampMs, Date.parse(given.lastModifiedAt))
      customers.set(uid, given)
      idOf('customer', uid)
      return given
    },
    nextContactUid: () => nextUid('contact'),
    putContact(uid, contactUid, fields, actor) {
      const customer = customers.get(uid)
      if (!customer) return null
      const contacts = contactsOf(customer)
      const index = contacts.findIndex((contact) => contact.customerContactUid === contactUid)
      if (fields === null) {
        return index < 0 ? null : store.update(uid, { contacts: contacts.toSpliced(index, 1) }, actor)
      }
      const contact = { ...contacts[index], ...fields, customerContactUid: contactUid }
      const next = index < 0 ? [...contacts, contact] : contacts.with(index, contact)
      return store.update(uid, { contacts: next }, actor)
    },
    putOrder(fields, action, actor) {
      const orderUid =
        typeof fields.orderUid === 'string' ? fields.orderUid : freshUid('order', (it) => !!orders.get(it))
      const { at } = stampBy(actor)
      const before = orders.get(orderUid)
      const order = {
        storeUid: 'store-1',
        createdAt: at,
        ...before,
        ...fields,
        orderUid,
        lastModifiedAt: at,
      } as FlowOrderRow
      orders.set(orderUid, order)
      const changed = changedFields(before ?? {}, order)
      const operation = before ? 'updated' : 'created'
      tell(actor, { resource: 'order', operation, id: orderUid, version: at }, { fields: Object.keys(fields), changed })
      if (action !== null)
        raise(action, actor, { store: idOf('store', order.storeUid), order: idOf('order', orderUid) })
      return order
    },
  }
  return store
}

type Names = Pick<WriteEntry, 'fields' | 'changed'>

function stampsIn(fields: Fields): Fields {
  const stamps: Fields = {}
  for (const name of ['createdAt', 'lastModifiedAt']) {
    const value = fields[name]
    if (typeof value === 'string') stamps[name] = new Date(value).toISOString()
  }
  if (typeof fields.lastModifiedBy === 'string') stamps.lastModifiedBy = fields.lastModifiedBy
  return stamps
}
