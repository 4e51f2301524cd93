import type { Call } from '../http/call.ts'
import {
  createSeenItems,
  isBeyondTotal,
  isSamePage,
  type ListEnd,
  type ListGap,
  lowerTotal,
  MAX_IDLE_PAGES,
  MAX_PAGES,
  NOTHING_SEEN,
  type SeenBefore,
} from '../list-read.ts'
import { type Listed, newestOf, requireOrder } from '../sweep.ts'
import { compareVersions } from '../version.ts'
import type { FlowClient } from './client.ts'
import type { FlowCustomer } from './schema.ts'

/** Where an interrupted list read goes on. The counts are those of the pages before this page. */
export interface FlowListPlace extends SeenBefore {
  readonly page: number
  /** Customers per page, as Flow gave them. */
  readonly length: number
  /** The total of the list before this page was read. If the next total is lower, customers moved onto earlier pages. */
  readonly total: number | null
  /** The newest version when the read began. */
  readonly newest: string | null
}

export type FlowListStep =
  | {
      readonly kind: 'page'
      readonly items: readonly FlowCustomer[]
      /** Those of the items that this read had not seen. */
      readonly fresh: readonly FlowCustomer[]
      readonly place: FlowListPlace
      /** Flow's clock when it answered, ms since the epoch; null when the answer does not tell. */
      readonly servedAtMs: number | null
    }
  | { readonly kind: 'end'; readonly end: ListEnd }

export interface FlowPagesOptions {
  readonly from?: FlowListPlace | null
  /** The read ends once it has passed this version. */
  readonly until?: string
  /**
   * At the end of the list the customers that changed meanwhile are read again. Default: only if the total shows that some
   * were not seen, or if there is no total.
   */
  readonly rereadsChanged?: boolean
  readonly maxPages?: number
}

const PAGE_LENGTH = 100
/** How often one page may send the read back to earlier pages: two replicas of Flow may never agree on a total. */
const MAX_RETURNS = 2
/** Reads of the front for customers that changed meanwhile. */
const MAX_FRONT_READS = 3
/** Far behind any last page that is near. */
const FAR = 1_000

/**
 * Flow's customers, newest change first, page by page. A change moves its customer to the front and the customers before
 * its old place one place down, so the read sees some customers twice. A deletion moves the customers behind it one place
 * up, also onto a page that was already read: the total falls, and the read goes back by as many pages.
 *
 * Flow may answer a page number above the last page with the last page. A page of seen customers beyond the total is that
 * page only if a page far behind it is the same: customers that moved back while others changed are seen customers too,
 * and a total may stop at 10,000, be wrong or be absent.
 */
