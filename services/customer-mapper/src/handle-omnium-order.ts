import type { Call } from '@sync/shared/http/call'
import type { OmniumClient } from '@sync/shared/omnium/client'
import type { OmniumCustomer, OmniumKind } from '@sync/shared/omnium/schema'
import { type Outcome, skipped } from '@sync/shared/outcome'
import type { Delivery, HandlerContext } from '@sync/shared/stream'
import { conflictsInFlow, createInFlow, parkConflict } from './create-in-flow.ts'
import type { Peers } from './handle-flow-customer.ts'
import { storedVersion } from './sync-properties.ts'

const KINDS: readonly OmniumKind[] = ['B2C', 'B2B']

/** Sees to it that an order's customer is known in Flow. What counts is the customer now, so orders need no order. */
export async function handleOmniumOrder(
  delivery: Delivery<'omnium.orders.v1'>,
  { call }: HandlerContext,
  { flow, omnium }: Pick<Peers, 'flow' | 'omnium'>,
): Promise<Outcome> {
  const kind = kindOf(delivery.value?.order.customerType)
  const existing = await flow.getCustomer(call, delivery.id)
  if (existing !== null) return conflictsInFlow(kind, existing) ? parkConflict('flow') : skipped('exists')

  // The order's word and Omnium's record have to agree: what is parked here must not depend on whether an order without
  // a kind has brought the customer to Flow before.
  const found = await findCustomer(call, delivery.id, omnium, kind === 'B2B' ? KINDS.toReversed() : KINDS)
  if (found === null) return skipped('not-found')
  if (kind !== null && found.kind !== kind) return parkConflict('omnium')
  if (isOld(delivery) && storedVersion(found.customer, call.tenant) !== null) return skipped('deleted')
  return createInFlow(call, found.kind, found.customer, flow)
}

/**
 * A record that somebody brought back by hand: together with our version at Omnium's record, which shows that the
 * customer was in Flow once, it would bring back a person whom Flow has erased. A new order may; an old one may not.
 */
const isOld = ({ lane }: Delivery<'omnium.orders.v1'>): boolean => lane === 'replayed' || lane === 'redriven'

/** The customer under the first of these kinds that Omnium has it as. */
export async function findCustomer(
  call: Call,
  id: string,
  omnium: OmniumClient,
  kinds: readonly OmniumKind[],
): Promise<{ kind: OmniumKind; customer: OmniumCustomer } | null> {
  for (const kind of kinds) {
    const customer = await omnium.getCustomer(call, kind, id)
    if (customer !== null) return { kind, customer }
  }
  return null
}

function kindOf(customerType: unknown): OmniumKind | null {
  const type = typeof customerType === 'string' ? customerType.toUpperCase() : null
  return KINDS.find((kind) => kind === type) ?? null
}
