import type { FlowClient } from '@sync/shared/flow/client'
import type { Call } from '@sync/shared/http/call'
import { keyOf } from '@sync/shared/kafka/publisher'
import {
  createAnnounce,
  type Listed,
  newestOf,
  nextMark,
  requireOrder,
  type Sweep,
  type SweepPorts,
  sweepFrom,
} from '@sync/shared/sweep'
import { compareVersions, newerVersion } from '@sync/shared/version'

const PAGE_SIZE = 100
const ENTITY = 'customers'

/**
 * Finds Flow customers that changed since the mark, newest first, because Flow's list takes no "since". A change moves
 * its customer to the front and the rest one place down, so paging sees some twice and misses none. What moved to the
 * front meanwhile is newer than the new mark. (Flow lists orders by store only, so missed orders aren't found here.)
 */
export function createFlowSweep(ports: SweepPorts & { readonly flow: Pick<FlowClient, 'listCustomers'> }): Sweep {
  const { flow, cursors, overlapMs, now } = ports
  const announce = createAnnounce('flow.notifications.v1', ports)

  const readPage = async (call: Call, pageNumber: number) => {
    const { items, paging } = await flow.listCustomers(call, {
      ...{ pageNumber, pageSize: PAGE_SIZE, sortBy: 'lastModifiedAt', sortDirection: 'DESC' },
    })
    const listed = items.map((item): Listed => ({ id: item.customerUid, version: item.lastModifiedAt ?? null }))
    requireOrder(listed, 'descending', 'flow')
    return { listed, totalCount: paging.totalCount ?? null }
  }

  return {
    source: 'flow',
    entities: [ENTITY],
    async sweepTenant(tenant, signal) {
      const startedAt = now()
      const cursor = await cursors.get(tenant.uid, 'flow', ENTITY)
      const from = sweepFrom(cursor, overlapMs, startedAt)
      const call: Call = { tenant, key: keyOf(tenant.uid, `sweep ${ENTITY}`), signal, fence: () => {} }
      let newest: string | null = null
      let total: number | null = null
      for (let pageNumber = 1; ; ) {
        signal.throwIfAborted()
        const { listed, totalCount } = await readPage(call, pageNumber)
        await announce(
          tenant,
          { entity: 'customer', kind: null },
          listed.filter(({ version }) => version !== null && compareVersions(version, from) >= 0),
        )
        newest = newerVersion(newest, newestOf(listed))
        // A deleted customer moves those behind it one place up, over the edge onto a page that was read before.
        const gone: number = total !== null && totalCount !== null ? Math.max(0, total - totalCount) : 0
        total = totalCount
        const isPastMark = listed.some(({ version }) => version !== null && compareVersions(version, from) < 0)
        if (gone > 0) pageNumber = Math.max(1, pageNumber - Math.ceil(gone / PAGE_SIZE))
        else if (isPastMark || listed.length === 0) break
        else pageNumber++
      }
      const mark = nextMark(cursor, from, newest, startedAt)
      const sweptAt = new Date(startedAt).toISOString()
      await cursors.put({ tenant: tenant.uid, source: 'flow', entity: ENTITY, mark, sweptAt })
    },
  }
}
