/**
 * Bounds the requests under way, all in all and for each tenant, so that neither a burst nor one tenant's storm takes
 * the memory or the slots of the others.
 */
export interface Admission {
  /** Takes a slot and answers how to give it back (once, however often it is called), or null when none is free. */
  enter(tenant: string, tenants: number): (() => void) | null
}

/** What one tenant may hold of all slots while there are others. */
const TENANT_SHARE = 1 / 2

export function createAdmission(maxInFlight: number): Admission {
  const held = new Map<string, number>()
  let inFlight = 0
  return {
    enter(tenant, tenants) {
      const mine = held.get(tenant) ?? 0
      const most = tenants > 1 ? Math.ceil(maxInFlight * TENANT_SHARE) : maxInFlight
      if (inFlight >= maxInFlight || mine >= most) return null
      inFlight++
      held.set(tenant, mine + 1)
      let left = false
      return () => {
        if (left) return
        left = true
        inFlight--
        const rest = (held.get(tenant) ?? 1) - 1
        if (rest === 0) held.delete(tenant)
        else held.set(tenant, rest)
      }
    },
  }
}
