import type { Target } from '../errors.ts'
import type { ServiceName } from '../kafka/topics.ts'
import type { Tenant } from '../tenants.ts'

/** Whoever sends requests to the peers. */
export type Sender = ServiceName | 'syncctl'
export type Shares = Readonly<Record<Target, number>>

/**
 * The part of a tenant's limits that each sender takes unless its environment says otherwise. The shares of those who call
 * a target add up to 1: of 16 slots in Omnium they make 9, 3, 3 and 1, of 10 slots in Flow 4, 3, 2 and 1. A service that
 * never calls a target has a nominal share there.
 */
export const DEFAULT_SHARES: Readonly<Record<Sender, Shares>> = {
  'customer-mapper': { flow: 0.3, omnium: 0.5625 },
  'omnium-ingest': { flow: 0.01, omnium: 0.1875 },
  'relation-manager': { flow: 0.2, omnium: 0.1875 },
  syncctl: { flow: 0.1, omnium: 0.0625 },
  'flow-ingest': { flow: 0.4, omnium: 0.01 },
}

/** What one sender may use of a tenant's limits, over all its processes. */
export interface SenderLimits {
  readonly requestsPerSecond: number
  /** Below one: the part of the time in which the sender may use one slot. */
  readonly slots: number
  /** The slots of the senders before this one, so that senders with less than one slot share a slot in turns. */
  readonly before: number
}

export function limitsOf(tenant: Tenant, target: Target, sender: Sender, share: number): SenderLimits {
  const { requestsPerSecond, maxInFlight } = tenant[target]
  return {
    requestsPerSecond: requestsPerSecond * share,
    slots: maxInFlight * share,
    before: maxInFlight * sharesBefore(sender, target),
  }
}

function sharesBefore(sender: Sender, target: Target): number {
  let before = 0
  for (const [name, shares] of Object.entries(DEFAULT_SHARES)) {
    if (name === sender) break
    before += shares[target]
  }
  return before
}
