import { changedFields, type Fields, isObject } from './fields.ts'
import type { WriteEntry } from './journal.ts'
import { anonymized, type OmniumKind, type OmniumRow, storedModel, withContactPerson } from './omnium-customers.ts'
import { type EventCategory, type OmniumEvent, resourceOf } from './omnium-events.ts'
import { applyPatch } from './omnium-patch.ts'
import { type OmniumRules, withoutContactPersons } from './omnium-rules.ts'
import { createIndexedTable } from './search-index.ts'
import type { Actor } from './stand-in.ts'
import type { Table } from './table.ts'

export interface OmniumOrderRow extends Fields {
  readonly id: string
  readonly created: string
  readonly modified: string
}

export interface OmniumStorePort {
  readonly now: () => number
  readonly rules: OmniumRules
  /** How long searches lack a new write of this customer or order. */
  readonly lagMs: (id: string) => number
  readonly onEvent: (event: OmniumEvent) => void
  readonly onWrite: (write: Omit<WriteEntry, 'kind' | 'seq' | 'at' | 'tenant'>) => void
}

/** What one tenant has in Omnium. Writes are told and raise events. */
export interface OmniumStore {
  customers(kind: OmniumKind): Table<OmniumRow>
  readonly orders: Table<OmniumOrderRow>
  /** The copy that `Search`, `Scroll` and `GetAll` see, behind the writes by their lag. */
  indexedCustomers(kind: OmniumKind): Table<OmniumRow>
  indexedOrders(): Table<OmniumOrderRow>
  /** The lag of this customer or order has changed: also for its writes that do not show yet. */
  lagChanged(id: string): void
  /** When the searches show all writes, ms since the epoch; null: they show them now. */
  indexCompleteAt(): number | null
  create(kind: OmniumKind, body: Fields, actor: Actor, category?: EventCategory): OmniumRow | 'exists'
  /** The full model: what the body lacks is gone, but for `created`. null: unknown. */
  replace(kind: OmniumKind, body: Fields, actor: Actor): OmniumRow | null
  /** null: unknown; the same row as before: unchanged, and neither stamped nor told as an event. */
  patch(kind: OmniumKind, patch: Fields, actor: Actor, lists?: 'replace' | 'merge'): OmniumRow | null
  remove(kind: OmniumKind, customerId: string, actor: Actor): boolean
  anonymize(kind: OmniumKind, customerId: string, actor: Actor): boolean
  addContactPerson(customerId: string, contact: Fields, actor: Actor): OmniumRow | null
  /** Removes all contacts that have the id, the e-mail or the phone. null: no such company. */
  deleteContactPersons(customerId: string, named: Fields, actor: Actor): OmniumRow | null
  /** The id under which a new customer would be stored. */
  idOf(body: Fields): string
  /** Stores without events; searches show the customer at once. */
  seed(kind: OmniumKind, body: Fields, actor: Actor): void
  createOrder(body: Fields, actor: Actor): OmniumOrderRow | 'exists'
  /** Partial. null: unknown. */
  editOrder(id: string, fields: Fields, actor: Actor): OmniumOrderRow | null
}

