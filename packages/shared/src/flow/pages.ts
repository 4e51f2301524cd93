import type { Call } from '../http/call.ts'
import { requireOrder } from '../sweep.ts'
import type { FlowClient } from './client.ts'
import type { FlowCustomer } from './schema.ts'

export interface FlowPage {
  readonly items: readonly FlowCustomer[]
  readonly pageNumber: number
  readonly totalCount: number | null
  /** Nothing was deleted meanwhile, as far as the counts tell: what lies before this page has been seen. */
  readonly isSure: boolean
}

export interface FlowPagesWish {
  /** Where to go on; 1 unless told. */
  readonly fromPage?: number
  /** The count of then. */
  readonly totalBefore?: number | null
}

const PAGE_SIZE = 100

/**
 * Flow's customers, newest change first, page by page until there is none. A change moves its customer to the front and
 * the rest one place down, so paging sees some twice, and misses only what is changed meanwhile: that stands in front.
 */
export async function* flowPages(
  flow: Pick<FlowClient, 'listCustomers'>,
  call: Call,
  { fromPage = 1, totalBefore = null }: FlowPagesWish = {},
): AsyncGenerator<FlowPage> {
  let total = totalBefore
  for (let pageNumber = fromPage; ; ) {
    call.signal.throwIfAborted()
    const { items, paging } = await flow.listCustomers(call, {
      ...{ pageNumber, pageSize: PAGE_SIZE, sortBy: 'lastModifiedAt', sortDirection: 'DESC' },
    })
    const listed = items.map((item) => ({ id: item.customerUid, version: item.lastModifiedAt ?? null }))
    requireOrder(listed, 'descending', 'flow')
    const totalCount = paging?.totalCount ?? null
    // A deleted customer moves those behind it one place up, over the edge onto a page that was read before.
    const gone: number = total !== null && totalCount !== null ? Math.max(0, total - totalCount) : 0
    total = totalCount
    yield { items: items.filter(({ customerUid }) => customerUid !== ''), pageNumber, totalCount, isSure: gone === 0 }
    if (gone > 0) pageNumber = Math.max(1, pageNumber - Math.ceil(gone / PAGE_SIZE))
    else if (items.length === 0) return
    else pageNumber++
  }
}
