import { outcomeOf } from '@sync/shared/failure-outcome'
import type { OmniumCustomer } from '@sync/shared/omnium/schema'
import { type Outcome, retry } from '@sync/shared/outcome'
import type { HandlerContext } from '@sync/shared/stream'
import { propertyPrefix } from '@sync/shared/tenants'
import { concurrently } from './concurrently.ts'
import { type ChildLead, isChildOf, isPending, type ParentChangeDelivery } from './fold.ts'
import type { Ports } from './ports.ts'
import { relationsOf } from './relations.ts'
import { unreadable } from './unreadable.ts'
import { childDelayMs } from './waits.ts'

const CHILDREN_AT_ONCE = 10

/** A child's announcement, and whether its parent has to hold an entry for it. */
export interface ChildLook {
  readonly lead: ChildLead
  readonly present: boolean
}

/** When a child was asked for, and what came of it. */
type Answer = { readonly askedAt: number } & (
  | { readonly customer: OmniumCustomer | null }
  | { readonly failure: Outcome }
)

/**
 * Reads each announced child once. Those that can't be read, or whose own write is waited for, get their outcome here
 * and hold up nobody else. Throws what means that the key is not ours any more.
 */
export async function lookAtChildren(
  leads: readonly ChildLead[],
  { call, now }: HandlerContext,
  { omnium, parentConfirmMs }: Ports,
): Promise<{
  readonly looks: readonly ChildLook[]
  readonly ends: ReadonlyMap<ParentChangeDelivery, Outcome>
}> {
  const ask = async (child: string): Promise<[string, Answer]> => {
    const askedAt = now()
    try {
      const customer = await omnium.getCustomer(call, 'B2B', child)
      // The parent loses its entry for a child that does not exist, so the absence is proven first.
      if (customer === null) await omnium.proveAbsent(call, 'B2B', child, { known: true })
      return [child, { askedAt, customer }]
    } catch (error) {
      const failure = outcomeOf(error)
      if (failure === null) throw error
      return [child, { askedAt, failure }]
    }
  }
  const children = [...new Set(leads.map(({ value }) => value.child))]
  const answers = new Map(await concurrently(children, CHILDREN_AT_ONCE, ask))

  const looks: ChildLook[] = []
  const ends = new Map<ParentChangeDelivery, Outcome>()
  const prefix = propertyPrefix(call.tenant)
  for (const lead of leads) {
    const { value, delivery } = lead
    const answer = answers.get(value.child)!
    if ('failure' in answer) {
      ends.set(delivery, answer.failure)
      continue
    }
    const hidden = answer.customer === null ? [] : relationsOf(answer.customer, prefix).hidden
    if (hidden.length > 0) {
      ends.set(delivery, unreadable('reading the relations of a child', hidden))
      continue
    }
    // From before the read: by now the announced write may have come after it, and nobody would look again.
    const waitedMs = answer.askedAt - delivery.firstSeenAt
    if (isPending(answer.customer, value, prefix) && waitedMs < parentConfirmMs) {
      ends.set(delivery, retry('child-pending', childDelayMs(waitedMs, parentConfirmMs)))
    } else {
      looks.push({ lead, present: isChildOf(answer.customer, delivery.id, prefix) })
    }
  }
  return { looks, ends }
}
