import type { OmniumCustomer } from '@sync/shared/omnium/schema'
import { type Outcome, retry, skipped } from '@sync/shared/outcome'
import type { HandlerContext } from '@sync/shared/stream'
import { fold, type ObservedLead, type ParentChangeDelivery } from './fold.ts'
import { type ChildLook, lookAtChildren } from './look-at-children.ts'
import { observeParent } from './observe-parent.ts'
import type { Ports } from './ports.ts'
import type { UnsettledWrites } from './unsettled.ts'
import { isCompanyInFlow, waitForCompany } from './wait-for-company.ts'
import { companyDelayMs } from './waits.ts'
import { type NotWritten, type Outcomes, outcomeForAll, outcomeOrThrow, writeRelations } from './write-relations.ts'

const MAX_ROUNDS = 3

/**
 * Handles a company's pending records with one read of it and at most one write that carries both its parent and its
 * sub-departments. Answers an outcome for each record; throws what means that the key is not ours any more.
 */
export async function handleParentChange(
  deliveries: readonly ParentChangeDelivery[],
  context: HandlerContext,
  ports: Ports,
  unsettled: UnsettledWrites,
): Promise<Outcomes> {
  for (let round = 0; round < MAX_ROUNDS; round++) {
    const result = await lookAndWrite(deliveries, context, ports, unsettled)
    if (result === 'outlived') continue
    if (result !== 'refused-together') return result
    const outcomes: [ParentChangeDelivery, Outcome][] = []
    for (const ofChildren of [true, false]) {
      const part = deliveries.filter(({ value }) => (value?.type === 'child-changed') === ofChildren)
      outcomes.push(...(await handleParentChange(part, context, ports, unsettled)))
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
  unsettled: UnsettledWrites,
): Promise<Outcomes | NotWritten> {
  const { call, now } = context
  const heldMs = unsettled.heldMs(call.key, now())
  if (heldMs > 0) return outcomeForAll(deliveries, retry('child-pending', heldMs))
  // Before anything else is decided: if that write took effect late, its announcements may have been looked at too early.
  const repeated = unsettled.announcements(call.key)
  if (repeated.length > 0) await ports.publisher.publish('company.parent-changes.v1', repeated, call.fence)
  unsettled.forget(call.key)

  const { observed, children } = fold(deliveries)
  const { looks, ends } = await lookAtChildren(children, context, ports)
  if (observed === null && looks.length === 0) return ends

  const written = await writeLooked(observed, looks, context, ports, unsettled)
  if (typeof written === 'string') return written
  return new Map([...ends, ...written, ...(observed === null ? [] : endsOfOlder(observed, written))])
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
  unsettled: UnsettledWrites,
): Promise<Outcomes | NotWritten> {
  const { call } = context
  const open = [...(observed === null ? [] : [observed.delivery]), ...looks.map(({ lead }) => lead.delivery)]
  let company: OmniumCustomer | null
  try {
    company = await ports.omnium.getCustomer(call, 'B2B', open[0]!.id)
  } catch (error) {
    return outcomeForAll(open, outcomeOrThrow(error))
  }
  if (company === null) return endWithoutCompany(observed, looks, context, ports)

  const change = observed && (await observeParent(observed, company, context, ports).catch(outcomeOrThrow))
  if (observed === null || change === null) {
    return writeRelations({ company, observed: null, looks }, context, ports, unsettled)
  }
  if (change.kind === 'announced') {
    return writeRelations({ company, observed: { lead: observed, change }, looks }, context, ports, unsettled)
  }
  const written = await writeRelations({ company, observed: null, looks }, context, ports, unsettled)
  return typeof written === 'string' ? written : new Map([...written, [observed.delivery, change]])
}

/** A company that was deleted, or is not there yet, has no entries to agree with; only a child that names it waits for it. */
async function endWithoutCompany(
  observed: ObservedLead | null,
  looks: readonly ChildLook[],
  { call, now }: HandlerContext,
  { flow, parentWaitMs }: Ports,
): Promise<Outcomes> {
  const outcomes = new Map<ParentChangeDelivery, Outcome>()
  const waitedMs = ({ firstSeenAt }: ParentChangeDelivery) => now() - firstSeenAt
  if (observed !== null) {
    // It was there when its parent was observed, and whoever creates it anew observes its parent again.
    const waited = waitedMs(observed.delivery)
    const isOver = waited >= parentWaitMs
    outcomes.set(
      observed.delivery,
      isOver ? skipped('not-found') : retry('parent-missing', companyDelayMs(waited, parentWaitMs)),
    )
  }
  let asked: Promise<boolean> | undefined
  for (const { lead, present } of looks) {
    const isInFlow = () => (asked ??= isCompanyInFlow(flow, call, lead.delivery.id))
    const wait = () => waitForCompany(waitedMs(lead.delivery), parentWaitMs, isInFlow).catch(outcomeOrThrow)
    outcomes.set(lead.delivery, present ? await wait() : skipped('not-found'))
  }
  return outcomes
}
