import type { Fields } from './fields.ts'
import { type ListSettings, pageBounds, totalOf, withBrokenItem } from './list-modes.ts'
import { isDate } from './omnium-customers.ts'
import { queryFilter } from './omnium-search-filters.ts'
import { searchWindow } from './paging.ts'
import { refusal } from './refusal.ts'
import type { Table } from './table.ts'

interface Dated extends Fields {
  readonly created: string
  readonly modified: string
}

const SORT_ORDERS = ['ModifiedAscending', 'ModifiedDescending', 'CreatedAscending', 'CreatedDescending']

/** All that a query matches, in its order (newest change first unless told). Throws a 400 for what it can't read. */
export function matching<Row extends Dated>(table: Table<Row>, query: Fields): readonly Row[] {
  const from = timeOf('modifiedFrom', query.modifiedFrom) ?? timeOf('modifiedSince', query.modifiedSince)
  const to = timeOf('modifiedTo', query.modifiedTo)
  return ordered(table, query.sortOrder, { from, to }).filter(queryFilter(query))
}

/** One page of what a query matches. */
export function searched<Row extends Dated>(table: Table<Row>, query: Fields, idField: string, modes: ListSettings) {
  const { take, page } = searchWindow(query)
  return { ...listPage(matching(table, query), page, take, idField, modes), facets: [], scrollId: null }
}

/** A page of a list, and the total; `page` counts from 0. */
export function listPage(rows: readonly Fields[], page: number, size: number, idField: string, modes: ListSettings) {
  const { start, end } = pageBounds(page, size, modes)
  return { result: withBrokenItem(rows.slice(start, end), idField, modes), totalHits: totalOf(rows.length, modes) }
}

/** The rows changed in a time (ms since the epoch, both ends included), in one of Omnium's sort orders. */
export function ordered<Row extends Dated>(
  table: Table<Row>,
  sortOrder: unknown,
  { from, to }: { readonly from: number | null; readonly to: number | null },
): readonly Row[] {
  const order = sortOrder ?? 'ModifiedDescending'
  if (typeof order !== 'string' || !SORT_ORDERS.includes(order)) {
    throw refusal(400, `sortOrder must be one of ${SORT_ORDERS.join(', ')}`)
  }
  const byChange = table.sorted('modified', modifiedAt)
  const start = from === null ? 0 : firstIndex(byChange, (row) => modifiedAt(row) >= from)
  const end = to === null ? byChange.length : firstIndex(byChange, (row) => modifiedAt(row) > to)
  const changed = byChange.slice(start, end)
  const rows = order.startsWith('Modified') ? changed : changed.sort((a, b) => createdAt(a) - createdAt(b))
  return order.endsWith('Ascending') ? rows : rows.reverse()
}

const modifiedAt = (row: Dated): number => Date.parse(row.modified)
const createdAt = (row: Dated): number => Date.parse(row.created)

/** Where a predicate that stays true begins to be true; a search of every page would otherwise read every date. */
function firstIndex<Row>(rows: readonly Row[], holds: (row: Row) => boolean): number {
  let low = 0
  let high = rows.length
  while (low < high) {
    const middle = (low + high) >>> 1
    if (holds(rows[middle]!)) high = middle
    else low = middle + 1
  }
  return low
}

/** A date of a query, ms since the epoch; null without one. */
export function timeOf(name: string, value: unknown): number | null {
  if (value === undefined || value === null || value === '') return null
  if (!isDate(value)) throw refusal(400, `${name} must be an ISO 8601 date`)
  return Date.parse(value as string)
}