export function createOmniumStore(port: OmniumStorePort): OmniumStore {
  const indexes = { B2C: createIndexedTable<OmniumRow>(port), B2B: createIndexedTable<OmniumRow>(port) }
  const tables = { B2C: indexes.B2C.rows, B2B: indexes.B2B.rows }
  const orderIndex = createIndexedTable<OmniumOrderRow>(port)
  const orders = orderIndex.rows
  const allIndexes = [indexes.B2C, indexes.B2B, orderIndex]
  let newContacts = 0

  const { rules } = port
  const refuse = (kind: OmniumKind, id: string, row: Fields) =>
    rules.refuse(row, () => tables[kind].all().filter(({ customerId }) => customerId !== id))
  const isoNow = () => new Date(port.now()).toISOString()
  const stampOf = (actor: Actor, created = isoNow()) => ({ created, modified: isoNow(), modifiedBy: actor.user })
  const done = (actor: Actor, kind: OmniumKind | 'order', what: Done) => {
    const resource = kind === 'order' ? 'Order' : resourceOf(kind)
    port.onWrite({
      requestId: actor.requestId,
      resource,
      operation: what.operation,
      id: what.id,
      user: actor.user,
      version: propertyEnding('LastModifiedAt', what.sent),
      parentVersion: propertyEnding('ParentVersion', what.sent),
      fields: Object.keys(what.sent),
      changed: changedFields(what.before ?? {}, what.after ?? {}),
    })
    if (what.category === null) return
    const row = what.after ?? what.before ?? {}
    const { category, id: objectId } = what
    port.onEvent({ resource, category, objectId, row, user: actor.user, atMs: port.now() })
  }

  const store: OmniumStore = {
    customers: (kind) => tables[kind],
    orders,
    indexedCustomers: (kind) => indexes[kind].indexed(),
    indexedOrders: () => orderIndex.indexed(),
    lagChanged(id) {
      for (const index of allIndexes) index.lagChanged(id)
    },
    indexCompleteAt() {
      const times = allIndexes.map((index) => index.completeAt()).filter((at) => at !== null)
      return times.length === 0 ? null : Math.max(...times)
    },
    create(kind, body, actor, category = 'Created') {
      const fields = rules.stored(body)
      const id = rules.idOf(fields)
      if (tables[kind].get(id)) return 'exists'
      refuse(kind, id, fields)
      const after = storedModel(kind, { ...fields, customerId: id }, stampOf(actor))
      tables[kind].set(id, after)
      done(actor, kind, { operation: 'created', category, id, sent: body, after })
      return after
    },
    replace(kind, body, actor) {
      const id = body.customerId as string
      const before = tables[kind].get(id)
      if (!before) return null
      const fields = rules.stored(body)
      refuse(kind, id, fields)
      const after = storedModel(kind, fields, stampOf(actor, before.created))
      tables[kind].set(id, after)
      done(actor, kind, { operation: 'updated', category: 'Updated', id, sent: body, before, after })
      return after
    },
    patch(kind, patch, actor, lists = 'replace') {
      const id = patch.customerId as string
      const before = tables[kind].get(id)
      if (!before) return null
      const patched = applyPatch(kind, before, rules.stored(patch), lists)
      if (patched === before) {
        done(actor, kind, { operation: 'unchanged', category: null, id, sent: patch, before, after: before })
        return before
      }
      refuse(kind, id, patched)
      const after = { ...patched, modified: isoNow(), modifiedBy: actor.user }
      tables[kind].set(id, after)
      done(actor, kind, { operation: 'patched', category: 'Updated', id, sent: patch, before, after })
      return after
    },
    remove(kind, id, actor) {
      const before = tables[kind].get(id)
      if (!before) return false
      tables[kind].delete(id)
      done(actor, kind, { operation: 'deleted', category: 'Deleted', id, sent: {}, before })
      return true
    },
    anonymize(kind, id, actor) {
      const before = tables[kind].get(id)
      if (!before) return false
      const after = { ...anonymized(kind, before), modified: isoNow(), modifiedBy: actor.user } as Fields as OmniumRow
      tables[kind].set(id, after)
      done(actor, kind, { operation: 'anonymized', category: 'Updated', id, sent: {}, before, after })
      return true
    },
    addContactPerson(customerId, contact, actor) {
      const before = tables.B2B.get(customerId)
      if (!before) return null
      newContacts += 1
      const named = { ...contact, id: contact.id ?? `contact-${newContacts}` }
      const contacts = withContactPerson(before.contacts, rules.stored(named))
      return store.patch('B2B', { customerId, contacts }, actor)
    },
    deleteContactPersons(customerId, named, actor) {
      const before = tables.B2B.get(customerId)
      if (!before) return null
      const contacts = withoutContactPersons(before.contacts, rules.stored(named))
      return store.patch('B2B', { customerId, contacts }, actor)
    },
    idOf: (body) => rules.idOf(rules.stored(body)),
    seed(kind, body, actor) {
      indexes[kind].seed(body.customerId as string, storedModel(kind, body, stampOf(actor)))
    },
    createOrder(body, actor) {
      const id = body.id as string
      if (orders.get(id)) return 'exists'
      const after = { ...body, id, created: body.created ?? isoNow(), modified: isoNow() } as OmniumOrderRow
      orders.set(id, after)
      done(actor, 'order', { operation: 'created', category: 'Created', id, sent: body, after })
      return after
    },
    editOrder(id, fields, actor) {
      const before = orders.get(id)
      if (!before) return null
      const after = { ...before, ...fields, id, modified: isoNow() }
      orders.set(id, after)
      done(actor, 'order', { operation: 'updated', category: 'Updated', id, sent: fields, before, after })
      return after
    },
  }
  return store
}

interface Done {
  readonly operation: WriteEntry['operation']
  /** null: no event. */
  readonly category: EventCategory | null
  readonly id: string
  readonly sent: Fields
  readonly before?: Fields
  readonly after?: Fields
}

/** The value of the first property whose key ends so. */
function propertyEnding(ending: string, { properties }: Fields): string | null {
  if (!Array.isArray(properties)) return null
  const found = properties.filter(isObject).find(({ key }) => typeof key === 'string' && key.endsWith(ending))
  return typeof found?.value === 'string' ? found.value : null
}
