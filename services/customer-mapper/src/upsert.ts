import type { FlowCustomer } from '@sync/shared/flow/schema'
import type { Call } from '@sync/shared/http/call'
import type { OmniumClient } from '@sync/shared/omnium/client'
import type { OmniumCustomer, OmniumKind } from '@sync/shared/omnium/schema'
import { done, type Outcome, park, retry, skipped } from '@sync/shared/outcome'
import type { Delivery, HandlerContext } from '@sync/shared/stream'
import type { Tenant } from '@sync/shared/tenants'
import { compareVersions } from '@sync/shared/version'
import { looksAgain, mayBeGone } from './classify.ts'
import { decideUpsert } from './decide.ts'
import { effectOf } from './effect-of.ts'
import { findInOmnium, findRefused, type ReadCustomer } from './find-in-omnium.ts'
import { asFlowStands } from './newest-of.ts'
import type { Ports } from './ports.ts'
import { parkTaken } from './refused-creates.ts'
import { sendDecision } from './send-decision.ts'
import { storedVersion } from './sync-properties.ts'
import { absentInFlow, onceProven } from './unproven.ts'
import { writePathDown } from './write-not-found.ts'

const LOOK_AGAIN_MS = 500

export interface Upserted {
  readonly outcome: Outcome
  /** The Omnium customer as it was read last, before any write. */
  readonly before: OmniumCustomer | null
  /** The id of the counterpart in Omnium; null where none is known. */
  readonly omniumId: string | null
}

interface Upsert {
  readonly kind: OmniumKind
  readonly customer: FlowCustomer
  readonly delivery: Delivery<'flow.customers.v1'>
  /** Flow was read for this record. */
  readonly isFlowRead: boolean
}

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
  const { call } = context
  const isFlowRead = looksAgain(delivery)
  const first = await inSlot({ kind, customer, delivery, isFlowRead }, context, ports)
  if (first !== 'read-flow') return first
  const current = await asFlowStands(customer.customerUid, customer, call, ports.flow)
  if (current === null) {
    const outcome = await onceProven(absentInFlow(customer.customerUid, skipped('deleted')), call, ports)
    return { outcome, before: null, omniumId: null }
  }
  const second = await inSlot({ kind, customer: current, delivery, isFlowRead: true }, context, ports)
  if (second === 'read-flow') throw new Error('flow was read, and is to be read again')
  return second
}

const inSlot = (wanted: Upsert, context: HandlerContext, ports: Ports): Promise<Upserted | 'read-flow'> =>
  ports.omnium.inSlot(readingLinked(context.call, wanted.customer), (call) =>
    decideAndWrite(wanted, { ...context, call }, ports),
  )

async function decideAndWrite(
  wanted: Upsert,
  { call, now }: HandlerContext,
  ports: Ports,
): Promise<Upserted | 'read-flow'> {
  const { kind, customer, delivery, isFlowRead } = wanted
  const { omnium, written } = ports
  const refusedCreates = ports.refusedCreates.omnium
  const { tenant, key } = call
  // The second round is for a customer that appeared (409) or disappeared ("not found") between the read and the write.
  for (let round = 1; round <= 2; round++) {
    const found = await read(wanted, call, now(), ports)
    const own = found?.customer ?? null
    const end = (outcome: Outcome, omniumId = own?.customerId ?? null): Upserted => {
      if (outcome.kind !== 'retry') refusedCreates.forget(key)
      return { outcome, before: own, omniumId }
    }
    // A verify record is there for a read that shows less than we wrote.
    const ours = delivery.lane === 'verify' ? undefined : written.of(key, now())
    if (own !== null && ours !== undefined && compareVersions(storedVersion(own, tenant), ours) < 0) {
      return end(retry('read-behind', LOOK_AGAIN_MS))
    }
    if (!isFlowRead && (own === null ? mayBeGone(delivery, now()) : mayBeOverwritten(own, customer, tenant))) {
      return 'read-flow'
    }
    const otherKind = kind === 'B2C' ? 'B2B' : 'B2C'
    const otherKindExists = own === null && (await omnium.getCustomer(call, otherKind, customer.customerUid)) !== null
    const state = { own, otherKindExists, isFromSearch: found?.isFromSearch ?? false }
    const decision = decideUpsert(kind, customer, state, tenant)
    if (decision.do === 'conflict') {
      return end(park('customer-type-conflict', 'upserting a customer in omnium: exists there as the other kind'))
    }
    if (decision.do === 'nothing') return end(skipped(decision.reason, customer.lastModifiedAt ?? undefined))
    const answer = refusedCreates.answerOf(key, now())
    if (decision.do === 'create' && answer !== undefined) {
      const waitMs = refusedCreates.untilNextRead(key, now())
      return end(waitMs === null ? parkTaken('omnium', answer) : retry('read-behind', waitMs))
    }

    const sent = await sendDecision(kind, decision, call, omnium)
    if (sent.end === 'written') {
      if (customer.lastModifiedAt) written.note(key, customer.lastModifiedAt, now())
      const operation = decision.do === 'create' ? 'created' : 'updated'
      return end(done(effectOf(operation, 'omnium', decision.changed, customer)), sent.omniumId)
    }
    if (sent.end === 'exists') refusedCreates.note(key, sent.answer, now())
    else if (await isStillThere(kind, decision.body.customerId, call, omnium)) throw writePathDown('omnium', call)
  }
  const message = 'upserting a customer in omnium: its reads and writes disagree'
  return { outcome: retry('target-failed', undefined, message), before: null, omniumId: null }
}

/** The counterpart. One whose create was answered 409 is also searched for. */
async function read(
  { kind, customer }: Upsert,
  call: Call,
  nowMs: number,
  { omnium, refusedCreates }: Ports,
): Promise<ReadCustomer | null> {
  const found = await findInOmnium(call, kind, customer, omnium)
  if (found !== null) return { customer: found, isFromSearch: false }
  const isRefused = refusedCreates.omnium.answerOf(call.key, nowMs) !== undefined
  return isRefused ? findRefused(call, kind, customer, omnium) : null
}

/** We have linked this customer, so a "not found" answer counts for the absence guard. Another id may be another system's. */
const readingLinked = (call: Call, { customerUid, externalId }: FlowCustomer): Call =>
  externalId === customerUid ? { ...call, absence: { known: true } } : call

const isStillThere = async (kind: OmniumKind, id: string, call: Call, omnium: OmniumClient): Promise<boolean> =>
  (await omnium.getCustomer(call, kind, id)) !== null

/** Whether we may have written a newer edit in Omnium over this one, which must not go there any more then. */
const mayBeOverwritten = (own: OmniumCustomer, { lastModifiedAt }: FlowCustomer, tenant: Tenant): boolean =>
  tenant.omniumCustomerEvents === 'update' && compareVersions(own.modified, lastModifiedAt) > 0
