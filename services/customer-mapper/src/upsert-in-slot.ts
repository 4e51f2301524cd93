import type { FlowCustomer } from '@sync/shared/flow/schema'
import type { Call } from '@sync/shared/http/call'
import { isUnreadable } from '@sync/shared/http/reading'
import { arePropertiesHidden } from '@sync/shared/omnium/our-properties'
import type { ElementList } from '@sync/shared/omnium/raw-customer'
import type { OmniumCustomer, OmniumKind } from '@sync/shared/omnium/schema'
import { done, type Outcome, park, retry, skipped } from '@sync/shared/outcome'
import { FIRST_READ_AFTER_MS, untilNextRead } from '@sync/shared/read-again'
import type { Delivery, HandlerContext } from '@sync/shared/stream'
import type { Tenant } from '@sync/shared/tenants'
import { compareVersions } from '@sync/shared/version'
import { mayBeGone } from './classify.ts'
import { decideUpsert } from './decide.ts'
import { unreadableInOmnium } from './differences.ts'
import { effectOf } from './effect-of.ts'
import { findInOmnium, findRefused, isInOmnium, type ReadCustomer } from './find-in-omnium.ts'
import { keptElements, type OldInList } from './kept-elements.ts'
import type { Ports } from './ports.ts'
import { parkTaken } from './refused-creates.ts'
import { storedVersion } from './sync-properties.ts'
import { deleteContacts, type WriteDecision, writeDecision } from './write-decision.ts'
import { writePathDown } from './write-not-found.ts'

const LOOK_AGAIN_MS = 500
/** For a customer that appears (409) or disappears ("not found") between the read and the write, and for contacts that are removed. */
const MAX_ROUNDS = 3

export interface Upserted {
  readonly outcome: Outcome
  /** The Omnium customer as it was read last, before any write. */
  readonly before: OmniumCustomer | null
  /** The id of the counterpart in Omnium; null where none is known. */
  readonly omniumId: string | null
  /** Elements that our writes do not remove from Omnium's lists: the relation-manager is to be asked for an Update. */
  readonly kept: readonly OldInList[]
  /** Lists of which Omnium keeps an element also after that Update. */
  readonly notRemoved: readonly ElementList[]
  /** Names of what could not be read in a peer's answer to us. */
  readonly unreadable: readonly string[]
}

export const NOTHING_READ = { before: null, omniumId: null, kept: [], notRemoved: [], unreadable: [] } as const

export interface Upsert {
  readonly kind: OmniumKind
  readonly customer: FlowCustomer
  readonly delivery: Delivery<'flow.customers.v1'>
  /** Flow was read for this record. */
  readonly isFlowRead: boolean
}

