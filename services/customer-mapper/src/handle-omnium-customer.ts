import type { FlowCustomer } from '@sync/shared/flow/schema'
import type { Call } from '@sync/shared/http/call'
import { unreadableOf } from '@sync/shared/http/reading'
import type { OmniumClient } from '@sync/shared/omnium/client'
import { type OmniumCustomer, type OmniumKind, readOmniumCustomer } from '@sync/shared/omnium/schema'
import { done, type Outcome, park, retry, skipped, withNotes } from '@sync/shared/outcome'
import type { Delivery, HandlerContext } from '@sync/shared/stream'
import type { Tenant } from '@sync/shared/tenants'
import { compareVersions } from '@sync/shared/version'
import { looksAgain, mayBeGone } from './classify.ts'
import { conflictsInFlow, createInFlow, parkConflict } from './create-in-flow.ts'
import { decideFlowUpdate, mayHaveEditOnItsWay } from './decide-flow.ts'
import { findInFlow, uidInFlow } from './find-in-flow.ts'
import { findCustomer } from './handle-omnium-order.ts'
import type { Ports } from './ports.ts'
import { requireReadableProperties, storedVersion } from './sync-properties.ts'
import { absentInFlow, absentInOmnium, onceProven, type Unproven } from './unproven.ts'
import { writePathDown } from './write-not-found.ts'

type OmniumDelivery = Delivery<'omnium.customers.v1'>

/** An edit at the till is in Omnium within a second; after this the newer of the two edits counts. */
const FLOW_EDIT_WAIT_MS = 3_000
const LOOK_AGAIN_MS = 500

/** Brings one Omnium customer to Flow, as far as the tenant's `omniumCustomerEvents` wants it. */
export async function handleOmniumCustomer(
  delivery: OmniumDelivery,
  context: HandlerContext,
  ports: Ports,
): Promise<Outcome> {
  const { call } = context
  const source = await latestOf(delivery, call, ports.omnium)
  // Within the slot of Flow, Omnium may be read. Within a slot of Omnium, Flow may not.
  if (!('customer' in source)) return onceProven(source, call, ports)
  const result = await ports.flow.inSlot(call, (held) =>
    bringToFlow(source, delivery, { ...context, call: held }, ports),
  )
  return withNotes(await onceProven(result, call, ports), { unreadable: unreadableOf(source.customer) })
}

async function bringToFlow(
  { kind, customer }: Source,
  delivery: OmniumDelivery,
  context: HandlerContext,
  ports: Ports,
): Promise<Outcome | Unproven> {
  const { call } = context
  const { flow, omnium } = ports
  const { tenant } = call
  let existing = await findInFlow(call, customer, flow)
  if (existing === null) {
    requireReadableProperties(customer, tenant)
    const uid = uidInFlow(customer, call)
    // Our version shows that it was in Flow once: erased there, and its echo must not bring it back. A repair may.
    if (storedVersion(customer, tenant) !== null && !isRepair(delivery)) return absentInFlow(uid, skipped('deleted'))
    const isOld = mayBeGone(delivery, context.now())
    const current = isOld ? await omnium.getCustomer(call, kind, delivery.id) : customer
    if (current === null) return absentInOmnium(delivery.id, [kind], skipped('deleted'))
    const created = await createInFlow(kind, current, context, ports)
    if (!('existing' in created)) return created
    existing = created.existing
  }
  if (conflictsInFlow(kind, existing)) return parkConflict('flow')
  if (tenant.omniumCustomerEvents !== 'update') return skipped('exists')

  let latest: Both = { customer, existing }
  if (mayCrossFlowEdit(kind, latest, tenant)) {
    const both = await readBoth(kind, latest, call, ports)
    if (!('existing' in both)) return both
    const isInTime = context.now() - delivery.firstSeenAt < FLOW_EDIT_WAIT_MS
    if (isInTime && mayCrossFlowEdit(kind, both, tenant)) return retry('flow-edit-pending', LOOK_AGAIN_MS)
    latest = both
  }

  const decision = decideFlowUpdate(kind, latest.customer, latest.existing, tenant)
  const version = latest.customer.modified ?? undefined
  const notes = { unreadable: unreadableOf(latest.existing) }
  if (decision.do === 'nothing') return withNotes(skipped(decision.reason, version), notes)
  const uid = latest.existing.customerUid
  if ((await flow.updateCustomer(call, uid, decision.fields)) === 'not-found') {
    if ((await flow.getCustomer(call, uid)) !== null) throw writePathDown('flow', call)
    return absentInFlow(uid, skipped('deleted'))
  }
  const changed = Object.keys(decision.fields)
  return withNotes(done({ operation: 'updated', target: 'flow', changed, ...(version && { version }) }), notes)
}

interface Both {
  readonly customer: OmniumCustomer
  readonly existing: FlowCustomer
}

/** Whether a write to Flow might undo an edit there that has not come to Omnium yet. */
const mayCrossFlowEdit = (kind: OmniumKind, { customer, existing }: Both, tenant: Tenant): boolean =>
  mayHaveEditOnItsWay(customer, existing, tenant) && decideFlowUpdate(kind, customer, existing, tenant).do === 'update'

/** What both systems hold now, Flow's last, because Flow's customer is to be written. */
async function readBoth(kind: OmniumKind, before: Both, call: Call, { flow, omnium }: Ports): Promise<Both | Unproven> {
  const { customerId } = before.customer
  const { customerUid } = before.existing
  const customer = await omnium.getCustomer(call, kind, customerId)
  if (customer === null) return absentInOmnium(customerId, [kind], skipped('deleted'))
  const existing = await flow.getCustomer(call, customerUid)
  if (existing === null) return absentInFlow(customerUid, skipped('deleted'))
  // Ours since then, without a new version: of relations, which take nothing back of what somebody edited.
  const versions = [before.customer, customer].map((it) => storedVersion(it, call.tenant))
  const isEdited = compareVersions(versions[0], versions[1]) === 0
  return { customer: isEdited ? { ...customer, modifiedBy: before.customer.modifiedBy } : customer, existing }
}

const isRepair = ({ repair, value }: OmniumDelivery): boolean => repair || (value?.repair ?? false)

interface Source {
  readonly kind: OmniumKind
  readonly customer: OmniumCustomer
}

/** The record in its place; out of its place it is only a reason to ask Omnium what it holds now. */
async function latestOf(
  delivery: OmniumDelivery,
  call: Call,
  omnium: OmniumClient,
): Promise<Source | Outcome | Unproven> {
  const { value, id } = delivery
  if (value === null || looksAgain(delivery)) {
    const kinds: readonly OmniumKind[] = value === null ? ['B2C', 'B2B'] : [value.kind]
    return (await findCustomer(call, id, omnium, kinds)) ?? absentInOmnium(id, kinds, skipped('deleted'))
  }
  const customer = readOmniumCustomer(value.customer)
  if (customer !== null) return { kind: value.kind, customer }
  return park('unmappable', 'reading an omnium customer: no readable customerId')
}
