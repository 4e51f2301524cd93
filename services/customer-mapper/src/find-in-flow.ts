import { SyncError } from '@sync/shared/errors'
import type { FlowClient } from '@sync/shared/flow/client'
import type { FlowCustomer } from '@sync/shared/flow/schema'
import type { Call } from '@sync/shared/http/call'
import type { OmniumCustomer } from '@sync/shared/omnium/schema'
import { withoutRole } from '@sync/shared/without-role'
import { isSameButForCase } from './find-in-omnium.ts'
import { linkedUid } from './sync-properties.ts'

/** The uid of an Omnium customer's counterpart in Flow, if there is one under its uid. */
export const uidInFlow = (customer: OmniumCustomer, { tenant }: Call): string =>
  linkedUid(customer, tenant) ?? customer.customerId

/**
 * The Flow counterpart of an Omnium customer. Flow may have given a customer of ours another uid than the uid that we sent, so
 * Flow is asked for the link too. Otherwise every order would create the customer once more.
 */
export async function findInFlow(call: Call, customer: OmniumCustomer, flow: FlowClient): Promise<FlowCustomer | null> {
  const uid = uidInFlow(customer, call)
  let mismatch: unknown = null
  const underUid = await flow.getCustomer(call, uid).catch((error: unknown) => {
    if (!(error instanceof SyncError) || error.code !== 'identity-mismatch') throw error
    mismatch = error
    return null
  })
  if (underUid !== null) return underUid
  // Without the role for the list, the by-id read has to do.
  const linked = await flow.findByExternalId(call, customer.customerId).catch(withoutRole([]))
  // A Flow that stores a uid in another case answers the read of ours with that case.
  const [listed] = mismatch === null ? linked : linked.filter(({ customerUid }) => isSameButForCase(customerUid, uid))
  if (listed === undefined && mismatch !== null) throw mismatch
  if (listed === undefined) return null
  const found = await flow.getCustomer(call, listed.customerUid)
  // The list names a customer whom a by-id read does not find. To create the customer would be refused, and end the record.
  if (found === null) await flow.proveAbsent(call, 'customer', listed.customerUid, { known: true })
  return found
}
