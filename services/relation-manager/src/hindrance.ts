import type { FlowClient } from '@sync/shared/flow/client'
import { parentUidOf } from '@sync/shared/flow/schema'
import type { Call } from '@sync/shared/http/call'
import { type Outcome, park, retry } from '@sync/shared/outcome'
import type { HandlerContext } from '@sync/shared/stream'
import { propertyPrefix } from '@sync/shared/tenants'
import { leadsTo } from './ancestors.ts'
import type { ParentChangeDelivery } from './fold.ts'
import type { Ports } from './ports.ts'
import { relationsOf } from './relations.ts'
import { isCompanyInFlow, waitForCompany } from './wait-for-company.ts'
import { companyDelayMs } from './waits.ts'

/**
 * Why a company can't get the parent `to` now; null when it can. A parent has to be there, and must not be below the
 * company. In Omnium it may be for a while (two companies change places); only Flow says whether it stays so.
 */
export async function hindranceOf(
  { id, firstSeenAt }: ParentChangeDelivery,
  to: string,
  { call, now }: HandlerContext,
  ports: Ports,
): Promise<Outcome | null> {
  const { flow, omnium, parentWaitMs } = ports
  if (to === id) return park('parent-cycle', 'writing a parent relation: Flow names the company as its own parent')
  const parent = await omnium.getCustomer(call, 'B2B', to)
  if (parent === null) {
    return waitForCompany(now() - firstSeenAt, parentWaitMs, () => isCompanyInFlow(flow, call, to))
  }

  const prefix = propertyPrefix(call.tenant)
  let isHidden = false
  const inOmnium = async (company: string) => {
    const customer = company === to ? parent : await omnium.getCustomer(call, 'B2B', company)
    if (customer === null) return []
    const { parents, hidden } = relationsOf(customer, prefix)
    isHidden ||= hidden.length > 0
    return parents
  }
  const isCycle = await leadsTo(id, [to], inOmnium)
  // The way up may go on in relations that can't be read: Flow alone knows then.
  if (!isCycle && !isHidden) return null

  // Read one after the other, while companies move, they may show a cycle that never was: what two looks show alike, was
  // there between them.
  const seen = await cycleInFlow(id, call, flow)
  if (seen !== null && seen === (await cycleInFlow(id, call, flow))) {
    return park('parent-cycle', 'writing a parent relation: the company is its own ancestor in Flow')
  }
  if (!isCycle) return null
  const waitedMs = now() - firstSeenAt
  if (waitedMs < parentWaitMs) return retry('parent-cycle-pending', companyDelayMs(waitedMs, parentWaitMs))
  return park('parent-cycle', 'writing a parent relation: the company is its own ancestor in Omnium, and stays so')
}

/** What Flow's companies say on the way up from `id` back to it, with their versions; null when it leads elsewhere. */
async function cycleInFlow(id: string, call: Call, flow: FlowClient): Promise<string | null> {
  const said: string[] = []
  const parentOf = async (company: string) => {
    const customer = await flow.getCustomer(call, company)
    const above = customer && parentUidOf(customer)
    said.push(JSON.stringify([company, above, customer?.lastModifiedAt]))
    return above ? [above] : []
  }
  return (await leadsTo(id, await parentOf(id), parentOf)) ? said.join() : null
}
