import { z } from 'zod'
import { type Fields, isObject } from './fields.ts'

/** How a peer's lists differ from what was asked for. */
export const ListModes = {
  /** No page holds more, whatever length is asked for; null: as asked for. */
  maxPageLength: z.int().positive().nullable().default(null),
  /** Page n begins n times the length that was `returned`, or that was `asked` for (and then skips the rest). */
  pagesBegin: z.enum(['returned', 'asked']).default('returned'),
  /** No total is greater; null: as it is. */
  maxTotal: z.int().nonnegative().nullable().default(null),
  /** One item of a list makes no sense: the one with this id, or the first of each page without one. */
  brokenListItem: z
    .strictObject({
      how: z.enum(['text', 'null', 'no-id', 'id-object']).default('text'),
      id: z.string().optional(),
    })
    .nullable()
    .default(null),
}
const Settings = z.object(ListModes)
export type ListSettings = z.infer<typeof Settings>

/** The part of the rows that a page holds; `page` counts from 0. */
export function pageBounds(page: number, size: number, { maxPageLength, pagesBegin }: ListSettings) {
  const length = Math.min(size, maxPageLength ?? size)
  const start = page * (pagesBegin === 'asked' ? size : length)
  return { start, end: start + length, length }
}

export const totalOf = (count: number, { maxTotal }: ListSettings): number => Math.min(count, maxTotal ?? count)

/** A page's items, one of them broken if the modes say so. */
export function withBrokenItem(
  items: readonly Fields[],
  idField: string,
  { brokenListItem }: ListSettings,
): readonly unknown[] {
  if (brokenListItem === null) return items
  const { id, how } = brokenListItem
  const index = id === undefined ? 0 : items.findIndex((item) => item[idField] === id)
  const item = items[index]
  return item === undefined ? items : items.with(index, broken(item, idField, how) as Fields)
}

function broken(item: Fields, idField: string, how: 'text' | 'null' | 'no-id' | 'id-object'): unknown {
  switch (how) {
    case 'text':
      return 'an item that makes no sense'
    case 'null':
      return null
    case 'no-id':
      return Object.fromEntries(Object.entries(item).filter(([name]) => name !== idField))
    case 'id-object':
      return { ...item, [idField]: isObject(item[idField]) ? null : {} }
    default:
      return how satisfies never
  }
}
