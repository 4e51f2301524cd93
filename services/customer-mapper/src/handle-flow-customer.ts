import { askToReadAgain } from '@sync/shared/ask-to-read-again'
import type { FlowCustomer } from '@sync/shared/flow/schema'
import { isUnreadable } from '@sync/shared/http/reading'
import { done, type Outcome, park, withNotes } from '@sync/shared/outcome'
import type { Delivery, HandlerContext } from '@sync/shared/stream'
import { announceParent } from './announce-parent.ts'
import { askForUpdate } from './ask-for-update.ts'
import { unreadableInFlow } from './differences.ts'
import { effectOf } from './effect-of.ts'
import { linkInFlow } from './link-in-flow.ts'
import { knowsNoParentYet } from './made-in-flow.ts'
import { omniumKindOf } from './map-to-omnium.ts'
import { newestOf } from './newest-of.ts'
import type { Ports } from './ports.ts'
import { onceProven } from './unproven.ts'
import { upsert } from './upsert.ts'

/** Brings one Flow customer to Omnium, announces a company's parent, and links the Flow customer to its Omnium counterpart. */
export async function handleFlowCustomer(
  delivery: Delivery<'flow.customers.v1'>,
  context: HandlerContext,
  ports: Ports,
): Promise<Outcome> {
  const { call } = context
  const source = await newestOf(delivery, context, ports.flow)
  if (!('customer' in source)) return onceProven(source, call, ports)
  const outcome = await bringToOmnium(source.customer, delivery, context, ports)
  return withNotes(outcome, { unreadable: unreadableInFlow(source.customer) })
}

async function bringToOmnium(
  customer: FlowCustomer,
  delivery: Delivery<'flow.customers.v1'>,
  context: HandlerContext,
  ports: Ports,
): Promise<Outcome> {
  const { call } = context
  const kind = omniumKindOf(customer)
  if (kind === null) return park('unmappable', 'mapping a flow customer: unknown customerType')

  const { outcome, before, omniumId, kept, notRemoved, unreadable } = await upsert(
    kind,
    customer,
    delivery,
    context,
    ports,
  )
  const upserted = withNotes(outcome, { notRemoved, unreadable })
  if (upserted.kind === 'park' || upserted.kind === 'retry' || isDeleted(upserted)) return upserted

  // Before the link: a link that Flow refuses parks the record, and the announcement must not be lost with it.
  if (kind === 'B2B' && !knowsNoParentYet(customer, before, call.tenant)) {
    await announceParent(customer, delivery, context, ports.publisher)
  }

  if (kept.length > 0 && omniumId !== null) await askForUpdate(omniumId, kept, delivery, context, ports)

  const isStale = upserted.kind === 'skipped' && upserted.reason === 'stale'
  const mayBeLinked = customer.externalId || isUnreadable(customer, 'externalId')
  if (mayBeLinked || omniumId === null || isStale) return upserted
  const readAgain = () =>
    askToReadAgain(delivery, { reason: 'newer-in-flow', notBefore: context.now() }, context, ports.publisher)
  const link = await linkInFlow(call, customer, omniumId, ports, readAgain)
  if (link === 'unreadable') return withNotes(upserted, { unreadable: ['externalId'] })
  if (link !== 'written' || upserted.kind === 'done') return upserted
  return withNotes(done(effectOf('linked', 'flow', ['externalId'], customer)), { unreadable })
}

const isDeleted = (outcome: Outcome): boolean => outcome.kind === 'skipped' && outcome.reason === 'deleted'
