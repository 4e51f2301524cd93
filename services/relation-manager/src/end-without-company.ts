import { type Outcome, retry, skipped } from '@sync/shared/outcome'
import type { HandlerContext } from '@sync/shared/stream'
import { outcomeOrThrow } from './failed-write.ts'
import type { ObservedLead, ParentChangeDelivery } from './fold.ts'
import type { ChildLook } from './look-at-children.ts'
import type { Ports } from './ports.ts'
import { isCompanyInFlow, waitForCompany } from './wait-for-company.ts'
import { companyDelayMs } from './waits.ts'
import type { Outcomes } from './write-relations.ts'

/**
 * A company that was deleted, or is not there yet, has no entries to agree with; only a child that names it waits for it. A
 * record that ends here ends a change, so the absence of the company is proven first.
 */
export async function endWithoutCompany(
  observed: ObservedLead | null,
  looks: readonly ChildLook[],
  { call, now }: HandlerContext,
  { flow, omnium, parentWaitMs }: Ports,
): Promise<Outcomes> {
  const outcomes = new Map<ParentChangeDelivery, Outcome>()
  const waitedMs = ({ firstSeenAt }: ParentChangeDelivery) => now() - firstSeenAt
  const endAbsent = async (id: string): Promise<Outcome> => {
    await omnium.proveAbsent(call, 'B2B', id)
    return skipped('not-found')
  }
  if (observed !== null) {
    const { delivery } = observed
    // The company was there when its parent was observed, and whoever creates the company anew observes its parent again.
    const waited = waitedMs(delivery)
    const isOver = waited >= parentWaitMs
    const waits = retry('parent-missing', companyDelayMs(waited, parentWaitMs))
    outcomes.set(delivery, isOver ? await endAbsent(delivery.id).catch(outcomeOrThrow) : waits)
  }
  let asked: Promise<boolean> | undefined
  for (const { lead, present } of looks) {
    const { delivery } = lead
    const isInFlow = () => (asked ??= isCompanyInFlow(flow, call, delivery.id))
    const ended = present ? waitForCompany(waitedMs(delivery), parentWaitMs, isInFlow) : endAbsent(delivery.id)
    outcomes.set(delivery, await ended.catch(outcomeOrThrow))
  }
  return outcomes
}
