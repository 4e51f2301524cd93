import { classifyFailure, SyncError } from '@sync/shared/errors'
import { fieldOf, listOf } from '@sync/shared/omnium/raw-customer'
import type { OmniumCustomer } from '@sync/shared/omnium/schema'
import { done, type Outcome, retry, skipped, withNotes } from '@sync/shared/outcome'
import type { HandlerContext } from '@sync/shared/stream'
import { propertyPrefix } from '@sync/shared/tenants'
import { outcomeOfFailedWrite, outcomeOrThrow } from './failed-write.ts'
import type { ObservedLead, ParentChangeDelivery } from './fold.ts'
import type { ChildLook } from './look-at-children.ts'
import type { AnnouncedChange } from './observe-parent.ts'
import { maxAnnouncementAgeMs, type Ports } from './ports.ts'
import { patchFor, type RelationPatch, relationsOf } from './relations.ts'
import { placeOf, type RemovalStep } from './removals.ts'
import type { State } from './state.ts'
import { unreadable } from './unreadable.ts'
import { unsendableIn, updateCompany } from './update-company.ts'

export type Outcomes = ReadonlyMap<ParentChangeDelivery, Outcome>

/** What one look at a company wants written, and for which records. */
export interface WritePlan {
  readonly company: OmniumCustomer
  readonly observed: { readonly lead: ObservedLead; readonly change: AnnouncedChange } | null
  readonly looks: readonly ChildLook[]
}

/**
 * - `announcement-expired`: the announcement had grown too old when the write's turn came; nothing was sent, look again
 * - `refused-together`: a write for the company's parent and its children was refused; either may be why
 * - `no-company`: the company does not exist any more
 */
export type NotWritten = 'announcement-expired' | 'refused-together' | 'no-company'

export const outcomeForAll = (deliveries: readonly ParentChangeDelivery[], outcome: Outcome): Outcomes =>
  new Map(deliveries.map((delivery) => [delivery, outcome]))

const deliveriesOf = ({ observed, looks }: WritePlan): ParentChangeDelivery[] => [
  ...(observed === null ? [] : [observed.lead.delivery]),
  ...looks.map(({ lead }) => lead.delivery),
]

/** Makes the company say what the plan wants, in at most one write. The call holds the slot of Omnium. */
export async function writeRelations(
  plan: WritePlan,
  context: HandlerContext,
  ports: Ports,
  state: State,
): Promise<Outcomes | NotWritten> {
  const { call, now } = context
  const patch = patchOf(plan, plan.company, context)
  if (patch === null) {
    const outcomes = new Map(deliveriesOf(plan).map((it) => [it, unchanged(it, state)]))
    state.removals.finish(call.key)
    return outcomes
  }
  if (!patch.isSendable) {
    return outcomeForAll(deliveriesOf(plan), unreadable('writing relations', ['customerRelations']))
  }
  state.removals.begin(call.key, deliveriesOf(plan).map(placeOf))
  const wanted = patch.removes ? state.removals.stepOf(call.key, call.tenant, now()) : 'patch'
  const unsendable = wanted === 'update' ? unsendableIn(plan.company, call.tenant) : []
  // An Update would clear, or send back, what can't be read. A PATCH that merges the relations leaves the old one there.
  const step = unsendable.length > 0 ? 'give-up' : wanted
  const failed = await send(plan, patch, step, context, ports, state)
  if (failed !== null) return failed
  state.conflicts.forget(call.key)
  const outcomes = outcomesOfWrite(plan, patch, unsendable)
  return patch.removes ? afterRemoval(plan, step, outcomes, context, ports, state) : outcomes
}

function patchOf({ observed, looks }: WritePlan, company: OmniumCustomer, { call }: HandlerContext) {
  const children = new Map(looks.map(({ lead, present }) => [lead.value.child, present]))
  const change = observed === null ? { children } : { parent: observed.change.parent, children }
  return patchFor(company, change, propertyPrefix(call.tenant))
}

