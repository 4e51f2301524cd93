import type { FlowClient } from '@sync/shared/flow/client'
import type { FlowCustomer } from '@sync/shared/flow/schema'
import type { Publisher } from '@sync/shared/kafka/publisher'
import type { OmniumClient } from '@sync/shared/omnium/client'
import type { OmniumCustomer, OmniumKind } from '@sync/shared/omnium/schema'
import { done, type Effect, type Outcome, park, retry, skipped } from '@sync/shared/outcome'
import type { Delivery, HandlerContext } from '@sync/shared/stream'
import type { Tenant } from '@sync/shared/tenants'
import { compareVersions } from '@sync/shared/version'
import { announceParent } from './announce-parent.ts'
import { mayBeGone } from './classify.ts'
import { decideUpsert } from './decide.ts'
import { knowsNoParentYet } from './made-in-flow.ts'
import { omniumKindOf } from './map-to-omnium.ts'
import { asFlowStands, newestOf } from './newest-of.ts'
import type { Recent } from './recent.ts'
import { storedVersion } from './sync-properties.ts'

const LOOK_AGAIN_MS = 500

export interface Peers {
  readonly flow: FlowClient
  readonly omnium: OmniumClient
  readonly publisher: Publisher
}

export interface FlowCustomerPorts extends Peers {
  /**
   * The versions that this process wrote in Omnium lately, by record key. Of a read that does not show ours yet (a replica
   * that lags behind), an edit that goes back to the value before would seem to change nothing.
   */
  readonly written: Recent<string>
}

type FlowDelivery = Delivery<'flow.customers.v1'>

/** Brings one Flow customer to Omnium, announces a company's parent, and links the Flow customer to its Omnium record. */
export async function handleFlowCustomer(
  delivery: FlowDelivery,
  context: HandlerContext,
  peers: FlowCustomerPorts,
): Promise<Outcome> {
  const { call } = context
  const source = await newestOf(delivery, context, peers.flow)
  if ('end' in source) return source.end
  const { customer } = source
  const kind = omniumKindOf(customer)
  if (kind === null) return park('unmappable', 'mapping a flow customer: unknown customerType')

  const { outcome: upserted, before } = await upsert(kind, customer, delivery, context, peers)
  if (upserted.kind === 'park' || upserted.kind === 'retry' || isDeleted(upserted)) return upserted

  // Before the link: a link that Flow refuses parks the record, and the announcement must not be lost with it.
  if (kind === 'B2B' && !knowsNoParentYet(customer, before, context.call.tenant)) {
    await announceParent(customer, delivery, context, peers.publisher)
  }

  if (customer.externalId || (upserted.kind === 'skipped' && upserted.reason === 'stale')) return upserted
  const link = await peers.flow.updateCustomer(call, customer.customerUid, { externalId: customer.customerUid })
  if (link === 'not-found' || upserted.kind === 'done') return upserted
  return done(effectOf('linked', 'flow', ['externalId'], customer))
}

interface Upserted {
  readonly outcome: Outcome
  /** Omnium's record as it was read last, before any write. */
  readonly before: OmniumCustomer | null
}

async function upsert(
  kind: OmniumKind,
  customer: FlowCustomer,
  delivery: FlowDelivery,
  { call, now }: HandlerContext,
  { flow, omnium, written }: FlowCustomerPorts,
): Promise<Upserted> {
  const id = customer.customerUid
  // The second round is for a record that came (409) or went (404) between the read and the write.
  for (let round = 1; round <= 2; round++) {
    const own = await omnium.getCustomer(call, kind, id)
    const ended = (outcome: Outcome): Upserted => ({ outcome, before: own })
    const wrote = (operation: string, changed: readonly string[], of: FlowCustomer): Upserted => {
      if (of.lastModifiedAt) written.note(call.key, of.lastModifiedAt, now())
      return ended(done(effectOf(operation, 'omnium', changed, of)))
    }
    // One that verifies is there for a read that shows less than what we wrote.
    const ours = delivery.lane === 'verify' ? undefined : written.of(call.key, now())
    if (own !== null && ours !== undefined && compareVersions(storedVersion(own, call.tenant), ours) < 0) {
      return ended(retry('read-behind', LOOK_AGAIN_MS))
    }
    const otherKindExists =
      own === null && (await omnium.getCustomer(call, kind === 'B2C' ? 'B2B' : 'B2C', id)) !== null
    const looksAgain = own === null ? mayBeGone(delivery, now()) : mayBeOverwritten(own, customer, call.tenant)
    const latest = looksAgain ? await asFlowStands(id, customer, call, flow) : customer
    if (latest === null) return ended(skipped('deleted'))
    const decision = decideUpsert(kind, latest, { own, otherKindExists }, call.tenant)
    switch (decision.do) {
      case 'conflict':
        return ended(park('customer-type-conflict', 'upserting a customer in omnium: exists there as the other kind'))
      case 'nothing':
        return ended(skipped(decision.reason, latest.lastModifiedAt ?? undefined))
      case 'create':
        if ((await omnium.createCustomer(call, kind, decision.body)).end === 'exists') continue
        return wrote('created', decision.changed, latest)
      case 'overlay':
        if ((await omnium.updatePrivateCustomer(call, decision.body)) === 'not-found') continue
        return wrote('updated', decision.changed, latest)
      case 'patch':
        if ((await omnium.patchCustomer(call, 'B2B', decision.body)) === 'not-found') continue
        return wrote('updated', decision.changed, latest)
    }
  }
  const outcome = retry('target-failed', undefined, 'upserting a customer in omnium: its reads and writes disagree')
  return { outcome, before: null }
}

const isDeleted = (outcome: Outcome): boolean => outcome.kind === 'skipped' && outcome.reason === 'deleted'

/** Whether we may have written a newer edit in Omnium over this one, which must not go there any more then. */
const mayBeOverwritten = (own: OmniumCustomer, { lastModifiedAt }: FlowCustomer, tenant: Tenant): boolean =>
  tenant.omniumCustomerEvents === 'update' && compareVersions(own.modified, lastModifiedAt) > 0

const effectOf = (
  operation: string,
  target: 'flow' | 'omnium',
  changed: readonly string[],
  { lastModifiedAt }: FlowCustomer,
): Effect => ({ operation, target, changed, ...(lastModifiedAt && { version: lastModifiedAt }) })
