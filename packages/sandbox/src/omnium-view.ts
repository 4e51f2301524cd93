import type { Fields } from './fields.ts'
import { isHidden } from './hidden.ts'
import type { OmniumKind, OmniumRow } from './omnium-customers.ts'
import type { OmniumModes } from './omnium-modes.ts'
import type { OmniumStore } from './omnium-store.ts'
import { refusal } from './refusal.ts'
import type { Table } from './table.ts'

type ViewModes = Pick<OmniumModes, 'hidden' | 'storesOf' | 'requireStoreIds'>

/**
 * The store as one API user sees it. Hidden customers do not exist for reads and updates. A customer or an order outside
 * of the API user's stores is refused with 403, and no list holds it.
 */
export function omniumView(store: OmniumStore, modes: ViewModes, clientId: string | null): OmniumStore {
  const stores = clientId === null ? undefined : modes.storesOf[clientId]
  if (modes.hidden === null && stores === undefined) return store

  const isInStores = (row: Fields): boolean => {
    if (stores === undefined) return true
    const own = Array.isArray(row.storeIds) ? row.storeIds : [row.storeId]
    const named = own.filter((id) => typeof id === 'string' && id !== '')
    return named.length === 0 ? !modes.requireStoreIds : named.some((id) => stores.includes(id))
  }
  const isGone = (id: string) => isHidden(id, modes.hidden)
  const visible = ({ customerId }: OmniumRow) => !isGone(customerId)

  const readable = <Row extends Fields>(table: Table<Row>, isHere: (id: string) => boolean): Table<Row> => ({
    ...table,
    get(id) {
      const row = isHere(id) ? table.get(id) : undefined
      if (row && !isInStores(row)) throw refusal(403, 'outside of the stores of the API user')
      return row
    },
  })
  const listed = <Row extends Fields>(table: Table<Row>, isListed: (row: Row) => boolean): Table<Row> => ({
    ...table,
    all: () => table.all().filter((row) => isListed(row) && isInStores(row)),
    sorted: (name, keyOf) => table.sorted(name, keyOf).filter((row) => isListed(row) && isInStores(row)),
  })
  const customers = (kind: OmniumKind) => readable(store.customers(kind), (id) => !isGone(id))
  const isThere = (kind: OmniumKind, id: unknown) => customers(kind).get(id as string) !== undefined

  return {
    ...store,
    customers,
    orders: readable(store.orders, () => true),
    indexedCustomers: (kind) => listed(store.indexedCustomers(kind), visible),
    indexedOrders: () => listed(store.indexedOrders(), () => true),
    replace: (kind, body, actor) => (isThere(kind, body.customerId) ? store.replace(kind, body, actor) : null),
    patch: (kind, patch, ...rest) => (isThere(kind, patch.customerId) ? store.patch(kind, patch, ...rest) : null),
    remove: (kind, id, actor) => isThere(kind, id) && store.remove(kind, id, actor),
    anonymize: (kind, id, actor) => isThere(kind, id) && store.anonymize(kind, id, actor),
    addContactPerson: (id, ...rest) => (isThere('B2B', id) ? store.addContactPerson(id, ...rest) : null),
    deleteContactPersons: (id, ...rest) => (isThere('B2B', id) ? store.deleteContactPersons(id, ...rest) : null),
  }
}
