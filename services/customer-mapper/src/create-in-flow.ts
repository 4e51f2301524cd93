import type { FlowClient } from '@sync/shared/flow/client'
import { type FlowCustomer, flowKind } from '@sync/shared/flow/schema'
import type { Call } from '@sync/shared/http/call'
import type { OmniumCustomer, OmniumKind } from '@sync/shared/omnium/schema'
import { done, type Outcome, park } from '@sync/shared/outcome'
import { newFlowCustomer } from './map-to-flow.ts'

/** Creates Omnium's customer in Flow, linked. One that is there after all (409) is what was wanted. */
export async function createInFlow(
  call: Call,
  kind: OmniumKind,
  customer: OmniumCustomer,
  flow: FlowClient,
): Promise<Outcome> {
  const body = newFlowCustomer(kind, customer, call.tenant)
  if ((await flow.createCustomer(call, body)).end === 'exists') return done()
  const { modified } = customer
  return done({
    operation: 'created',
    target: 'flow',
    changed: Object.keys(body),
    ...(modified && { version: modified }),
  })
}

/** Whether Flow holds the customer as the other kind; a kind that either side doesn't name conflicts with nothing. */
export const conflictsInFlow = (kind: OmniumKind | null, customer: FlowCustomer): boolean => {
  const held = flowKind(customer)
  return kind !== null && held !== null && held !== (kind === 'B2C' ? 'PERSON' : 'COMPANY')
}

export const parkConflict = (where: 'flow' | 'omnium'): Outcome =>
  park('customer-type-conflict', `creating a customer in flow: exists in ${where} as the other kind`)
