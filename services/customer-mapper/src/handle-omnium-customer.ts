import type { FlowCustomer } from '@sync/shared/flow/schema'
import type { OmniumClient } from '@sync/shared/omnium/client'
import { OmniumCustomer, type OmniumKind } from '@sync/shared/omnium/schema'
import { done, type Outcome, park, retry, skipped } from '@sync/shared/outcome'
import type { Delivery, HandlerContext } from '@sync/shared/stream'
import { looksAgain } from './classify.ts'
import { conflictsInFlow, createInFlow, parkConflict } from './create-in-flow.ts'
import { decideFlowUpdate, type FlowUpdateDecision, mayHaveEditOnItsWay } from './decide-flow.ts'
import type { Peers } from './handle-flow-customer.ts'
import { findCustomer } from './handle-omnium-order.ts'
import { storedVersion } from './sync-properties.ts'

type OmniumDelivery = Delivery<'omnium.customers.v1'>

/** An edit at the till is in Omnium within a second; after this the newer of the two edits counts. */
const FLOW_EDIT_WAIT_MS = 3_000
const LOOK_AGAIN_MS = 500

/** Brings one Omnium customer to Flow, as far as the tenant's `omniumCustomerEvents` wants it. */
export async function handleOmniumCustomer(
  delivery: OmniumDelivery,
  context: HandlerContext,
  { flow, omnium }: Pick<Peers, 'flow' | 'omnium'>,
): Promise<Outcome> {
  const { call } = context
  const { tenant } = call
  const source = await latestOf(delivery, context, omnium)
  if ('end' in source) return source.end
  const { kind, customer } = source

  const existing = await flow.getCustomer(call, delivery.id)
  if (existing === null) {
    // Our version shows that it was in Flow once: erased there, and its echo must not bring it back. A repair may.
    if (storedVersion(customer, tenant) !== null && !isRepair(delivery)) return skipped('deleted')
    return createInFlow(call, kind, customer, flow)
  }
  if (conflictsInFlow(kind, existing)) return parkConflict('flow')
  if (tenant.omniumCustomerEvents !== 'update') return skipped('exists')

  const decided = await decideOnceFlowIsThrough(kind, customer, existing, delivery, context, omnium)
  if ('end' in decided) return decided.end
  const { decision, version } = decided
  if (decision.do === 'nothing') return skipped(decision.reason, version)
  if ((await flow.updateCustomer(call, delivery.id, decision.fields)) === 'not-found') return skipped('deleted')
  return done({
    operation: 'updated',
    target: 'flow',
    changed: Object.keys(decision.fields),
    ...(version && { version }),
  })
}

/** An older edit in Flow, which may be on its way to Omnium, gets some time to arrive: Flow wins when both were edited at once. */
async function decideOnceFlowIsThrough(
  kind: OmniumKind,
  customer: OmniumCustomer,
  existing: FlowCustomer,
  { id, firstSeenAt }: OmniumDelivery,
  { call, now }: HandlerContext,
  omnium: OmniumClient,
): Promise<{ decision: FlowUpdateDecision; version: string | undefined } | { end: Outcome }> {
  const decide = (from: OmniumCustomer) => ({
    decision: decideFlowUpdate(kind, from, existing, call.tenant),
    version: from.modified ?? undefined,
    hasToWait: mayHaveEditOnItsWay(from, existing, call.tenant),
  })
  const first = decide(customer)
  if (first.decision.do === 'nothing' || !first.hasToWait) return first
  // The edit may have come since this record was made.
  const current = await omnium.getCustomer(call, kind, id)
  if (current === null) return { end: skipped('deleted') }
  const again = decide(current)
  if (again.decision.do === 'nothing' || !again.hasToWait || now() - firstSeenAt >= FLOW_EDIT_WAIT_MS) return again
  return { end: retry('flow-edit-pending', LOOK_AGAIN_MS) }
}

const isRepair = ({ repair, value }: OmniumDelivery): boolean => repair || (value?.repair ?? false)

/** The record in its place; out of its place it is only a reason to ask Omnium what it holds now. */
async function latestOf(
  delivery: OmniumDelivery,
  { call }: HandlerContext,
  omnium: OmniumClient,
): Promise<{ kind: OmniumKind; customer: OmniumCustomer } | { end: Outcome }> {
  const { value, id } = delivery
  if (value === null || looksAgain(delivery)) {
    const current = await findCustomer(call, id, omnium, value === null ? ['B2C', 'B2B'] : [value.kind])
    return current ?? { end: skipped('deleted') }
  }
  const snapshot = OmniumCustomer.safeParse(value.customer)
  if (snapshot.success) return { kind: value.kind, customer: snapshot.data }
  const fields = snapshot.error.issues.map(({ path }) => path.join('.')).join(', ')
  return { end: park('unmappable', `reading an omnium customer: ${fields}`) }
}
