import { type FlowCustomer, parentUidOf } from '@sync/shared/flow/schema'
import { keyOf, type Publisher } from '@sync/shared/kafka/publisher'
import type { Delivery, HandlerContext } from '@sync/shared/stream'

/**
 * "C has parent B at v", for every snapshot of a company that is in Omnium: also when nothing changed and when a newer
 * version is stored, since a repeat is skipped by its version and a lost announcement is never made good. A parent that can't be
 * read is no statement, so nothing is announced.
 */
export async function announceParent(
  customer: FlowCustomer,
  delivery: Delivery<'flow.customers.v1'>,
  { call, now }: HandlerContext,
  publisher: Publisher,
): Promise<void> {
  const parent = parentUidOf(customer)
  if (parent === undefined) return
  const { tenant, value, lane, repair, traceparent } = delivery
  const message = {
    key: keyOf(tenant.uid, customer.customerUid),
    value: {
      type: 'parent-observed' as const,
      tenant: tenant.uid,
      company: customer.customerUid,
      parent,
      version: customer.lastModifiedAt ?? '',
      repair: repair || (value?.repair ?? false) || lane !== null,
      notifiedAt: value?.notifiedAt ?? new Date(now()).toISOString(),
    },
    ...(traceparent !== undefined && { traceparent }),
  }
  await publisher.publish('company.parent-changes.v1', [message], call.fence)
}
