import type { FlowClient } from '@sync/shared/flow/client'
import { flowPages } from '@sync/shared/flow/pages'
import type { Call } from '@sync/shared/http/call'
import { keyOf } from '@sync/shared/kafka/publisher'
import {
  createAnnounce,
  type Listed,
  newestOf,
  nextMark,
  type Sweep,
  type SweepPorts,
  sweepFrom,
} from '@sync/shared/sweep'
import { compareVersions, newerVersion } from '@sync/shared/version'

const ENTITY = 'customers'

/**
 * Finds Flow customers that changed since the mark, newest first, because Flow's list takes no "since". What moved to the
 * front meanwhile is newer than the new mark. (Flow lists orders by store only, so missed orders aren't found here.)
 */
export function createFlowSweep(ports: SweepPorts & { readonly flow: Pick<FlowClient, 'listCustomers'> }): Sweep {
  const { flow, cursors, overlapMs, now } = ports
  const announce = createAnnounce('flow.notifications.v1', ports)

  return {
    source: 'flow',
    entities: [ENTITY],
    async sweepTenant(tenant, signal) {
      const startedAt = now()
      const cursor = await cursors.get(tenant.uid, 'flow', ENTITY)
      const from = sweepFrom(cursor, overlapMs, startedAt)
      const call: Call = { tenant, key: keyOf(tenant.uid, `sweep ${ENTITY}`), signal, fence: () => {} }
      let newest: string | null = null
      for await (const { items, isSure } of flowPages(flow, call)) {
        const listed = items.map((item): Listed => ({ id: item.customerUid, version: item.lastModifiedAt ?? null }))
        await announce(
          tenant,
          { entity: 'customer', kind: null },
          listed.filter(({ version }) => version !== null && compareVersions(version, from) >= 0),
        )
        newest = newerVersion(newest, newestOf(listed))
        if (isSure && listed.some(({ version }) => version !== null && compareVersions(version, from) < 0)) break
      }
      const mark = nextMark(cursor, from, newest, startedAt)
      const sweptAt = new Date(startedAt).toISOString()
      await cursors.put({ tenant: tenant.uid, source: 'flow', entity: ENTITY, mark, sweptAt })
    },
  }
}
