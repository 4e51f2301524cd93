import { justAfter, type Listed, newestOf, requireOrder } from '../sweep.ts'
import { compareVersions } from '../version.ts'

/** What Omnium accepts in one page. */
export const TAKE = 100
/** Omnium answers no more than take × page ≤ 10,000. */
const MAX_PAGE = 10_000 / TAKE

/**
 * - `page`: what was listed; some may be older than asked for, or seen before
 * - `reached`: everything modified before `since` has been listed, and with `isLast` everything there is
 * - `unlistable`: more than 10,000 records share the modification time `at`; the rest of them can't be listed
 */
export type ModifiedStep<L extends Listed> =
  | { readonly kind: 'page'; readonly items: readonly L[]; readonly modifiedFrom: string }
  | { readonly kind: 'reached'; readonly since: string; readonly isLast: boolean }
  | { readonly kind: 'unlistable'; readonly at: string }

/** Searches sorted by modification time, oldest first, from `modifiedFrom` on. */
export type SearchModified<L extends Listed> = (modifiedFrom: string, page: number) => Promise<readonly L[]>

/**
 * A list of Omnium's by modification time, oldest first, by moving `modifiedFrom` on and not by page index: what changes
 * meanwhile moves to the end and is met there.
 */
export async function* modifiedPages<L extends Listed>(
  search: SearchModified<L>,
  from: string,
): AsyncGenerator<ModifiedStep<L>> {
  const read: SearchModified<L> = async (modifiedFrom, page) => {
    const items = await search(modifiedFrom, page)
    requireOrder(items, 'ascending', 'omnium')
    return items
  }
  for (let since = from; ; ) {
    const items = await read(since, 0)
    yield { kind: 'page', items: items.filter(hasId), modifiedFrom: since }
    const newest = newestOf(items)
    const isNewer = newest !== null && compareVersions(newest, since) > 0
    const isLast = items.length < TAKE
    const next = isNewer ? newest : isLast ? since : yield* timestampPages(since, read)
    if (isLast || next === null) {
      yield { kind: 'reached', since: isNewer ? newest : since, isLast: true }
      return
    }
    if (next === UNLISTABLE) {
      yield { kind: 'unlistable', at: since }
      since = justAfter(since)
    } else since = next
    yield { kind: 'reached', since, isLast: false }
  }
}

const hasId = ({ id }: Listed) => id !== ''
const UNLISTABLE = Symbol('unlistable')

/**
 * Reads all records of a timestamp that fills a page, which only the page index can tell apart. What is changed
 * meanwhile leaves the timestamp and moves the rest up, over the edge onto a page that was read before; so it is read
 * again until that shows nothing new. Answers the next timestamp, or null at the end of the list.
 */
async function* timestampPages<L extends Listed>(
  timestamp: string,
  read: SearchModified<L>,
): AsyncGenerator<ModifiedStep<L>, string | null | typeof UNLISTABLE> {
  const seen = new Set<string>()
  for (;;) {
    const before = seen.size
    let next: string | null | typeof UNLISTABLE = UNLISTABLE
    for (let page = 0; page <= MAX_PAGE && next === UNLISTABLE; page++) {
      const items = await read(timestamp, page)
      yield { kind: 'page', items: items.filter(hasId), modifiedFrom: timestamp }
      for (const { id, version } of items) if (compareVersions(version, timestamp) <= 0) seen.add(id)
      const newest = newestOf(items)
      if (compareVersions(newest, timestamp) > 0) next = newest
      else if (items.length < TAKE) next = null
    }
    if (seen.size === before) return next
  }
}
