import type { FlowCustomer } from '@sync/shared/flow/schema'
import type { Call } from '@sync/shared/http/call'
import type { OmniumClient } from '@sync/shared/omnium/client'
import { OmniumCustomer, type OmniumKind } from '@sync/shared/omnium/schema'
import { done, type Outcome, park, retry, skipped } from '@sync/shared/outcome'
import type { Delivery, HandlerContext } from '@sync/shared/stream'
import type { Tenant } from '@sync/shared/tenants'
import { compareVersions } from '@sync/shared/version'
import { looksAgain, mayBeGone } from './classify.ts'
import { conflictsInFlow, createInFlow, parkConflict } from './create-in-flow.ts'
import { decideFlowUpdate, mayHaveEditOnItsWay } from './decide-flow.ts'
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
    const isOld = mayBeGone(delivery, context.now())
    const current = isOld ? await omnium.getCustomer(call, kind, delivery.id) : customer
    return current === null ? skipped('deleted') : createInFlow(call, kind, current, flow)
  }
  if (conflictsInFlow(kind, existing)) return parkConflict('flow')
  if (tenant.omniumCustomerEvents !== 'update') return skipped('exists')

  let latest: Both = { customer, existing }
  if (mayCrossFlowEdit(kind, latest, tenant)) {
    const both = await readBoth(kind, customer, call, { flow, omnium })
    if (both === null) return skipped('deleted')
    const isInTime = context.now() - delivery.firstSeenAt < FLOW_EDIT_WAIT_MS
    if (isInTime && mayCrossFlowEdit(kind, both, tenant)) return retry('flow-edit-pending', LOOK_AGAIN_MS)
    latest = both
  }

  const decision = decideFlowUpdate(kind, latest.customer, latest.existing, tenant)
  const version = latest.customer.modified ?? undefined
  if (decision.do === 'nothing') return skipped(decision.reason, version)
  if ((await flow.updateCustomer(call, delivery.id, decision.fields)) === 'not-found') return skipped('deleted')
  return done({
    operation: 'updated',
    target: 'flow',
    changed: Object.keys(decision.fields),
    ...(version && { version }),
  })
}

interface Both {
  readonly customer: OmniumCustomer
  readonly existing: FlowCustomer
}

/** Whether a write to Flow might undo an edit there that has not come to Omnium yet. */
const mayCrossFlowEdit = (kind: OmniumKind, { customer, existing }: Both, tenant: Tenant): boolean =>
  mayHaveEditOnItsWay(customer, existing, tenant) && decideFlowUpdate(kind, customer, existing, tenant).do === 'update'

/** What both systems hold now, Flow's last, as it is the one to be written; null when one of them has it no more. */
async function readBoth(
  kind: OmniumKind,
  before: OmniumCustomer,
  call: Call,
  { flow, omnium }: Pick<Peers, 'flow' | 'omnium'>,
): Promise<Both | null> {
  const customer = await omnium.getCustomer(call, kind, before.customerId)
  const existing = customer && (await flow.getCustomer(call, before.customerId))
  if (customer === null || existing === null) return null
  // Ours since then, without a new version: of relations, which take nothing back of what somebody edited.
  const isEdited = compareVersions(storedVersion(before, call.tenant), storedVersion(customer, call.tenant)) === 0
  return { customer: isEdited ? { ...customer, modifiedBy: before.modifiedBy } : customer, existing }
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
