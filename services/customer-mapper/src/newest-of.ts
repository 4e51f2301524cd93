import type { FlowClient } from '@sync/shared/flow/client'
import { FlowCustomer } from '@sync/shared/flow/schema'
import { type Outcome, park, skipped } from '@sync/shared/outcome'
import type { Delivery, HandlerContext } from '@sync/shared/stream'
import { compareVersions } from '@sync/shared/version'
import { looksAgain } from './classify.ts'

/**
 * The customer to go on with. A record out of its place is only a reason to ask Flow: the newer of the two counts, and a
 * customer that Flow no longer has must not come back. So a snapshot that can't be read matters only in its place.
 */
export async function newestOf(
  delivery: Delivery<'flow.customers.v1'>,
  { call }: HandlerContext,
  flow: FlowClient,
): Promise<{ customer: FlowCustomer } | { end: Outcome }> {
  const snapshot = FlowCustomer.safeParse(delivery.value?.customer)
  if (!looksAgain(delivery)) {
    if (snapshot.success) return { customer: snapshot.data }
    const fields = snapshot.error.issues.map(({ path }) => path.join('.')).join(', ')
    return { end: park('unmappable', `reading a flow customer: ${fields}`) }
  }
  const current = await flow.getCustomer(call, delivery.id)
  if (current === null) return { end: skipped('deleted') }
  const isNewer = snapshot.success && compareVersions(snapshot.data.lastModifiedAt, current.lastModifiedAt) > 0
  return { customer: isNewer ? snapshot.data : current }
}
