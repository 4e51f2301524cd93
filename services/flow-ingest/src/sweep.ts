import type { FlowClient } from '@sync/shared/flow/client'
import { flowPages } from '@sync/shared/flow/pages'
import type { Call } from '@sync/shared/http/call'
import { keyOf } from '@sync/shared/kafka/publisher'
import {
  createAnnounce,
  type Listed,
  newestOf,
  nextMark,
  reportGap,
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
  const { flow, cursors, now } = ports
  const announce = createAnnounce('flow.notifications.v1', ports, ({ flow: { apiUser } }, user) => user === apiUser)

  return {
    source: 'flow',
    entities: [ENTITY],
    async sweepTenant(tenant, signal, depth) {
      const startedAt = now()
      const cursor = await cursors.get(tenant.uid, 'flow', ENTITY)
      const from = sweepFrom(cursor, ports, startedAt, depth)
      const call: Call = { tenant, key: keyOf(tenant.uid, `sweep ${ENTITY}`), signal, fence: () => {} }
      let newest: string | null = null
      let clockMs: number | null = null
      for await (const step of flowPages(flow, call, { until: from })) {
        if (step.kind === 'end') {
          if (step.end.gap !== null) return reportGap(ports, tenant, ENTITY, step.end)
          continue
        }
        const listed = step.items.map(
          (item): Listed => ({
            ...{ id: item.customerUid, version: item.lastModifiedAt ?? null, changedBy: item.lastModifiedBy ?? null },
          }),
        )
        const isChanged = ({ version }: Listed) => version !== null && compareVersions(version, from) >= 0
        await announce(tenant, { entity: 'customer', kind: null }, listed.filter(isChanged))
        newest = newerVersion(newest, newestOf(listed))
        clockMs ??= step.servedAtMs
      }
      if (depth === 'deep') return
      const mark = nextMark(cursor, from, newest, clockMs ?? startedAt)
      const sweptAt = new Date(startedAt).toISOString()
      await cursors.put({ tenant: tenant.uid, source: 'flow', entity: ENTITY, mark, sweptAt })
    },
  }
}
