import type { Call } from '@sync/shared/http/call'
import { unreadableOf } from '@sync/shared/http/reading'
import type { OmniumClient } from '@sync/shared/omnium/client'
import type { OmniumCustomer, OmniumKind } from '@sync/shared/omnium/schema'
import { type Outcome, retry, skipped, withNotes } from '@sync/shared/outcome'
import type { Delivery, HandlerContext } from '@sync/shared/stream'
import { conflictsInFlow, createInFlow, parkConflict } from './create-in-flow.ts'
import { uidInFlow } from './find-in-flow.ts'
import type { Ports } from './ports.ts'
import { requireReadableProperties, storedVersion } from './sync-properties.ts'
import { absentInFlow, absentInOmnium, onceProven } from './unproven.ts'

const KINDS: readonly OmniumKind[] = ['B2C', 'B2B']

/** A customer may be readable later than the order that names it. */
const CUSTOMER_WAIT_MS = 60_000
const [SHORTEST_WAIT_MS, LONGEST_WAIT_MS] = [1_000, 10_000]

/** Sees to it that an order's customer is known in Flow. What counts is the customer now, so orders need no order. */
export async function handleOmniumOrder(
  delivery: Delivery<'omnium.orders.v1'>,
  context: HandlerContext,
  ports: Ports,
): Promise<Outcome> {
  const { call, now } = context
  const { flow, omnium } = ports
  const kind = kindOf(delivery.value?.order.customerType)
  const asKnown = (existing: Parameters<typeof conflictsInFlow>[1]) =>
    conflictsInFlow(kind, existing) ? parkConflict('flow') : skipped('exists')
  const underId = await flow.getCustomer(call, delivery.id)
  if (underId !== null) return asKnown(underId)

  // The order's word and Omnium's record have to agree: what is parked here must not depend on whether an order without
  // a kind has brought the customer to Flow before.
  const found = await findCustomer(call, delivery.id, omnium, kind === 'B2B' ? KINDS.toReversed() : KINDS)
  if (found === null) {
    const waitedMs = now() - delivery.firstSeenAt
    if (waitedMs < CUSTOMER_WAIT_MS) return retry('read-behind', waitMsAfter(waitedMs))
    return onceProven(absentInOmnium(delivery.id, KINDS, skipped('not-found'), false), call, ports)
  }
  if (kind !== null && found.kind !== kind) return parkConflict('omnium')
  if (isOld(delivery)) requireReadableProperties(found.customer, call.tenant)
  if (isOld(delivery) && storedVersion(found.customer, call.tenant) !== null) {
    const uid = uidInFlow(found.customer, call)
    const linked = uid === delivery.id ? null : await flow.getCustomer(call, uid)
    return linked === null ? onceProven(absentInFlow(uid, skipped('deleted')), call, ports) : asKnown(linked)
  }
  const created = await createInFlow(found.kind, found.customer, context, ports)
  const outcome = 'existing' in created ? asKnown(created.existing) : created
  return withNotes(outcome, { unreadable: unreadableOf(found.customer) })
}

const waitMsAfter = (waitedMs: number): number => Math.min(Math.max(waitedMs, SHORTEST_WAIT_MS), LONGEST_WAIT_MS)

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
