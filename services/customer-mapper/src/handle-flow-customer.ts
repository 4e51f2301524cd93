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
import { decideUpsert } from './decide.ts'
import { omniumKindOf } from './map-to-omnium.ts'
import { asFlowStands, newestOf } from './newest-of.ts'

export interface Peers {
  readonly flow: FlowClient
  readonly omnium: OmniumClient
  readonly publisher: Publisher
}

/** Brings one Flow customer to Omnium, announces a company's parent, and links the Flow customer to its Omnium record. */
export async function handleFlowCustomer(
  delivery: Delivery<'flow.customers.v1'>,
  context: HandlerContext,
  peers: Peers,
): Promise<Outcome> {
  const { call } = context
  const source = await newestOf(delivery, context, peers.flow)
  if ('end' in source) return source.end
  const { customer } = source
  const kind = omniumKindOf(customer)
  if (kind === null) return park('unmappable', 'mapping a flow customer: unknown customerType')

  const upserted = await upsert(kind, customer, context, peers)
  if (upserted.kind === 'park' || upserted.kind === 'retry') return upserted

  // Before the link: a link that Flow refuses parks the record, and the announcement must not be lost with it.
  if (kind === 'B2B') await announceParent(customer, delivery, context, peers.publisher)

  if (customer.externalId || (upserted.kind === 'skipped' && upserted.reason === 'stale')) return upserted
  const link = await peers.flow.updateCustomer(call, customer.customerUid, { externalId: customer.customerUid })
  if (link === 'not-found' || upserted.kind === 'done') return upserted
  return done(effectOf('linked', 'flow', ['externalId'], customer))
}

async function upsert(
  kind: OmniumKind,
  customer: FlowCustomer,
  { call }: HandlerContext,
  { flow, omnium }: Peers,
): Promise<Outcome> {
  const id = customer.customerUid
  // The second round is for a record that came (409) or went (404) between the read and the write.
  for (let round = 1; round <= 2; round++) {
    const own = await omnium.getCustomer(call, kind, id)
    const otherKindExists =
      own === null && (await omnium.getCustomer(call, kind === 'B2C' ? 'B2B' : 'B2C', id)) !== null
    const latest = mayBeOverwritten(own, customer, call.tenant)
      ? await asFlowStands(id, customer, call, flow)
      : customer
    if (latest === null) return skipped('deleted')
    const decision = decideUpsert(kind, latest, { own, otherKindExists }, call.tenant)
    switch (decision.do) {
      case 'conflict':
        return park('customer-type-conflict', 'upserting a customer in omnium: exists there as the other kind')
      case 'nothing':
        return skipped(decision.reason, latest.lastModifiedAt ?? undefined)
      case 'create':
        if ((await omnium.createCustomer(call, kind, decision.body)) === 'exists') continue
        return done(effectOf('created', 'omnium', decision.changed, latest))
      case 'overlay':
        if ((await omnium.updatePrivateCustomer(call, decision.body)) === 'not-found') continue
        return done(effectOf('updated', 'omnium', decision.changed, latest))
      case 'patch':
        if ((await omnium.patchCustomer(call, 'B2B', decision.body)) === 'not-found') continue
        return done(effectOf('updated', 'omnium', decision.changed, latest))
    }
  }
  return retry('target-failed', undefined, 'upserting a customer in omnium: its reads and writes disagree')
}

/** Whether we may have written a newer edit in Omnium over this one, which must not go there any more then. */
const mayBeOverwritten = (own: OmniumCustomer | null, { lastModifiedAt }: FlowCustomer, tenant: Tenant): boolean =>
  own !== null && tenant.omniumCustomerEvents === 'update' && compareVersions(own.modified, lastModifiedAt) > 0

const effectOf = (
  operation: string,
  target: 'flow' | 'omnium',
  changed: readonly string[],
  { lastModifiedAt }: FlowCustomer,
): Effect => ({ operation, target, changed, ...(lastModifiedAt && { version: lastModifiedAt }) })
