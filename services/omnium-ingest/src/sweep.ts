import type { Notification } from '@sync/shared/contracts/notification'
import type { SweepCursor } from '@sync/shared/contracts/sweep-cursor'
import type { Call } from '@sync/shared/http/call'
import { keyOf } from '@sync/shared/kafka/publisher'
import { isOmniumApiUser } from '@sync/shared/omnium/api-users'
import type { OmniumClient } from '@sync/shared/omnium/client'
import { type ModifiedPage, type ModifiedQuery, modifiedPages } from '@sync/shared/omnium/pages'
import {
  createAnnounce,
  type Listed,
  nextMark,
  reportGap,
  type Sweep,
  type SweepDepth,
  type SweepPorts,
  sweepFrom,
} from '@sync/shared/sweep'
import type { Tenant } from '@sync/shared/tenants'
import { compareVersions } from '@sync/shared/version'

/** So many pages of a long list are not to be read again where the sweep fails behind them. */
const PAGES_PER_MARK = 10

type Omnium = Pick<OmniumClient, 'searchCustomers' | 'searchOrders'>

interface List {
  readonly entity: SweepCursor['entity']
  readonly of: Pick<Notification, 'entity' | 'kind'>
  search(omnium: Omnium, call: Call, query: ModifiedQuery): Promise<ModifiedPage<Listed>>
}

const customers = (entity: SweepCursor['entity'], kind: 'B2C' | 'B2B'): List => ({
  entity,
  of: { entity: 'customer', kind },
  async search(omnium, call, query) {
    const { result, totalHits: total, servedAtMs = null } = await omnium.searchCustomers(call, kind, query)
    const items = result.map(({ customerId: id, modified = null, modifiedBy: changedBy = null }) => ({
      ...{ id, version: modified, changedBy },
    }))
    return { items, total, servedAtMs }
  },
})

const LISTS: readonly List[] = [
  customers('private-customers', 'B2C'),
  customers('business-customers', 'B2B'),
  {
    entity: 'orders',
    of: { entity: 'order', kind: null },
    async search(omnium, call, query) {
      const { result, totalHits: total, servedAtMs = null } = await omnium.searchOrders(call, query)
      return { items: result.map(({ id, modified = null }) => ({ id, version: modified })), total, servedAtMs }
    },
  },
]

/**
 * Finds Omnium's private customers, business customers and orders that changed since their marks, oldest first, by
 * moving `modifiedFrom` on: what changes meanwhile moves to the end and is met there. Marks move on as the lists are
 * read, so that an outage of days needn't be caught up in one go.
 */
export function createOmniumSweep(ports: SweepPorts & { readonly omnium: Omnium }): Sweep {
  const { omnium, cursors, now } = ports
  const announce = createAnnounce('omnium.notifications.v1', ports, isOmniumApiUser)

  const sweepList = async (list: List, tenant: Tenant, signal: AbortSignal, depth: SweepDepth | undefined) => {
    const startedAt = now()
    const cursor = await cursors.get(tenant.uid, 'omnium', list.entity)
    const from = sweepFrom(cursor, ports, startedAt, depth)
    const call: Call = { tenant, key: keyOf(tenant.uid, `sweep ${list.entity}`), signal, fence: () => {} }
    const search = (query: ModifiedQuery) => {
      signal.throwIfAborted()
      return list.search(omnium, call, query)
    }
    let clockMs: number | null = null
    const put = async (newest: string, sweptAt: string) => {
      if (depth === 'deep') return
      const mark = nextMark(cursor, from, newest, clockMs ?? startedAt)
      await cursors.put({ tenant: tenant.uid, source: 'omnium', entity: list.entity, mark, sweptAt })
    }

    let pages = 0
    let hasMoved = false
    for await (const step of modifiedPages(search, from)) {
      if (step.kind === 'page') {
        pages++
        clockMs ??= step.servedAtMs
        const isChanged = ({ version }: Listed) => compareVersions(version, step.modifiedFrom) >= 0
        await announce(tenant, list.of, step.items.filter(isChanged))
      } else if (step.kind === 'end') {
        if (step.end.gap !== null) reportGap(ports, tenant, list.entity, step.end)
        // What is missing may lie before a mark that was stored on the way.
        if (step.end.gap === 'fewer-than-total' && hasMoved) await cursors.put(cursor!)
        else if (step.end.gap === null) await put(step.since, new Date(startedAt).toISOString())
      } else if (cursor !== null && depth !== 'deep' && !step.isDoubtful && pages >= PAGES_PER_MARK) {
        await put(step.since, cursor.sweptAt)
        pages = 0
        hasMoved = true
      }
    }
  }

  return {
    source: 'omnium',
    entities: LISTS.map(({ entity }) => entity),
    async sweepTenant(tenant, signal, depth) {
      const failures: unknown[] = []
      for (const list of LISTS) {
        try {
          await sweepList(list, tenant, signal, depth)
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
