import { SyncError } from '@sync/shared/errors'
import type { StreamHandler } from '@sync/shared/stream'
import { classify } from './fold.ts'
import { handleParentChange } from './handle-parent-change.ts'
import { maxAnnouncementAgeMs, type Ports } from './ports.ts'
import { createState } from './state.ts'

/**
 * Keeps both ends of parent relations in Omnium in agreement: the child's `Parent`, and the parent's `SubDepartment`
 * entries and `Parent company`. Throws SyncError `config-invalid` when a parent would stop waiting for a child's
 * announced write before that can be over.
 */
export function createRelationManager(ports: Ports): StreamHandler<'company.parent-changes.v1'> {
  if (maxAnnouncementAgeMs(ports) <= 0) {
    throw new SyncError(
      'config-invalid',
      'starting relation-manager: parentConfirmMs must be more than twice requestDeadlineMs',
    )
  }
  const state = createState(ports.omnium, ports.random)
  return {
    service: 'relation-manager',
    topics: ['company.parent-changes.v1'],
    classify,
    async handle(deliveries, context) {
      const outcomes = await handleParentChange(deliveries, context, ports, state)
      return deliveries.map((delivery) => {
        const outcome = outcomes.get(delivery)
        if (outcome === undefined) throw new Error('a record was left without an outcome')
        return outcome
      })
    },
  }
}
