import { classifyFailure, type ErrorCode, SyncError } from '@sync/shared/errors'
import { outcomeOf } from '@sync/shared/failure-outcome'
import type { OmniumCustomer } from '@sync/shared/omnium/schema'
import { done, type Outcome, retry, skipped } from '@sync/shared/outcome'
import type { HandlerContext } from '@sync/shared/stream'
import { propertyPrefix } from '@sync/shared/tenants'
import type { ObservedLead, ParentChangeDelivery } from './fold.ts'
import type { ChildLook } from './look-at-children.ts'
import type { AnnouncedChange } from './observe-parent.ts'
import { maxAnnouncementAgeMs, type Ports } from './ports.ts'
import { patchFor, type RelationPatch } from './relations.ts'
import type { UnsettledWrites } from './unsettled.ts'
import { companyDelayMs } from './waits.ts'

export type Outcomes = ReadonlyMap<ParentChangeDelivery, Outcome>

/** What one look at a company wants written, and for which records. */
export interface WritePlan {
  readonly company: OmniumCustomer
  readonly observed: { readonly lead: ObservedLead; readonly change: AnnouncedChange } | null
  readonly looks: readonly ChildLook[]
}

/**
 * - `outlived`: the announcement had grown too old when the write's turn came; nothing was sent, look again
 * - `refused-together`: a write for the company's parent and its children was refused; either may be why
 */
export type NotWritten = 'outlived' | 'refused-together'

export const outcomeForAll = (deliveries: readonly ParentChangeDelivery[], outcome: Outcome): Outcomes =>
  new Map(deliveries.map((delivery) => [delivery, outcome]))

/** The outcome of a failure; throws it when it means that the key is not ours any more. */
export function outcomeOrThrow(error: unknown): Outcome {
  const outcome = outcomeOf(error)
  if (outcome === null) throw error
  return outcome
}

/** Makes the company say what the plan wants, in at most one request. */
export async function writeRelations(
  plan: WritePlan,
  { call, now }: HandlerContext,
  ports: Ports,
  unsettled: UnsettledWrites,
): Promise<Outcomes | NotWritten> {
  const { company, observed, looks } = plan
  const deliveries = [...(observed === null ? [] : [observed.lead.delivery]), ...looks.map(({ lead }) => lead.delivery)]
  const children = new Map(looks.map(({ lead, present }) => [lead.value.child, present]))
  const change = observed === null ? { children } : { parent: observed.change.parent, children }
  const patch = patchFor(company, change, propertyPrefix(call.tenant))
  if (patch === null) return outcomeForAll(deliveries, skipped('unchanged'))

  let outlived = false
  const fence = () => {
    call.fence()
    outlived = observed !== null && now() - observed.change.announcedAt > maxAnnouncementAgeMs(ports)
    if (outlived) throw new SyncError('fenced', 'writing relations in omnium: the announcement is too old')
  }
  const body = { ...patch.fields, customerId: company.customerId }
  try {
    const answer = await ports.omnium.patchCustomer({ ...call, fence }, 'B2B', body)
    if (answer === 'updated') return outcomesOfWrite(plan, patch)
    return outcomeForAll(deliveries, retry('parent-missing', companyDelayMs(0, ports.parentWaitMs)))
  } catch (error) {
    if (outlived) return 'outlived'
    const mayStillHappen = error instanceof SyncError && error.unknownEnd
    const heldMs = mayStillHappen ? 2 * ports.requestDeadlineMs : 0
    if (mayHaveTakenEffect(error)) {
      const announcements = observed?.change.announcements ?? []
      unsettled.add(call.key, { heldUntil: now() + heldMs, announcements })
    }
    if (classifyFailure(error) === 'park' && observed !== null && looks.length > 0) return 'refused-together'
    return outcomeForAll(deliveries, notBefore(outcomeOrThrow(error), heldMs))
  }
}

function outcomesOfWrite({ observed, looks }: WritePlan, patch: RelationPatch): Outcomes {
  const outcomes = new Map<ParentChangeDelivery, Outcome>()
  const updated = (changed: readonly string[], version: string) =>
    done({ operation: 'updated', target: 'omnium', changed, version })
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

const ANSWERED_BUT_UNCLEAR: ReadonlySet<ErrorCode> = new Set([
  'target-timeout',
  'target-reset',
  'target-failed',
  'target-answer-invalid',
])
const mayHaveTakenEffect = (error: unknown): boolean =>
  !(error instanceof SyncError) || error.unknownEnd || ANSWERED_BUT_UNCLEAR.has(error.code)

const notBefore = (outcome: Outcome, ms: number): Outcome =>
  outcome.kind === 'retry' && ms > 0 ? { ...outcome, afterMs: Math.max(outcome.afterMs ?? 0, ms) } : outcome