export async function* flowPages(
  flow: Pick<FlowClient, 'listCustomers'>,
  call: Call,
  { from = null, until, rereadsChanged = false, maxPages = MAX_PAGES }: FlowPagesOptions = {},
): AsyncGenerator<FlowListStep> {
  const seen = createSeenItems(from ?? undefined)
  /** Items without an id on the pages before each page, so that a page that is read again does not count its own items twice. */
  const withoutIdBefore = new Map<number, number>()
  let { page, length, total: firstTotal, newest } = from ?? BEGINNING
  let lastTotal = firstTotal
  let pagesRead = 0
  /** Stays at the last page while the front is read again: there an interrupted read goes on. */
  let place: FlowListPlace | null = null

  const read = async (pageNumber: number) => {
    call.signal.throwIfAborted()
    pagesRead++
    const asked = { pageNumber, pageSize: length, sortBy: 'lastModifiedAt', sortDirection: 'DESC' } as const
    const { items, paging, servedAtMs = null } = await flow.listCustomers(call, asked)
    const listed = items.map((item): Listed => ({ id: item.customerUid, version: item.lastModifiedAt ?? null }))
    requireOrder(listed, 'descending', 'flow')
    return { items, listed, total: paging?.totalCount ?? null, servedAtMs }
  }

  /** From a page until the list ends or a version is passed. */
  async function* pass(firstPage: number, stopAt: string | null, isFront: boolean): AsyncGenerator<FlowListStep, Pass> {
    const returns = new Map<number, number>()
    let front: string | null = null
    let furthest = 0
    let idle = 0
    for (let pageNumber = firstPage; ; ) {
      if (pagesRead >= maxPages) return { gap: 'page-bound', isPassed: false, front }
      const before = Math.min(seen.count, (pageNumber - 1) * length)
      const withoutId = withoutIdBefore.get(pageNumber) ?? seen.withoutId
      withoutIdBefore.set(pageNumber, withoutId)
      const { items, listed, total, servedAtMs } = await read(pageNumber)
      const totalBefore = lastTotal
      const deleted = totalBefore !== null && total !== null ? Math.max(0, totalBefore - total) : 0
      firstTotal ??= total
      lastTotal = total ?? lastTotal
      const news = seen.add(listed, String(pageNumber))
      if (pageNumber === 1) front ??= newestOf(listed)
      if (!isFront && from === null) newest ??= front
      // Flow gives no more per page than this, or the list is as short: page 2 of this length begins right behind.
      if (pageNumber === 1 && items.length > 0 && items.length < length) length = items.length
      if (!isFront) place = { page: pageNumber, length, total: totalBefore, seen: before, withoutId, newest }
      const named = items.filter(({ customerUid }) => customerUid !== '')
      const fresh = named.filter(({ customerUid }) => news.has(customerUid))
      if (place !== null) yield { kind: 'page', items: named, fresh, place, servedAtMs }

      const returned = returns.get(pageNumber) ?? 0
      if (deleted > 0 && pageNumber > 1 && returned < MAX_RETURNS) {
        returns.set(pageNumber, returned + 1)
        furthest = Math.max(furthest, pageNumber)
        pageNumber = Math.max(1, pageNumber - Math.ceil(deleted / length))
        continue
      }
      if (items.length === 0) return { gap: null, isPassed: false, front }
      if (stopAt !== null && listed.some(({ version }) => version !== null && compareVersions(version, stopAt) < 0)) {
        return { gap: null, isPassed: true, front }
      }
      if (news.size > 0) idle = 0
      else if (pageNumber > furthest) {
        idle++
        const mayBeLast = isBeyondTotal(pageNumber, length, total, seen.count) ?? true
        if (mayBeLast && isSamePage((await read(pageNumber + FAR)).listed, listed, idle)) {
          return { gap: null, isPassed: false, front }
        }
        if (idle >= MAX_IDLE_PAGES) return { gap: 'no-progress', isPassed: false, front }
      }
      pageNumber++
    }
  }

  const first: Pass = yield* pass(page, until ?? null, false)
  const { isPassed } = first
  let { gap } = first
  // A second read of the front has also seen the customers that were created meanwhile.
  let hasReread = false
  const total = () => (hasReread ? lastTotal : lowerTotal(firstTotal, lastTotal))
  const isShort = () => seen.count < (total() ?? 0)
  // A customer that changed before its page was read stands in front now.
  let stopAt = newest
  for (let round = 1; gap === null && !isPassed && stopAt !== null && round <= MAX_FRONT_READS; round++) {
    const isWanted = round === 1 && (rereadsChanged || (total() === null && until === undefined))
    if (!isWanted && !isShort()) break
    const again: Pass = yield* pass(1, stopAt, true)
    gap = again.gap
    hasReread = true
    stopAt = again.front
  }
  if (gap === null && !isPassed && isShort()) gap = 'fewer-than-total'
  yield { kind: 'end', end: { gap, seen: seen.count, total: total(), withoutId: seen.withoutId } }
}

interface Pass {
  readonly gap: ListGap | null
  readonly isPassed: boolean
  /** The newest version of the first page. */
  readonly front: string | null
}

const BEGINNING: FlowListPlace = { page: 1, length: PAGE_LENGTH, total: null, newest: null, ...NOTHING_SEEN }
