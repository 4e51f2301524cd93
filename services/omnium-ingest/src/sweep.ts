import type { Notification } from '@sync/shared/contracts/notification'
import type { SweepCursor } from '@sync/shared/contracts/sweep-cursor'
import type { Call } from '@sync/shared/http/call'
import { keyOf } from '@sync/shared/kafka/publisher'
import type { Logger } from '@sync/shared/logger'
import type { OmniumClient, OmniumQuery } from '@sync/shared/omnium/client'
import {
  createAnnounce,
  justAfter,
  type Listed,
  newestOf,
  nextMark,
  requireOrder,
  type Sweep,
  type SweepPorts,
  sweepFrom,
} from '@sync/shared/sweep'
import type { Tenant } from '@sync/shared/tenants'
import { compareVersions } from '@sync/shared/version'

const TAKE = 100
/** Omnium answers no more than take × page ≤ 10,000. */
const MAX_PAGE = 10_000 / TAKE

type Omnium = Pick<OmniumClient, 'searchCustomers' | 'searchOrders'>

interface List {
  readonly entity: SweepCursor['entity']
  readonly of: Pick<Notification, 'entity' | 'kind'>
  search(omnium: Omnium, call: Call, query: OmniumQuery): Promise<Listed[]>
}

const customers = (entity: SweepCursor['entity'], kind: 'B2C' | 'B2B'): List => ({
  entity,
  of: { entity: 'customer', kind },
  async search(omnium, call, query) {
    const { result } = await omnium.searchCustomers(call, kind, query)
    return result.map(({ customerId, modified }) => ({ id: customerId, version: modified ?? null }))
  },
})

const LISTS: readonly List[] = [
  customers('private-customers', 'B2C'),
  customers('business-customers', 'B2B'),
  {
    entity: 'orders',
    of: { entity: 'order', kind: null },
    async search(omnium, call, query) {
      const { result } = await omnium.searchOrders(call, query)
      return result.map(({ id, modified }) => ({ id, version: modified ?? null }))
    },
  },
]

export interface OmniumSweepPorts extends SweepPorts {
  readonly omnium: Omnium
  readonly logger: Pick<Logger, 'error'>
}

/**
 * Finds Omnium's private customers, business customers and orders that changed since their marks, oldest first, by
 * moving `modifiedFrom` on: what changes meanwhile moves to the end and is met there. Marks move on as the lists are
 * read, so that an outage of days needn't be caught up in one go.
 */
export function createOmniumSweep(ports: OmniumSweepPorts): Sweep {
  const { omnium, cursors, overlapMs, now, logger } = ports
  const announce = createAnnounce('omnium.notifications.v1', ports)

  const sweepList = async (list: List, tenant: Tenant, signal: AbortSignal) => {
    const startedAt = now()
    const cursor = await cursors.get(tenant.uid, 'omnium', list.entity)
    const from = sweepFrom(cursor, overlapMs, startedAt)
    const call: Call = { tenant, key: keyOf(tenant.uid, `sweep ${list.entity}`), signal, fence: () => {} }
    const read: Read = async (modifiedFrom, page) => {
      signal.throwIfAborted()
      const query = { take: TAKE, page, modifiedFrom, sortOrder: 'ModifiedAscending' } as const
      const items = await list.search(omnium, call, query)
      requireOrder(items, 'ascending', 'omnium')
      const isChanged = ({ version }: Listed) => compareVersions(version, modifiedFrom) >= 0
      await announce(tenant, list.of, items.filter(isChanged))
      return items
    }
    const put = async (newest: string | null, sweptAt: string) => {
      const mark = nextMark(cursor, from, newest, startedAt)
      await cursors.put({ tenant: tenant.uid, source: 'omnium', entity: list.entity, mark, sweptAt })
    }

    let since: string = from
    for (;;) {
      const items = await read(since, 0)
      const newest = newestOf(items)
      const isNewer = newest !== null && compareVersions(newest, since) > 0
      const isLast = items.length < TAKE
      const next = isNewer ? newest : isLast ? since : await readTimestamp(since, read)
      if (isLast || next === null) {
        await put(isNewer ? newest : since, new Date(startedAt).toISOString())
        return
      }
      if (next === UNLISTABLE) {
        const about = { tenant: tenant.uid, entity: list.entity, at: since }
        logger.error(about, 'more than 10,000 records share one modification time: a reconciliation finds the rest')
        since = justAfter(since)
      } else since = next
      if (cursor !== null) await put(since, cursor.sweptAt)
    }
  }

  return {
    source: 'omnium',
    entities: LISTS.map(({ entity }) => entity),
    async sweepTenant(tenant, signal) {
      const failures: unknown[] = []
      for (const list of LISTS) {
        try {
          await sweepList(list, tenant, signal)
        } catch (error) {
          signal.throwIfAborted()
          failures.push(error)
        }
      }
      if (failures.length === 1) throw failures[0]
      if (failures.length > 1) throw new AggregateError(failures, 'sweeping several lists of omnium')
    },
  }
}

type Read = (modifiedFrom: string, page: number) => Promise<readonly Listed[]>
const UNLISTABLE = Symbol('unlistable')

/**
 * Reads all records of a timestamp that fills a page, which only the page index can tell apart. What is changed
 * meanwhile leaves the timestamp and moves the rest up, over the edge onto a page that was read before; so it is read
 * again until that shows nothing new. Answers the next timestamp, or null at the end of the list.
 */
async function readTimestamp(timestamp: string, read: Read): Promise<string | null | typeof UNLISTABLE> {
  const seen = new Set<string>()
  for (;;) {
    const before = seen.size
    let next: string | null | typeof UNLISTABLE = UNLISTABLE
    for (let page = 0; page <= MAX_PAGE && next === UNLISTABLE; page++) {
      const items = await read(timestamp, page)
      for (const { id, version } of items) if (compareVersions(version, timestamp) <= 0) seen.add(id)
      const newest = newestOf(items)
      if (compareVersions(newest, timestamp) > 0) next = newest
      else if (items.length < TAKE) next = null
    }
    if (seen.size === before) return next
  }
}
