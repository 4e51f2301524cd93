import type { Notification } from '@sync/shared/contracts/notification'
import type { SweepCursor } from '@sync/shared/contracts/sweep-cursor'
import type { Call } from '@sync/shared/http/call'
import { keyOf } from '@sync/shared/kafka/publisher'
import type { Logger } from '@sync/shared/logger'
import type { OmniumClient, OmniumQuery } from '@sync/shared/omnium/client'
import { modifiedPages, TAKE } from '@sync/shared/omnium/pages'
import { createAnnounce, type Listed, nextMark, type Sweep, type SweepPorts, sweepFrom } from '@sync/shared/sweep'
import type { Tenant } from '@sync/shared/tenants'
import { compareVersions } from '@sync/shared/version'

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
    const search = (modifiedFrom: string, page: number) => {
      signal.throwIfAborted()
      return list.search(omnium, call, { take: TAKE, page, modifiedFrom, sortOrder: 'ModifiedAscending' })
    }
    const put = async (newest: string, sweptAt: string) => {
      const mark = nextMark(cursor, from, newest, startedAt)
      await cursors.put({ tenant: tenant.uid, source: 'omnium', entity: list.entity, mark, sweptAt })
    }

    for await (const step of modifiedPages(search, from)) {
      if (step.kind === 'page') {
        const isChanged = ({ version }: Listed) => compareVersions(version, step.modifiedFrom) >= 0
        await announce(tenant, list.of, step.items.filter(isChanged))
      } else if (step.kind === 'unlistable') {
        const about = { tenant: tenant.uid, entity: list.entity, at: step.at }
        logger.error(about, 'more than 10,000 records share one modification time: a reconciliation finds the rest')
      } else if (step.isLast) await put(step.since, new Date(startedAt).toISOString())
      else if (cursor !== null) await put(step.since, cursor.sweptAt)
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
