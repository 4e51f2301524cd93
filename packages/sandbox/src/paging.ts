import type { Fields } from './fields.ts'
import { type ListSettings, pageBounds, totalOf, withBrokenItem } from './list-modes.ts'
import { refusal } from './refusal.ts'

/** A whole number from a query string or a body. Throws a 400 for anything else; absent and empty are `fallback`. */
export function wholeNumber(name: string, value: unknown, fallback: number, min: number, max: number): number {
  if (value === undefined || value === null || value === '') return fallback
  const number = Number(value)
  if (!Number.isInteger(number) || number < min || number > max) {
    throw refusal(400, `${name} must be a whole number from ${min} to ${max}`)
  }
  return number
}

/** Flow's page: `pageNumber` counts from 1. */
export function flowPage(
  rows: readonly Fields[],
  query: { pageNumber?: unknown; pageSize?: unknown },
  idField: string,
  modes: ListSettings & { readonly lastPageAgain: boolean },
) {
  const askedNumber = wholeNumber('pageNumber', query.pageNumber, 1, 1, 1_000_000)
  const askedSize = wholeNumber('pageSize', query.pageSize, 50, 1, 1000)
  const { length: pageSize } = pageBounds(0, askedSize, modes)
  const lastNumber = Math.max(1, Math.ceil(rows.length / pageSize))
  const pageNumber = modes.lastPageAgain ? Math.min(askedNumber, lastNumber) : askedNumber
  const { start, end } = pageBounds(pageNumber - 1, askedSize, modes)
  return {
    items: withBrokenItem(rows.slice(start, end), idField, modes),
    paging: { pageNumber, pageSize, totalCount: totalOf(rows.length, modes) },
  }
}

/** The window of an Omnium search: `take` ≤ 100, `page` from 0, take × page ≤ 10,000. Throws a 400 beyond it. */
export function searchWindow(query: { take?: unknown; page?: unknown }): { take: number; page: number } {
  const take = wholeNumber('take', query.take, 20, 0, 100)
  const page = wholeNumber('page', query.page, 0, 0, 1_000_000)
  if (take * page > 10_000) throw refusal(400, 'take × page must not be above 10,000; use Scroll')
  return { take, page }
}
