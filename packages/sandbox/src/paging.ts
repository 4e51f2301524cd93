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

/** One page; `page` counts from 0. */
export const pageOf = <Row>(rows: readonly Row[], page: number, size: number): readonly Row[] =>
  rows.slice(page * size, (page + 1) * size)

/** Flow's page: `pageNumber` counts from 1. */
export function flowPage<Row>(rows: readonly Row[], query: { pageNumber?: unknown; pageSize?: unknown }) {
  const pageNumber = wholeNumber('pageNumber', query.pageNumber, 1, 1, 1_000_000)
  const pageSize = wholeNumber('pageSize', query.pageSize, 50, 1, 1000)
  return { items: pageOf(rows, pageNumber - 1, pageSize), paging: { pageNumber, pageSize, totalCount: rows.length } }
}

/** The window of an Omnium search: `take` ≤ 100, `page` from 0, take × page ≤ 10,000. Throws a 400 beyond it. */
export function searchWindow(query: { take?: unknown; page?: unknown }): { take: number; page: number } {
  const take = wholeNumber('take', query.take, 20, 0, 100)
  const page = wholeNumber('page', query.page, 0, 0, 1_000_000)
  if (take * page > 10_000) throw refusal(400, 'take × page must not be above 10,000; use Scroll')
  return { take, page }
}
