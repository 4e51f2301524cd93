import type { Publisher } from './kafka/publisher.ts'
import type { Delivery, HandlerContext } from './stream.ts'

export interface ReadAgain {
  /** Why, in one word with hyphens, for the person who looks at the record. */
  readonly reason: string
  /** ms since the epoch. */
  readonly notBefore: number
}

/**
 * Writes a record for the customer of `cause` to the customer-mapper's retry topic. The record names the customer
 * alone, because the handler of a record of the retry topic reads both peers.
 */
export async function askToReadAgain(
  { key, id, tenant, origin }: Pick<Delivery, 'key' | 'id' | 'tenant' | 'origin'>,
  { reason, notBefore }: ReadAgain,
  { call, now }: HandlerContext,
  publisher: Pick<Publisher, 'handOn'>,
): Promise<void> {
  const at = new Date(now()).toISOString()
  const value = {
    ...{ tenant: tenant.uid, id, version: null, fetchedAt: at, notifiedAt: at, repair: false },
    customer: { customerUid: id },
  }
  const traced = call.traceparent !== undefined && { traceparent: call.traceparent }
  const place = { why: 're-read' as const, partition: origin.partition, offset: origin.offset }
  const record = { key, value, ...traced, ...place, reason, notBefore }
  await publisher.handOn('customer-mapper', 'flow.customers.v1', record, call.fence)
}
