import type { Target } from '../errors.ts'
import { SENDERS, type Sender } from '../senders.ts'
import type { Tenant } from '../tenants.ts'

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

/**
 * The requests in flight of a sender that has an API user of its own in Omnium. All together they keep below the 40 requests
 * that Omnium allows to a tenant. flow-ingest sends nothing to Omnium.
 */
const IN_FLIGHT_OF_API_USER: Readonly<Record<Sender, number>> = {
  'customer-mapper': 14,
  'omnium-ingest': 10,
  'relation-manager': 8,
  syncctl: 4,
  'flow-ingest': 1,
}

export function limitsOf(tenant: Tenant, target: Target, sender: Sender, share: number): SenderLimits {
  const { requestsPerSecond, maxInFlight } = tenant[target]
  if (target === 'omnium' && tenant.omnium.apiUsers[sender] !== undefined) {
    return { requestsPerSecond, slots: Math.min(IN_FLIGHT_OF_API_USER[sender], maxInFlight), before: 0 }
  }
  return {
    requestsPerSecond: requestsPerSecond * share,
    slots: maxInFlight * share,
    before: maxInFlight * sharesBefore(sender, target),
  }
}

/** The largest share comes first, so that the nominal ones come last. */
function sharesBefore(sender: Sender, target: Target): number {
  const ordered = SENDERS.toSorted((a, b) => DEFAULT_SHARES[b][target] - DEFAULT_SHARES[a][target])
  const before = ordered.slice(0, ordered.indexOf(sender))
  return before.reduce((sum, each) => sum + DEFAULT_SHARES[each][target], 0)
}
