import type { FlowClient } from '@sync/shared/flow/client'
import { type FlowCustomer, readFlowCustomer } from '@sync/shared/flow/schema'
import type { Call } from '@sync/shared/http/call'
import { type Outcome, park, skipped } from '@sync/shared/outcome'
import type { Delivery, HandlerContext } from '@sync/shared/stream'
import { compareVersions } from '@sync/shared/version'
import { looksAgain } from './classify.ts'
import { absentInFlow, type Unproven } from './unproven.ts'

/**
 * The customer to go on with. A record out of its place is only a reason to ask Flow: the newer of the two counts, and a
 * customer that Flow no longer has must not come back. So a snapshot that can't be read matters only in its place.
 */
export async function newestOf(
  delivery: Delivery<'flow.customers.v1'>,
  { call }: HandlerContext,
  flow: FlowClient,
): Promise<{ customer: FlowCustomer } | Outcome | Unproven> {
  const snapshot = readFlowCustomer(delivery.value?.customer)
  if (!looksAgain(delivery)) {
    if (snapshot !== null) return { customer: snapshot }
    return park('unmappable', 'reading a flow customer: no readable customerUid')
  }
  const customer = await asFlowStands(delivery.id, snapshot ?? undefined, call, flow)
  return customer === null ? absentInFlow(delivery.id, skipped('deleted')) : { customer }
}

/** The newer of what Flow says now and `known`; null when Flow has it no more. */
export async function asFlowStands(
  id: string,
  known: FlowCustomer | undefined,
  call: Call,
  flow: FlowClient,
): Promise<FlowCustomer | null> {
  const current = await flow.getCustomer(call, id)
  const isNewer = current && known && compareVersions(known.lastModifiedAt, current.lastModifiedAt) > 0
  return isNewer ? known : current
}