/** null: the write was answered. */
async function send(
  plan: WritePlan,
  patch: RelationPatch,
  step: RemovalStep,
  { call, now }: HandlerContext,
  ports: Ports,
  state: State,
): Promise<Outcomes | NotWritten | null> {
  const { company, observed, looks } = plan
  let isExpired = false
  const fence = () => {
    call.fence()
    isExpired = observed !== null && now() - observed.change.announcedAt > maxAnnouncementAgeMs(ports)
    if (isExpired) throw new SyncError('fenced', 'writing relations in omnium: the announcement is too old')
  }
  const fenced = { ...call, fence }
  const patchCompany = patch.removes ? state.patchWholeLists : ports.omnium.patchCustomer
  try {
    const end =
      step === 'update'
        ? await updateCompany(company, laidOver(company, patch), deliveriesOf(plan)[0]!, { call: fenced, now }, ports)
        : await patchCompany(fenced, 'B2B', { ...patch.fields, customerId: company.customerId })
    return end === 'updated' ? null : 'no-company'
  } catch (error) {
    if (isExpired) return 'announcement-expired'
    if (classifyFailure(error) === 'park' && observed !== null && looks.length > 0) return 'refused-together'
    const announcements = observed?.change.announcements ?? []
    return outcomeForAll(deliveriesOf(plan), outcomeOfFailedWrite(error, call.key, announcements, now(), ports, state))
  }
}

/** What a patch sets, as the full model holds it: properties that the patch does not name stay. */
function laidOver(company: OmniumCustomer, { fields }: RelationPatch): Record<string, unknown> {
  const keys = new Set(fields.properties?.map(({ key }) => key))
  const kept = listOf(company, 'properties').filter((property) => !keys.has(fieldOf(property, 'key')))
  return { ...fields, properties: [...kept, ...(fields.properties ?? [])] }
}

/** Reads the company back: the records whose relation is still there wait for the next read. */
async function afterRemoval(
  plan: WritePlan,
  step: RemovalStep,
  outcomes: Outcomes,
  context: HandlerContext,
  { omnium }: Ports,
  { removals }: State,
): Promise<Outcomes> {
  const { call, now } = context
  const company = await omnium.getCustomer(call, 'B2B', plan.company.customerId).catch(outcomeOrThrow)
  const isRead = company === null || !('kind' in company)
  const remaining = isRead ? remainingOf(plan, company, context) : deliveriesOf(plan)
  if (remaining.length === 0) {
    removals.finish(call.key)
    return outcomes
  }
  if (step === 'give-up') {
    removals.finish(call.key)
    const named = remaining.map(
      (it) => [it, withNotes(outcomes.get(it)!, { notRemoved: ['customerRelations'] })] as const,
    )
    return new Map([...outcomes, ...named])
  }
  const written = new Map(remaining.map((it) => [placeOf(it), outcomes.get(it)!]))
  const waitMs = removals.awaitRead(call.key, step, written, now())
  return new Map([...outcomes, ...outcomeForAll(remaining, retry('removal-pending', waitMs))])
}

/** The records whose part of the plan a company does not say yet because it holds a relation that was removed. */
function remainingOf(plan: WritePlan, company: OmniumCustomer | null, context: HandlerContext): ParentChangeDelivery[] {
  if (company === null) return []
  if (relationsOf(company, propertyPrefix(context.call.tenant)).hidden.length > 0) return deliveriesOf(plan)
  const removes = (part: WritePlan) => patchOf(part, company, context)?.removes === true
  const { observed, looks } = plan
  return [
    ...(observed !== null && removes({ ...plan, looks: [] }) ? [observed.lead.delivery] : []),
    ...looks.filter((look) => removes({ ...plan, observed: null, looks: [look] })).map(({ lead }) => lead.delivery),
  ]
}

function outcomesOfWrite(
  { observed, looks }: WritePlan,
  patch: RelationPatch,
  unreadable: readonly string[],
): Outcomes {
  const outcomes = new Map<ParentChangeDelivery, Outcome>()
  const updated = (changed: readonly string[], version: string) =>
    withNotes(done({ operation: 'updated', target: 'omnium', changed, version }), { unreadable })
  if (observed !== null) {
    outcomes.set(observed.lead.delivery, updated(patch.changedByParent, observed.change.parent.version))
  }
  for (const { lead } of looks) {
    const changed = patch.changedByChildren.filter(
      (field) => field !== 'customerRelations' || patch.children.has(lead.value.child),
    )
    outcomes.set(lead.delivery, changed.length > 0 ? updated(changed, lead.value.version) : skipped('unchanged'))
  }
  return outcomes
}

/** How a record ends when the company says what the record wants: as it was written, if a read was waited for. */
export const unchanged = (
  delivery: ParentChangeDelivery,
  { removals }: State,
  otherwise: Outcome = skipped('unchanged'),
): Outcome => removals.outcomeOf(delivery.key, placeOf(delivery)) ?? otherwise
