import { type Outcome, retry, skipped } from '@sync/shared/outcome'
import type { HandlerContext } from '@sync/shared/stream'
import { propertyPrefix } from '@sync/shared/tenants'
import { endWithoutCompany } from './end-without-company.ts'
import { outcomeOrThrow } from './failed-write.ts'
import { fold, type ObservedLead, type ParentChangeDelivery } from './fold.ts'
import { type ChildLook, lookAtChildren } from './look-at-children.ts'
import { type AnnouncedChange, isStillAnnounced, observeParent } from './observe-parent.ts'
import type { Ports } from './ports.ts'
import { relationsOf } from './relations.ts'
import { removeElement } from './remove-element.ts'
import type { State } from './state.ts'
import { unreadable } from './unreadable.ts'
import { type NotWritten, type Outcomes, outcomeForAll, unchanged, writeRelations } from './write-relations.ts'

const MAX_ROUNDS = 3

/**
 * Handles a company's pending records: one write carries both its parent and its sub-departments, and each element that Omnium
 * has kept is removed by an Update. Answers an outcome for each record; throws what means that the key is not ours any more.
 */
export async function handleParentChange(
  deliveries: readonly ParentChangeDelivery[],
  context: HandlerContext,
  ports: Ports,
  state: State,
): Promise<Outcomes> {
  for (let round = 0; round < MAX_ROUNDS; round++) {
    const result = await lookAndWrite(deliveries, context, ports, state)
    if (result === 'announcement-expired') continue
    if (result !== 'refused-together') return result
    const outcomes: [ParentChangeDelivery, Outcome][] = []
    for (const ofChildren of [true, false]) {
      const part = deliveries.filter(({ value }) => (value?.type === 'child-changed') === ofChildren)
      outcomes.push(...(await handleParentChange(part, context, ports, state)))
    }
    return new Map(outcomes)
  }
  const why = 'writing relations in omnium: announcements grow too old before the request is sent'
  return outcomeForAll(deliveries, retry('target-unavailable', undefined, why))
}

async function lookAndWrite(
  deliveries: readonly ParentChangeDelivery[],
  context: HandlerContext,
  ports: Ports,
  state: State,
): Promise<Outcomes | Exclude<NotWritten, 'no-company'>> {
  const { call, now } = context
  const { unsettled } = state
  const heldMs = unsettled.heldMs(call.key, now())
  if (heldMs > 0) return outcomeForAll(deliveries, retry('child-pending', heldMs))
  // Before anything else is decided: if that write took effect late, its announcements may have been looked at too early.
  const repeated = unsettled.announcements(call.key)
  if (repeated.length > 0) await ports.publisher.publish('company.parent-changes.v1', repeated, call.fence)
  unsettled.forget(call.key)

  const { observed, children, elements } = fold(deliveries)
  const { looks, ends } = await lookAtChildren(children, context, ports)
  const written = await writeLooked(observed, looks, context, ports, state)
  if (typeof written === 'string') return written
  const outcomes = new Map([...ends, ...written, ...(observed === null ? [] : endsOfOlder(observed, written))])
  for (const element of elements) {
    outcomes.set(element.delivery, await removeElement(element, context, ports, state).catch(outcomeOrThrow))
  }
  return outcomes
}

function endsOfOlder({ delivery, older }: ObservedLead, outcomes: Outcomes): Outcomes {
  const newest = outcomes.get(delivery)!
  const endedWell = newest.kind === 'done' || newest.kind === 'skipped'
  return outcomeForAll(older, endedWell ? skipped('superseded') : newest)
}

async function writeLooked(
  observed: ObservedLead | null,
  looks: readonly ChildLook[],
  context: HandlerContext,
  ports: Ports,
  state: State,
): Promise<Outcomes | Exclude<NotWritten, 'no-company'>> {
  const change = observed === null ? null : await decideParent(observed, context, ports)
  if (observed === null || change === null) return writeInSlot(null, looks, context, ports, state)
  if (change === 'no-company') return endWithoutCompany(observed, looks, context, ports)
  if (change.kind === 'announced') return writeInSlot({ lead: observed, change }, looks, context, ports, state)
  const isUnchanged = change.kind === 'skipped' && change.reason === 'unchanged'
  const outcome = isUnchanged ? unchanged(observed.delivery, state, change) : change
  const written = await writeInSlot(null, looks, context, ports, state)
  return typeof written === 'string' ? written : new Map([...written, [observed.delivery, outcome]])
}

/** Outside of any slot: what is decided here may need Flow, and announces. */
async function decideParent(
  observed: ObservedLead,
  context: HandlerContext,
  ports: Ports,
): Promise<Outcome | AnnouncedChange | 'no-company'> {
  try {
    const company = await ports.omnium.getCustomer(context.call, 'B2B', observed.delivery.id)
    return company === null ? 'no-company' : await observeParent(observed, company, context, ports)
  } catch (error) {
    return outcomeOrThrow(error)
  }
}

/** One slot covers the read of the company that decides, and the write. */
async function writeInSlot(
  observed: { readonly lead: ObservedLead; readonly change: AnnouncedChange } | null,
  looks: readonly ChildLook[],
  context: HandlerContext,
  ports: Ports,
  state: State,
): Promise<Outcomes | Exclude<NotWritten, 'no-company'>> {
  const deliveries = [...(observed === null ? [] : [observed.lead.delivery]), ...looks.map(({ lead }) => lead.delivery)]
  const [first] = deliveries
  if (first === undefined) {
    state.removals.finish(context.call.key)
    return new Map()
  }
  const result = await ports.omnium
    .inSlot(context.call, async (call) => {
      const company = await ports.omnium.getCustomer(call, 'B2B', first.id)
      if (company === null) return 'no-company' as const
      const { hidden } = relationsOf(company, propertyPrefix(call.tenant))
      if (hidden.length > 0) return outcomeForAll(deliveries, unreadable('writing relations', hidden))
      if (observed !== null && !isStillAnnounced(observed.change, company, call.tenant)) {
        return 'announcement-expired' as const
      }
      return writeRelations({ company, observed, looks }, { ...context, call }, ports, state)
    })
    .catch((error: unknown) => outcomeForAll(deliveries, outcomeOrThrow(error)))
  if (result !== 'no-company') return result
  return endWithoutCompany(observed?.lead ?? null, looks, context, ports)
}
