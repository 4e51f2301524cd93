import { SyncError } from '@sync/shared/errors'
import type { FlowClient } from '@sync/shared/flow/client'
import { type FlowCustomer, flowKind } from '@sync/shared/flow/schema'
import type { Call } from '@sync/shared/http/call'
import type { OmniumCustomer, OmniumKind } from '@sync/shared/omnium/schema'
import { done, type Outcome, park, retry } from '@sync/shared/outcome'
import type { HandlerContext } from '@sync/shared/stream'
import { findInFlow } from './find-in-flow.ts'
import { isSameButForCase } from './find-in-omnium.ts'
import { newFlowCustomer } from './map-to-flow.ts'
import type { Ports } from './ports.ts'
import { parkTaken } from './refused-creates.ts'

/**
 * Creates Omnium's customer in Flow, linked, in one slot of Flow: the read that decides and the write. Answers the counterpart
 * where there is one after all.
 */
export function createInFlow(
  kind: OmniumKind,
  customer: OmniumCustomer,
  { call, now }: HandlerContext,
  { flow, refusedCreates: { flow: refusedCreates } }: Pick<Ports, 'flow' | 'refusedCreates'>,
): Promise<Outcome | { readonly existing: FlowCustomer }> {
  const { key } = call
  const body = newFlowCustomer(kind, customer, call.tenant)
  return flow.inSlot(call, async (held) => {
    const before = await findInFlow(held, customer, flow)
    if (before !== null) return exists(before)
    if (refusedCreates.answerOf(key, now()) === undefined) {
      const created = await flow.createCustomer(held, body)
      if (created.end === 'created') {
        if (isSameButForCase(created.id, body.customerUid)) await requireOwn(held, created.id, customer, flow)
        const { modified } = customer
        const changed = Object.keys(body)
        return done({ operation: 'created', target: 'flow', changed, ...(modified && { version: modified }) })
      }
      refusedCreates.note(key, created.answered ?? '409 Conflict', now())
      const after = await findInFlow(held, customer, flow)
      if (after !== null) return exists(after)
    }
    const waitMs = refusedCreates.untilNextRead(key, now())
    if (waitMs !== null) return retry('read-behind', waitMs)
    const answer = refusedCreates.answerOf(key, now()) ?? ''
    refusedCreates.forget(key)
    return parkTaken('flow', answer)
  })

  function exists(existing: FlowCustomer) {
    refusedCreates.forget(key)
    return { existing }
  }
}

/** Whether Flow holds the customer as the other kind; a kind that either side doesn't name conflicts with nothing. */
export const conflictsInFlow = (kind: OmniumKind | null, customer: FlowCustomer): boolean => {
  const held = flowKind(customer)
  return kind !== null && held !== null && held !== (kind === 'B2C' ? 'PERSON' : 'COMPANY')
}

export const parkConflict = (where: 'flow' | 'omnium'): Outcome =>
  park('customer-type-conflict', `creating a customer in flow: exists in ${where} as the other kind`)

/** A uid that Flow answers in another case is taken as ours only if it is linked to no other customer. */
async function requireOwn(call: Call, uid: string, { customerId }: OmniumCustomer, flow: FlowClient): Promise<void> {
  if ((await flow.getCustomer(call, uid))?.externalId === customerId) return
  const message = 'creating customer in flow: the uid in the answer, but for its case, is linked to another customer'
  throw new SyncError('identity-mismatch', message, { target: 'flow', tenant: call.tenant.uid })
}
