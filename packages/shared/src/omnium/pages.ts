import {
  createSeenItems,
  isBeyondTotal,
  isSamePage,
  type ListEnd,
  type ListGap,
  lowerTotal,
  MAX_IDLE_PAGES,
  MAX_PAGES,
  type SeenBefore,
} from '../list-read.ts'
import { justAfter, type Listed, newestOf, requireOrder } from '../sweep.ts'
import { compareVersions } from '../version.ts'

/** What Omnium accepts in one page. */
const TAKE = 100
/** Omnium answers no more than take × page ≤ 10,000. */
const WINDOW = 10_000

/**
 * - `page`: what was listed; some may be older than asked for, or seen before
 * - `reached`: everything modified before `since` has been listed, unless `isDoubtful`: the totals disagree, or something before could not be listed.
 *   `before` counts the listed items that are older than `since`.
 * - `end`: everything modified before `since` has been listed, if the list is complete
 */
export type ModifiedStep<L extends Listed> =
  | {
      readonly kind: 'page'
      readonly items: readonly L[]
      readonly modifiedFrom: string
      /** Omnium's clock when it answered, ms since the epoch. */
      readonly servedAtMs: number | null
    }
  | { readonly kind: 'reached'; readonly since: string; readonly isDoubtful: boolean; readonly before: SeenBefore }
  | { readonly kind: 'end'; readonly since: string; readonly end: ListEnd }

/** One page of a search; `total` counts what the query matches from `modifiedFrom` on, whatever its page. */
export interface ModifiedPage<L extends Listed> {
  readonly items: readonly L[]
  readonly total: number | null
  readonly servedAtMs?: number | null
}

export interface ModifiedQuery {
  readonly modifiedFrom: string
  readonly page: number
  readonly take: number
  readonly sortOrder: 'ModifiedAscending'
}

/** Searches sorted by modification time, oldest first, from `modifiedFrom` on. */
export type SearchModified<L extends Listed> = (query: ModifiedQuery) => Promise<ModifiedPage<L>>

/**
 * A list of Omnium's by modification time, oldest first, by moving `modifiedFrom` forward: an item that changes meanwhile
 * moves to the end and is met there. The page index serves only within one timestamp that fills a page, and to see that
 * nothing follows a short page.
 *
 * Each query has a total of its own. The total of the first query is the total of the list. As the read moves forward,
 * the items that it has left behind and the total of the present query together must not be fewer.
 */
