import { keyOf } from '@sync/shared/kafka/publisher'
import type { Delivery, HandlerContext } from '@sync/shared/stream'
import type { OldInList } from './kept-elements.ts'
import type { Peers } from './ports.ts'

/**
 * Asks the relation-manager for an `Update` of the whole company without these elements, because the relation-manager alone sends
 * it. After the `Update` a record of the retry topic makes us read the company again.
 */
export async function askForUpdate(
  company: string,
  elements: readonly OldInList[],
  { tenant, value, traceparent }: Delivery<'flow.customers.v1'>,
  { call, now }: HandlerContext,
  { publisher }: Pick<Peers, 'publisher'>,
): Promise<void> {
  const named = new Map(elements.map(({ list, id }) => [`${list} ${id}`, { list, id }]))
  const notifiedAt = value?.notifiedAt ?? new Date(now()).toISOString()
  const messages = [...named.values()].map(({ list, id }) => ({
    key: keyOf(tenant.uid, company),
    value: { type: 'element-removed' as const, tenant: tenant.uid, company, list, id, notifiedAt },
    ...(traceparent !== undefined && { traceparent }),
  }))
  await publisher.publish('company.parent-changes.v1', messages, call.fence)
}