/** Reads, decides and writes, within a slot of Omnium. `read-flow`: nothing was written, because Flow has to be read first. */
export async function upsertInSlot(
  wanted: Upsert,
  { call, now }: HandlerContext,
  ports: Ports,
): Promise<Upserted | 'read-flow'> {
  const { kind, customer, delivery, isFlowRead } = wanted
  const { omnium, written, pendingRemovals } = ports
  const refusedCreates = ports.refusedCreates.omnium
  const { tenant, key } = call
  let deleted: readonly OldInList[] = []
  for (let round = 1; round <= MAX_ROUNDS; round++) {
    const found = await read(wanted, call, now(), ports)
    const own = found?.customer ?? null
    const unreadable = own === null ? [] : unreadableInOmnium(customer, own, tenant)
    const end = (outcome: Outcome, kept: readonly OldInList[] = [], omniumId = own?.customerId ?? null): Upserted => {
      if (outcome.kind !== 'retry') refusedCreates.forget(key)
      return { outcome, before: own, omniumId, kept, notRemoved: [], unreadable }
    }
    // These records are there for a read that shows less than we wrote.
    const expectsLess = delivery.lane === 'verify' || delivery.lane === 're-read'
    const ours = expectsLess ? undefined : written.of(key, now())
    if (own !== null && ours !== undefined && compareVersions(storedVersion(own, tenant), ours) < 0) {
      return end(retry('read-behind', LOOK_AGAIN_MS))
    }
    const pending = pendingRemovals.of(key, now())
    if (own !== null && pending?.version === (customer.lastModifiedAt ?? '')) {
      const kept = keptElements(pending.old, own)
      const waitMs = untilNextRead(pending.writtenAtMs, now())
      if (kept.length > 0 && waitMs !== null) return end(retry('removal-pending', waitMs))
      pendingRemovals.forget(key)
      return end(done(pending.effect), kept)
    }
    if (!isFlowRead && (own === null ? mayBeGone(delivery, now()) : mayBeOverwritten(own, customer, tenant))) {
      return 'read-flow'
    }
    const otherKind = kind === 'B2C' ? 'B2B' : 'B2C'
    const otherKindExists = own === null && (await isInOmnium(call, otherKind, customer.customerUid, omnium))
    const state = { own, otherKindExists, isFromSearch: found?.isFromSearch ?? false, isDue: deleted.length > 0 }
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
    const contacts = decision.do === 'patch' ? decision.old.filter(isRemovedContact) : []
    if (contacts.length > 0 && deleted.length === 0) {
      deleted = contacts
      await deleteContacts(call, decision.body.customerId, contacts, ports)
      continue
    }

    const { write, left } = withoutLeft(decision, tenant)
    const sent = await writeDecision(kind, write, call, ports)
    if (sent.end === 'exists') refusedCreates.note(key, sent.answer, now())
    if (sent.end === 'not-found' && (await omnium.getCustomer(call, kind, write.body.customerId)) !== null) {
      throw writePathDown('omnium', call)
    }
    if (sent.end !== 'written') continue
    if (customer.lastModifiedAt) written.note(key, customer.lastModifiedAt, now())
    const operation = decision.do === 'create' ? 'created' : 'updated'
    const changed = [...new Set([...write.changed, ...deleted.map(({ list }) => list)])]
    const effect = effectOf(operation, 'omnium', changed, customer)
    if (delivery.lane === 're-read') {
      const notRemoved = [...new Set([...sent.kept, ...left].map(({ list }) => list))]
      return { ...end(done(effect), [], sent.omniumId), notRemoved }
    }
    if (sent.kept.length > 0) {
      const old = [...sent.kept, ...left]
      pendingRemovals.note(key, { version: customer.lastModifiedAt ?? '', old, effect, writtenAtMs: now() }, now())
      return end(retry('removal-pending', FIRST_READ_AFTER_MS))
    }
    return end(done(effect), [...sent.kept, ...left], sent.omniumId)
  }
  const message = 'upserting a customer in omnium: its reads and writes disagree'
  return { ...NOTHING_READ, outcome: retry('target-failed', undefined, message) }
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

/**
 * Whether we may have written a newer edit in Omnium over this one, or a newer version of Flow's may be there already, so that
 * this edit must not go there any more.
 */
function mayBeOverwritten(own: OmniumCustomer, { lastModifiedAt }: FlowCustomer, tenant: Tenant): boolean {
  if (arePropertiesHidden(own)) return true
  if (tenant.omniumCustomerEvents !== 'update') return false
  return isUnreadable(own, 'modified') || compareVersions(own.modified, lastModifiedAt) > 0
}

const isRemovedContact = ({ list, why }: OldInList): boolean => list === 'contacts' && why === 'removed'

/** With `listRemoval: update`, addresses that have to go are left to the Update of the relation-manager, and the list with them. */
function withoutLeft(
  decision: WriteDecision,
  tenant: Tenant,
): { readonly write: WriteDecision; readonly left: readonly OldInList[] } {
  if (decision.do !== 'patch' || tenant.omnium.listRemoval !== 'update') return { write: decision, left: [] }
  const left = decision.old.filter(({ list }) => list === 'addresses')
  if (left.length === 0) return { write: decision, left }
  const { addresses: _left, ...body } = decision.body
  const changed = decision.changed.filter((name) => name !== 'addresses')
  const old = decision.old.filter(({ list }) => list !== 'addresses')
  return { write: { do: 'patch', body: { ...body, customerId: decision.body.customerId }, changed, old }, left }
}
