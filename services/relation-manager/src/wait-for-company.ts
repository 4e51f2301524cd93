import type { FlowClient } from '@sync/shared/flow/client'
import { flowKind } from '@sync/shared/flow/schema'
import type { Call } from '@sync/shared/http/call'
import { type Outcome, park, retry } from '@sync/shared/outcome'
import { companyDelayMs } from './waits.ts'

export async function isCompanyInFlow(flow: FlowClient, call: Call, id: string): Promise<boolean> {
  const customer = await flow.getCustomer(call, id)
  return customer !== null && flowKind(customer) === 'COMPANY'
}

/**
 * What becomes of a record that needs a company which Omnium doesn't have (yet). Past its bound the wait goes on only
 * for a company that Flow has: a long backfill may be on its way to it.
 */
export async function waitForCompany(
  waitedMs: number,
  parentWaitMs: number,
  isInFlow: () => Promise<boolean>,
): Promise<Outcome> {
  if (waitedMs < parentWaitMs || (await isInFlow())) {
    return retry('parent-missing', companyDelayMs(waitedMs, parentWaitMs))
  }
  return park('parent-not-found', 'looking for the parent company: it is not in Omnium, and no company in Flow')
}