export async function* modifiedPages<L extends Listed>(
  search: SearchModified<L>,
  from: string,
  { maxPages = MAX_PAGES }: { readonly maxPages?: number } = {},
): AsyncGenerator<ModifiedStep<L>> {
  const seen = createSeenItems()
  let pagesRead = 0
  const isExhausted = () => pagesRead >= maxPages
  /** The items of the last page that are as old as `since` do not count, because a read that begins at `since` lists them again. */
  const seenBefore = (since: string, { items }: Pick<Read, 'items'>): SeenBefore => {
    const again = items.filter(({ version }) => compareVersions(version, since) === 0)
    const withoutId = again.filter(({ id }) => id === '').length
    return { seen: seen.count - again.length, withoutId: seen.withoutId - withoutId }
  }

  async function* read(modifiedFrom: string, page: number, take: number): AsyncGenerator<ModifiedStep<L>, Read> {
    pagesRead++
    const {
      items,
      total,
      servedAtMs = null,
    } = await search({ modifiedFrom, page, take, sortOrder: 'ModifiedAscending' })
    requireOrder(items, 'ascending', 'omnium')
    const before = seen.count
    const news = seen.add(items, `${modifiedFrom} ${take} ${page}`).size
    yield { kind: 'page', items: items.filter(({ id }) => id !== ''), modifiedFrom, servedAtMs }
    const overlap = items.filter(({ id }) => id !== '').length - news
    return { items, newest: newestOf(items), total, news, behind: before - overlap }
  }

  /**
   * Reads all items of a timestamp that fills a page, which only the page index can tell apart: forward to their end and,
   * unless all that the total counts was seen, back to the front. A change or a deletion meanwhile moves the items behind
   * it to a lower page. On the way back that page is still to be read.
   */
  async function* timestampPages(since: string, first: Read): AsyncGenerator<ModifiedStep<L>, TimestampEnd> {
    // Omnium may give fewer items than asked for: pages of the length that it gives leave no item out.
    const take = first.items.length
    const own = createSeenItems()
    own.add(first.items, '0')
    let end: TimestampEnd = { kind: 'too-full' }
    let page = first
    let index = 0
    let idle = 0
    while (end.kind === 'too-full' && take * (index + 1) <= WINDOW && !isExhausted()) {
      const previous = page
      index++
      page = yield* read(since, index, take)
      own.add(page.items, String(index))
      idle = page.news === 0 ? idle + 1 : 0
      if (page.items.length === 0) end = { kind: 'list-end', missing: 0 }
      else if (compareVersions(page.newest, since) > 0) end = { kind: 'next', since: page.newest!, page }
      // Items only leave a timestamp, so no other page can hold the same items again.
      else if (
        page.news === 0 &&
        (isBeyondTotal(index + 1, take, page.total, own.count) || isSamePage(page.items, previous.items, idle))
      )
        end = { kind: 'list-end', missing: 0 }
      else if (idle >= MAX_IDLE_PAGES) return { kind: 'no-progress' }
    }
    const isWhole = page.items.length === 0 && page.total === own.count && first.total === own.count
    if (!isWhole) while (--index >= 0 && !isExhausted()) own.add((yield* read(since, index, take)).items, String(index))
    return end.kind === 'list-end' ? { ...end, missing: Math.max(0, (page.total ?? 0) - own.count) } : end
  }

  let since = from
  let firstTotal: number | null = null
  let gap: ListGap | null = null
  /** How many items more than it listed the last query counts. */
  let missing = 0
  for (let isFirst = true; gap === null || gap === 'timestamp-too-full'; isFirst = false) {
    if (isExhausted()) {
      gap = 'page-bound'
      break
    }
    const page: Read = yield* read(since, 0, TAKE)
    const { items, newest, total } = page
    if (isFirst) firstTotal = total
    if (items.length === 0) {
      missing = total ?? 0
      break
    }
    const isShort = firstTotal !== null && total !== null && firstTotal > page.behind + total
    const isDoubtful = isShort || gap !== null
    if (compareVersions(newest, since) > 0) {
      let isEnd = false
      if (items.length < TAKE && total === items.length) {
        // A page that says of itself that it is all: the next one must be empty, and no item may have left meanwhile.
        const next: Read = yield* read(since, 1, items.length)
        isEnd = next.total === total && (next.items.length === 0 || (next.news === 0 && isSamePage(next.items, items)))
      }
      since = newest!
      if (isEnd) break
      yield { kind: 'reached', since, isDoubtful, before: seenBefore(since, page) }
      continue
    }
    const end: TimestampEnd = yield* timestampPages(since, page)
    if (isExhausted()) continue
    if (end.kind === 'list-end') {
      missing = end.missing
      break
    }
    if (end.kind === 'no-progress') gap = 'no-progress'
    else if (end.kind === 'next') {
      since = end.since
      yield { kind: 'reached', since, isDoubtful, before: seenBefore(since, end.page) }
    } else {
      gap = 'timestamp-too-full'
      // Else `modifiedFrom` does not tell these items apart, and the next query would list them again.
      if (compareVersions(newest, since) !== 0) break
      since = justAfter(since)
    }
  }
  let last = missing > 0 ? seen.count + missing : null
  if (gap === null && last !== null) gap = 'fewer-than-total'
  else if (gap === null && seen.count < (firstTotal ?? 0)) {
    last = (await search({ modifiedFrom: from, page: 0, take: 1, sortOrder: 'ModifiedAscending' })).total
    if (last === null || seen.count < last) gap = 'fewer-than-total'
  }
  yield {
    kind: 'end',
    since,
    end: { gap, seen: seen.count, withoutId: seen.withoutId, total: missing > 0 ? last : lowerTotal(firstTotal, last) },
  }
}

/** A page and what the read knew before it. */
interface Read {
  readonly items: readonly Listed[]
  readonly newest: string | null
  readonly total: number | null
  /** How many of its items this read had not seen. */
  readonly news: number
  /** Distinct items that were seen before and are not on this page. */
  readonly behind: number
}

type TimestampEnd =
  | { readonly kind: 'next'; readonly since: string; readonly page: Read }
  | { readonly kind: 'list-end'; readonly missing: number }
  | { readonly kind: 'too-full' | 'no-progress' }
