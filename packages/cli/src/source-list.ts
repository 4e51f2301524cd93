import { flowPages } from '@sync/shared/flow/pages'
import type { FlowCustomer } from '@sync/shared/flow/schema'
import type { Call } from '@sync/shared/http/call'
import type { Targets } from '@sync/shared/http/targets'
import { modifiedPages, TAKE } from '@sync/shared/omnium/pages'
import type { OmniumCustomer, OmniumKind } from '@sync/shared/omnium/schema'
import type { Listed } from '@sync/shared/sweep'
import { persistently } from './peers.ts'

const THE_BEGINNING = '1970-01-01T00:00:00.000Z'

/** Where paging goes on after a page. */
export type FlowPlace = { readonly page: number; readonly total: number | null }
export type OmniumPlace = { readonly kind: OmniumKind; readonly since: string }

export interface ListedPage<Customer, Place> {
  readonly customers: readonly Customer[]
  /** Everything before it was listed. */
  readonly place: Place
}

/** All customers of a tenant in Flow; some may come twice. A page that fails for a moment is asked for again. */
export async function* allOfFlow(
  { flow }: Targets,
  call: Call,
  from: FlowPlace | null = null,
): AsyncGenerator<ListedPage<FlowCustomer, FlowPlace>> {
  const listCustomers: typeof flow.listCustomers = (its, page) =>
    persistently(its.signal, () => flow.listCustomers(its, page))
  const wish = from === null ? {} : { fromPage: from.page, totalBefore: from.total }
  for await (const { items, pageNumber, totalCount } of flowPages({ listCustomers }, call, wish)) {
    yield { customers: items, place: { page: pageNumber, total: totalCount } }
  }
}

export interface OmniumListed extends Listed {
  readonly kind: OmniumKind
  readonly customer: OmniumCustomer
}

const KINDS: readonly OmniumKind[] = ['B2C', 'B2B']

/** All private and then all business customers of a tenant in Omnium; some may come twice. */
export async function* allOfOmnium(
  { omnium }: Targets,
  call: Call,
  from: OmniumPlace | null = null,
  onUnlistable: (at: string) => void = () => {},
): AsyncGenerator<ListedPage<OmniumListed, OmniumPlace>> {
  for (const kind of KINDS.slice(from === null ? 0 : KINDS.indexOf(from.kind))) {
    let since = from?.kind === kind ? from.since : THE_BEGINNING
    const search = async (modifiedFrom: string, page: number) => {
      const query = { take: TAKE, page, modifiedFrom, sortOrder: 'ModifiedAscending' } as const
      const found = await persistently(call.signal, () => omnium.searchCustomers(call, kind, query))
      return found.result.map(
        (customer): OmniumListed => ({
          ...{ kind, customer, id: customer.customerId, version: customer.modified ?? null },
        }),
      )
    }
    for await (const step of modifiedPages(search, since)) {
      call.signal.throwIfAborted()
      if (step.kind === 'page') yield { customers: step.items, place: { kind, since } }
      else if (step.kind === 'reached') since = step.since
      else onUnlistable(step.at)
    }
  }
}

/** How many customers a tenant has, by one small question to each list. */
export async function countOf(source: 'flow' | 'omnium', { flow, omnium }: Targets, call: Call): Promise<number> {
  if (source === 'flow') {
    const page = { pageNumber: 1, pageSize: 1, sortBy: 'lastModifiedAt', sortDirection: 'DESC' } as const
    const { items, paging } = await persistently(call.signal, () => flow.listCustomers(call, page))
    return paging?.totalCount ?? items.length
  }
  const query = { take: 1, page: 0, sortOrder: 'ModifiedAscending', modifiedFrom: THE_BEGINNING } as const
  const counts = await Promise.all(
    KINDS.map((kind) => persistently(call.signal, () => omnium.searchCustomers(call, kind, query))),
  )
  return counts.reduce((sum, { totalHits }) => sum + totalHits, 0)
}
