import { SyncError } from '../errors.ts'
import type { Call } from '../http/call.ts'
import { copyOf } from '../http/request.ts'
import type { Tenant } from '../tenants.ts'
import { unlessAborted } from '../unless-aborted.ts'

/** One page of `Search` by ids, counted from 0. */
export type SearchPage<Item> = (
  call: Call,
  ids: readonly string[],
  page: { readonly take: number; readonly page: number },
) => Promise<{ readonly result: readonly Item[]; readonly totalHits: number | null }>

export interface SearchIdsOptions<Item> {
  readonly search: SearchPage<Item>
  readonly idOf: (item: Item) => string
  /** Ends all searches: a caller that is aborted ends none, because others may wait for the same one. */
  readonly signal: AbortSignal
}

const MAX_IDS = 100
const MAX_PAGES = 20

interface Waiting<Item> {
  readonly id: string
  readonly resolve: (item: Item | null) => void
  readonly reject: (error: unknown) => void
}

/**
 * Finds single ids by `Search`. One search of a tenant is in flight at a time, and carries all ids that were asked for
 * meanwhile, at most 100.
 */
export function createSearchIds<Item>({ search, idOf, signal }: SearchIdsOptions<Item>) {
  const queues = new Map<string, Waiting<Item>[]>()

  const drain = async (tenant: Tenant, queue: Waiting<Item>[]): Promise<void> => {
    const call: Call = { tenant, key: '', signal, fence: () => {} }
    while (queue.length > 0) {
      const batch = queue.splice(0, MAX_IDS)
      try {
        const found = await searchAll(call, [...new Set(batch.map(({ id }) => id))], search, idOf)
        for (const { id, resolve } of batch) resolve(found.get(id) ?? null)
      } catch (error) {
        for (const { reject } of batch) reject(error instanceof SyncError ? copyOf(error) : error)
      }
    }
    queues.delete(tenant.uid)
  }

  /** null: `Search` finds nothing. Throws SyncError as the search does, an error of its own for each caller, or `aborted`. */
  return async (call: Call, id: string): Promise<Item | null> => {
    const { promise, resolve, reject } = Promise.withResolvers<Item | null>()
    const waiting = { id, resolve, reject }
    const queue = queues.get(call.tenant.uid)
    if (queue !== undefined) queue.push(waiting)
    else {
      const started = [waiting]
      queues.set(call.tenant.uid, started)
      void drain(call.tenant, started)
    }
    const found = await unlessAborted(promise, call.signal)
    if (found === null && call.signal.aborted) throw new SyncError('aborted', 'searching by id: aborted')
    return found
  }
}

/**
 * Reads on until every id is found or the list ends: a peer may answer fewer items to a page than were asked for, so that a
 * first page alone proves nothing.
 */
async function searchAll<Item>(
  call: Call,
  ids: readonly string[],
  search: SearchPage<Item>,
  idOf: (item: Item) => string,
): Promise<ReadonlyMap<string, Item>> {
  const asked = new Set(ids)
  const found = new Map<string, Item>()
  const seen = new Set<string>()
  let take = MAX_IDS
  for (let page = 0; page < MAX_PAGES; page++) {
    const { result, totalHits } = await search(call, ids, { take, page })
    const news = result.filter((item) => !seen.has(idOf(item)))
    for (const item of news) {
      seen.add(idOf(item))
      if (asked.has(idOf(item))) found.set(idOf(item), item)
    }
    if (news.length === 0 || found.size === asked.size) return found
    const isShort = result.length < take && (totalHits === null || totalHits > result.length)
    if (page === 0 && isShort) take = result.length
  }
  throw new SyncError('target-answer-invalid', 'searching by ids: the answers hold other ids without end')
}
