import { SyncError, type Target } from '../errors.ts'
import type { Metrics } from '../metrics.ts'
import type { Tenant, Tenants } from '../tenants.ts'
import type { Call } from './call.ts'
import { createRateLimiter, type RateLimit, type RateLimiter } from './rate-limit.ts'
import type { Layer, TargetRequest } from './request.ts'
import type { Schedule } from './schedule.ts'
import type { Slot } from './slot.ts'

export interface LimitsOptions {
  readonly target: Target
  /** The part of each tenant's rate that this service takes, over all its processes: 0 to 1. */
  readonly share: number
  readonly metrics: Pick<Metrics, 'rateLimitWaitSeconds'>
  readonly now: () => number
  readonly schedule: Schedule
}

/** A target's rate limits, one for each tenant. */
export interface Limits {
  /** The part of the service's rate that this process takes: partitions owned ÷ all. May be called at any time. */
  setPartitionShare(fraction: number): void
  /** Puts new limits into effect at once, also for those who wait, and forgets tenants that are no more. */
  tenantsChanged(tenants: Tenants): void
  /**
   * Each request waits for its turn. `askLast` is asked once it has come, and what is within runs in the same turn of the
   * event loop, up to the send; a request that it stops by throwing costs no turn.
   */
  wait(askLast: (request: TargetRequest) => void): Layer
  /** Takes a slot and the rate-limit tokens of a read and a write. Throws SyncError `aborted`. */
  slot(call: Call): Promise<Slot>
  /** Counts requests that don't wait: a probe, a token. */
  readonly debit: Layer
}

export function createLimits({ target, share, metrics, now, schedule }: LimitsOptions): Limits {
  const limiters = new Map<string, { readonly limiter: RateLimiter; tenant: Tenant }>()
  let fraction = 1

  const limitOf = (tenant: Tenant): RateLimit => {
    const { requestsPerSecond, maxInFlight } = tenant[target]
    return {
      requestsPerSecond: requestsPerSecond * share * fraction,
      maxInFlight: Math.max(1, Math.round(maxInFlight * share * fraction)),
    }
  }
  const limiterOf = (tenant: Tenant): RateLimiter => {
    const known = limiters.get(tenant.uid)
    if (known === undefined) {
      const limiter = createRateLimiter({ ...limitOf(tenant), now, schedule })
      limiters.set(tenant.uid, { limiter, tenant })
      return limiter
    }
    if (known.tenant !== tenant) {
      known.tenant = tenant
      known.limiter.configure(limitOf(tenant))
    }
    return known.limiter
  }

  const rethrown =
    ({ tenant, signal }: Call) =>
    (error: unknown): never => {
      if (!signal.aborted) throw error
      const message = `calling ${target}: aborted while waiting for the rate limit`
      throw new SyncError('aborted', message, { target, tenant: tenant.uid })
    }

  return {
    setPartitionShare(next) {
      fraction = Math.min(1, Math.max(0, next))
      for (const { limiter, tenant } of limiters.values()) limiter.configure(limitOf(tenant))
    },
    tenantsChanged(tenants) {
      for (const uid of limiters.keys()) {
        const tenant = tenants.get(uid)
        if (tenant === undefined) limiters.delete(uid)
        else limiterOf(tenant)
      }
    },
    wait: (askLast) => (next) => async (request) => {
      const { call } = request
      const held = call.slots?.[target]
      const limiter = limiterOf(call.tenant)
      const askedAt = now()
      const slot = held ?? (await limiter.acquire({ tokens: 1, signal: call.signal }).catch(rethrown(call)))
      try {
        const turn = await slot.enter(call.signal).catch(rethrown(call))
        try {
          const sentAt = now()
          metrics.rateLimitWaitSeconds.observe((sentAt - askedAt) / 1000, { target })
          try {
            askLast(request)
          } catch (error) {
            turn.giveBack()
            throw error
          }
          const answer = await next(request)
          if (answer.status === 429) limiter.throttled(sentAt)
          return answer
        } finally {
          turn.end()
        }
      } finally {
        if (held === undefined) slot.release()
      }
    },
    async slot(call) {
      const askedAt = now()
      const slot = await limiterOf(call.tenant).acquire({ tokens: 2, signal: call.signal }).catch(rethrown(call))
      metrics.rateLimitWaitSeconds.observe((now() - askedAt) / 1000, { target })
      return slot
    },
    debit: (next) => async (request) => {
      const limiter = limiterOf(request.call.tenant)
      limiter.debit()
      const sentAt = now()
      const answer = await next(request)
      if (answer.status === 429) limiter.throttled(sentAt)
      return answer
    },
  }
}
