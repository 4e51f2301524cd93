import { type ErrorCode, SyncError } from '@sync/shared/errors'
import type { FlowCustomer } from '@sync/shared/flow/schema'
import type { Call } from '@sync/shared/http/call'
import type { OmniumClient, OmniumQuery } from '@sync/shared/omnium/client'
import type { OmniumCustomer, OmniumKind } from '@sync/shared/omnium/schema'
import { withoutRole } from '@sync/shared/without-role'
import { linkedUid, requireReadableProperties, uidProperty } from './sync-properties.ts'

/**
 * The Omnium counterpart of a Flow customer. That is the customer under the uid. Where Omnium uses e-mails or phones as ids, it is
 * the customer that `externalId` names, if the `<prefix>Uid` of that customer names this Flow customer.
 */
export async function findInOmnium(
  call: Call,
  kind: OmniumKind,
  { customerUid, externalId }: FlowCustomer,
  omnium: OmniumClient,
): Promise<OmniumCustomer | null> {
  const linked = async (id: string) => {
    const customer = await omnium.getCustomer(call, kind, id).catch(nullWhereRefused)
    if (customer !== null) requireReadableProperties(customer, call.tenant)
    return customer !== null && linkedUid(customer, call.tenant) === customerUid ? customer : null
  }
  const underUid = () => omnium.getCustomer(call, kind, customerUid)
  if (!externalId || externalId === customerUid) return underUid()
  // Such an Omnium answers for the uid with the other spelling, which counts as an answer about another customer.
  if (isSameButForCase(externalId, customerUid)) return (await linked(externalId)) ?? underUid()
  return (await underUid()) ?? (await linked(externalId)) ?? (await findByUid(call, kind, customerUid, omnium))
}

/** `externalId` may be the id of another system, which no path of Omnium takes. */
function nullWhereRefused(error: unknown): null {
  if (error instanceof SyncError && NOT_AN_ID_OF_OMNIUM.has(error.code)) return null
  throw error
}

const NOT_AN_ID_OF_OMNIUM: ReadonlySet<ErrorCode> = new Set(['target-refused', 'html-response', 'identity-mismatch'])

/**
 * Whether Omnium has a customer of this id as this kind. Without the role to read this kind by id, `Search` answers, so that new
 * customers of the other kind do not wait for the role. Throws SyncError `role-missing` if `Search` is refused too.
 */
export async function isInOmnium(call: Call, kind: OmniumKind, id: string, omnium: OmniumClient): Promise<boolean> {
  try {
    return (await omnium.getCustomer(call, kind, id)) !== null
  } catch (error) {
    if (!(error instanceof SyncError) || error.code !== 'role-missing') throw error
    const { result } = await omnium.searchCustomers(call, kind, { take: 1, page: 0, customerIds: [id] })
    return result.some(({ customerId }) => customerId === id)
  }
}

/** A customer as it was read. A search may show less than a by-id read. */
export interface ReadCustomer {
  readonly customer: OmniumCustomer
  readonly isFromSearch: boolean
}

/**
 * The counterpart of a Flow customer whose create Omnium refuses, although no by-id read finds the customer: under the uid, or
 * under an id that Omnium gave to an earlier create of ours.
 */
export async function findRefused(
  call: Call,
  kind: OmniumKind,
  { customerUid }: FlowCustomer,
  omnium: OmniumClient,
): Promise<ReadCustomer | null> {
  const listedIds = await search(call, kind, { take: 1, page: 0, customerIds: [customerUid] }, omnium)
  const listed = listedIds.find(({ customerId }) => customerId === customerUid)
  if (listed !== undefined) return { customer: listed, isFromSearch: true }
  const customer = await findByUid(call, kind, customerUid, omnium)
  return customer && { customer, isFromSearch: false }
}

/** The customer whose `<prefix>Uid` names this Flow customer, as a search finds the customer and a by-id read shows it. */
async function findByUid(
  call: Call,
  kind: OmniumKind,
  uid: string,
  omnium: OmniumClient,
): Promise<OmniumCustomer | null> {
  const { tenant } = call
  const properties = [uidProperty(uid, tenant)]
  const found = await search(call, kind, { take: 10, page: 0, properties }, omnium)
  // An Omnium that does not know the filter answers with everybody.
  const listed = found.find((customer) => linkedUid(customer, tenant) === uid)
  return listed === undefined ? null : omnium.getCustomer(call, kind, listed.customerId)
}

/** Without the role for a search, by-id reads have to do. */
async function search(
  call: Call,
  kind: OmniumKind,
  query: OmniumQuery,
  omnium: OmniumClient,
): Promise<readonly OmniumCustomer[]> {
  const { result } = await omnium.searchCustomers(call, kind, query).catch(withoutRole({ result: [] }))
  return result
}

/** Two ids that differ only in upper and lower case. */
export const isSameButForCase = (a: string, b: string): boolean => a !== b && a.toLowerCase() === b.toLowerCase()
