import type { FlowCustomer } from '@sync/shared/flow/schema'
import type { Call } from '@sync/shared/http/call'
import type { OmniumKind } from '@sync/shared/omnium/schema'
import { skipped } from '@sync/shared/outcome'
import type { Delivery, HandlerContext } from '@sync/shared/stream'
import { looksAgain } from './classify.ts'
import { unreadableInFlow } from './differences.ts'
import { asFlowStands } from './newest-of.ts'
import type { Ports } from './ports.ts'
import { absentInFlow, onceProven } from './unproven.ts'
import { NOTHING_READ, type Upsert, type Upserted, upsertInSlot } from './upsert-in-slot.ts'

/**
 * Brings one Flow customer to Omnium, in one slot of Omnium: the read that decides and the write. A request to Flow would break
 * the order of the slots, so the slot is given back before Flow is read.
 */
export async function upsert(
  kind: OmniumKind,
  customer: FlowCustomer,
  delivery: Delivery<'flow.customers.v1'>,
  context: HandlerContext,
  ports: Ports,
): Promise<Upserted> {
  const inSlot = (wanted: Upsert) =>
    ports.omnium.inSlot(readingLinked(context.call, wanted.customer), (call) =>
      upsertInSlot(wanted, { ...context, call }, ports),
    )
  const first = await inSlot({ kind, customer, delivery, isFlowRead: looksAgain(delivery) })
  if (first !== 'read-flow') return first
  const current = await asFlowStands(customer.customerUid, customer, context.call, ports.flow)
  if (current === null) {
    const outcome = await onceProven(absentInFlow(customer.customerUid, skipped('deleted')), context.call, ports)
    return { ...NOTHING_READ, outcome }
  }
  const second = await inSlot({ kind, customer: current, delivery, isFlowRead: true })
  if (second === 'read-flow') throw new Error('flow was read, and is to be read again')
  return { ...second, unreadable: [...second.unreadable, ...unreadableInFlow(current)] }
}

/** We have linked this customer, so a "not found" answer counts for the absence guard. Another id may be another system's. */
const readingLinked = (call: Call, { customerUid, externalId }: FlowCustomer): Call =>
  externalId === customerUid ? { ...call, absence: { known: true } } : call
