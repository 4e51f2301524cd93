import { type FlowListPlace, type FlowPagesOptions, flowPages } from '@sync/shared/flow/pages'
import type { FlowCustomer } from '@sync/shared/flow/schema'
import type { Call } from '@sync/shared/http/call'
import type { Targets } from '@sync/shared/http/targets'
import { describeGap, type ListEnd, NOTHING_SEEN, type SeenBefore } from '@sync/shared/list-read'
import { type ModifiedQuery, modifiedPages } from '@sync/shared/omnium/pages'
import type { OmniumCustomer, OmniumKind } from '@sync/shared/omnium/schema'
import type { Listed } from '@sync/shared/sweep'
import { persistently } from './peers.ts'

const THE_BEGINNING = '1970-01-01T00:00:00.000Z'

/** Where paging goes on after a page. */
export interface OmniumPlace {
  readonly kind: OmniumKind
  readonly since: string
  /** Counts of the items of this kind that are older than `since`. */
  readonly before: SeenBefore
  /** The incomplete lists of the kinds before this kind. */
  readonly incomplete: readonly IncompleteList[]
}

export interface ListedPage<Customer, Place> {
  readonly customers: readonly Customer[]
  /** Everything before it was listed. */
  readonly place: Place
}

/** The lists that a tenant's customers come from. */
export type SourceList = 'customers of flow' | 'private customers of omnium' | 'business customers of omnium'

/** A list that was not read to its end, as far as the peer's own counts tell, or that has items which cannot be read. */
export interface IncompleteList {
  readonly list: SourceList
  readonly why: string
}

export const OMNIUM_LISTS = { B2C: 'private customers of omnium', B2B: 'business customers of omnium' } as const

const incompleteOf = (list: SourceList, end: ListEnd): IncompleteList[] =>
  end.gap === null && end.withoutId === 0 ? [] : [{ list, why: describeGap(end) }]

/**
 * All customers of a tenant in Flow. With `rereadsChanged`, those that change meanwhile come twice, the second time as they
 * are at the end. A page that fails for a moment is asked for again.
 */
export async function* allOfFlow(
  { flow }: Targets,
  call: Call,
  { from = null, rereadsChanged = false }: Pick<FlowPagesOptions, 'from' | 'rereadsChanged'>,
  onIncomplete: (incomplete: IncompleteList) => void,
): AsyncGenerator<ListedPage<FlowCustomer, FlowListPlace>> {
  const listCustomers: typeof flow.listCustomers = (its, page) =>
    persistently(its.signal, () => flow.listCustomers(its, page))
  for await (const step of flowPages({ listCustomers }, call, { from, rereadsChanged })) {
    if (step.kind === 'page') yield { customers: rereadsChanged ? step.items : step.fresh, place: step.place }
    else incompleteOf('customers of flow', step.end).forEach(onIncomplete)
  }
}

export interface OmniumListed extends Listed {
  readonly kind: OmniumKind
  readonly customer: OmniumCustomer
}

const KINDS: readonly OmniumKind[] = ['B2C', 'B2B']

/**
 * All private and then all business customers of a tenant in Omnium. Some may come twice. A read that goes on at a place also
 * tells which lists the interrupted read has found to be incomplete.
 */
export async function* allOfOmnium(
  { omnium }: Targets,
  call: Call,
  from: OmniumPlace | null,
  onIncomplete: (incomplete: IncompleteList) => void,
): AsyncGenerator<ListedPage<OmniumListed, OmniumPlace>> {
  const incomplete: IncompleteList[] = []
  const tell = (list: IncompleteList) => {
    incomplete.push(list)
    onIncomplete(list)
  }
  from?.incomplete.forEach(tell)
  for (const kind of KINDS.slice(from === null ? 0 : KINDS.indexOf(from.kind))) {
    const begin = from?.kind === kind ? from : { since: THE_BEGINNING, before: NOTHING_SEEN }
    let { since, before } = begin
    const search = async (query: ModifiedQuery) => {
      const { result, totalHits } = await persistently(call.signal, () => omnium.searchCustomers(call, kind, query))
      const items = result.map(
        (customer): OmniumListed => ({
          ...{ kind, customer, id: customer.customerId, version: customer.modified ?? null },
        }),
      )
      return { items, total: totalHits }
    }
    for await (const step of modifiedPages(search, since)) {
      call.signal.throwIfAborted()
      if (step.kind === 'page')
        yield { customers: step.items, place: { kind, since, before, incomplete: [...incomplete] } }
      else if (step.kind === 'end') incompleteOf(OMNIUM_LISTS[kind], endAfter(begin.before, step.end)).forEach(tell)
      // A read that goes on after a doubtful place would not meet the cause of the doubt.
      else if (!step.isDoubtful) {
        since = step.since
        before = plus(begin.before, step.before)
      }
    }
  }
}

const plus = (a: SeenBefore, b: SeenBefore): SeenBefore => ({
  seen: a.seen + b.seen,
  withoutId: a.withoutId + b.withoutId,
})

/** The end of the whole list, of which this read has listed the part after `before`. */
const endAfter = (before: SeenBefore, end: ListEnd): ListEnd => ({
  ...end,
  ...plus(before, end),
  total: end.total === null ? null : end.total + before.seen,
})

/** How many customers a tenant has, by one small question to each list: at least as many as the answer holds. */
export async function countOf(source: 'flow' | 'omnium', { flow, omnium }: Targets, call: Call): Promise<number> {
  if (source === 'flow') {
    const page = { pageNumber: 1, pageSize: 1, sortBy: 'lastModifiedAt', sortDirection: 'DESC' } as const
    const { items, paging } = await persistently(call.signal, () => flow.listCustomers(call, page))
    return Math.max(items.length, paging?.totalCount ?? 0)
  }
  const query = { take: 1, page: 0, sortOrder: 'ModifiedAscending', modifiedFrom: THE_BEGINNING } as const
  const counts = await Promise.all(
    KINDS.map((kind) => persistently(call.signal, () => omnium.searchCustomers(call, kind, query))),
  )
  return counts.reduce((sum, { result, totalHits }) => sum + Math.max(result.length, totalHits ?? 0), 0)
}
