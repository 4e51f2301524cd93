import type { Fields } from './fields.ts'
import type { FlowRow } from './flow-customers.ts'
import type { FlowModes } from './flow-modes.ts'
import type { FlowOrderRow, FlowStore } from './flow-store.ts'
import { isHidden } from './hidden.ts'
import { refusal } from './refusal.ts'
import type { Table } from './table.ts'

/**
 * The store as the integration sees it. Hidden customers do not exist for reads and updates. An order outside of the
 * integration's stores is refused with 403, and no list holds it.
 */
export function flowView(store: FlowStore, { hidden, stores }: Pick<FlowModes, 'hidden' | 'stores'>): FlowStore {
  if (hidden === null && stores === null) return store
  const isThere = (uid: string) => !isHidden(uid, hidden)
  const isInStores = ({ storeUid }: FlowOrderRow) => stores === null || stores.includes(storeUid)

  return {
    ...store,
    customers: {
      ...listed(store.customers, ({ customerUid }: FlowRow) => isThere(customerUid)),
      get: (uid) => (isThere(uid) ? store.customers.get(uid) : undefined),
    },
    orders: {
      ...listed(store.orders, isInStores),
      get(uid) {
        const order = store.orders.get(uid)
        if (order && !isInStores(order)) throw refusal(403, 'outside of the stores of the integration')
        return order
      },
    },
    update: (uid, ...rest) => (isThere(uid) ? store.update(uid, ...rest) : null),
    remove: (uid, actor) => isThere(uid) && store.remove(uid, actor),
    putContact: (uid, ...rest) => (isThere(uid) ? store.putContact(uid, ...rest) : null),
  }
}

const listed = <Row extends Fields>(table: Table<Row>, isListed: (row: Row) => boolean): Table<Row> => ({
  ...table,
  all: () => table.all().filter(isListed),
  sorted: (name, keyOf) => table.sorted(name, keyOf).filter(isListed),
})
