import type { Listed } from './sweep.ts'

/**
 * Why a list read is not complete.
 * - `fewer-than-total`: the peer counts more items than it listed
 * - `page-bound`: the read reached its bound of pages
 * - `no-progress`: page after page held only items that this read had already seen
 * - `timestamp-too-full`: more items share one timestamp than the peer's window shows
 */
export type ListGap = 'fewer-than-total' | 'page-bound' | 'no-progress' | 'timestamp-too-full'

/** How a list read ended. */
export interface ListEnd {
  /** null: the list is complete. */
  readonly gap: ListGap | null
  /** Distinct items. */
  readonly seen: number
  /** What the peer counts; null when the peer names no total. */
  readonly total: number | null
  /** Items without a readable id, so that nobody knows which customer or order they are. */
  readonly withoutId: number
}

/** Pages of one list read, so that a peer whose list never ends cannot keep us: 5,000,000 items of full pages. */
export const MAX_PAGES = 50_000
/** Pages in a row without a new item, after which a list read gives up. */
export const MAX_IDLE_PAGES = 100

/** The items that a list read has seen, by id. */
export interface SeenItems {
  /** Distinct items. */
  readonly count: number
  /** Distinct items without an id; `count` includes them. */
  readonly withoutId: number
  /**
   * Answers the ids of a page that are new. An item without an id counts as one item of its version, or of its `place`
   * if the item has no version, but never as a new one: nobody can tell two of these items apart.
   */
  add(items: readonly Pick<Listed, 'id' | 'version'>[], place: string): ReadonlySet<string>
}

/** Counts of the items that a list read listed before the place where the next list read goes on. */
export interface SeenBefore {
  /** Distinct items. */
  readonly seen: number
  /** Distinct items without an id. `seen` includes them. */
  readonly withoutId: number
}

export const NOTHING_SEEN: SeenBefore = { seen: 0, withoutId: 0 }

export function createSeenItems(before: SeenBefore = NOTHING_SEEN): SeenItems {
  const ids = new Set<string>()
  const nameless = new Set<string>()
  return {
    get withoutId() {
      return before.withoutId + nameless.size
    },
    get count() {
      return before.seen + ids.size + nameless.size
    },
    add(items, place) {
      const news = new Set<string>()
      const copies = new Map<string, number>()
      for (const { id, version } of items) {
        if (id !== '') {
          if (!ids.has(id)) news.add(id)
          ids.add(id)
          continue
        }
        const alike = version ?? `on page ${place}`
        const copy = (copies.get(alike) ?? 0) + 1
        copies.set(alike, copy)
        nameless.add(`${alike} ${copy}`)
      }
      return news
    },
  }
}

/**
 * Whether a page of items that were all seen before is the last page again. A total only proves that a list has not ended:
 * the page must lie beyond all pages that the total promises. null: the total says nothing, because the peer names none, or
 * a smaller one than this read has already seen.
 */
export function isBeyondTotal(pageNumber: number, length: number, total: number | null, seen: number): boolean | null {
  if (total === null || total < seen) return null
  return pageNumber > Math.ceil(total / length)
}

/** Comparisons in a row after which pages of equal length without any id are taken for the same page. */
const ALIKE_WITHOUT_IDS = 5

/**
 * Whether two pages of a list are the same page. Nobody can tell items without an id apart, so pages that hold only such items are
 * the same page only after `times` comparisons in a row.
 */
export function isSamePage(a: readonly Pick<Listed, 'id'>[], b: readonly Pick<Listed, 'id'>[], times = 1): boolean {
  if (a.length !== b.length || a.some(({ id }, index) => id !== b[index]!.id)) return false
  return times >= ALIKE_WITHOUT_IDS || a.some(({ id }) => id !== '')
}

/** The smaller of a list's first and last total: an item that was created or deleted meanwhile is in only one of them. */
export const lowerTotal = (first: number | null, last: number | null): number | null =>
  first === null || last === null ? (first ?? last) : Math.min(first, last)

/** What an operator reads about an incomplete list; no item is named. */
export function describeGap({ gap, seen, total, withoutId }: ListEnd): string {
  switch (gap) {
    case null:
      return `${seen} items are listed${withoutId > 0 ? `, ${withoutId} of them without an id that can be read` : ''}`
    case 'fewer-than-total':
      return `${seen} items are listed, but the total is ${total}`
    case 'page-bound':
      return `the list did not end within ${MAX_PAGES} pages`
    case 'no-progress':
      return `${MAX_IDLE_PAGES} pages in a row held no new item`
    case 'timestamp-too-full':
      return 'more than 10,000 items share one modification time'
  }
}
