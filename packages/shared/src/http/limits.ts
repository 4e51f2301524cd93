import { parseRetryAfter } from '../backoff.ts'
import { SyncError, type Target } from '../errors.ts'
import type { Metrics } from '../metrics.ts'
import type { Tenant, Tenants } from '../tenants.ts'
import { RETRY_AFTER_CAP_MS } from './answer.ts'
import type { Call } from './call.ts'
import { createRateLimiter, type RateLimit, type RateLimiter } from './rate-limit.ts'
import { failureOf, type HttpAnswer, headerOf, type Layer, statusText, type TargetRequest } from './request.ts'
import type { Schedule } from './schedule.ts'
import type { SenderLimits } from './shares.ts'
import type { Slot } from './slot.ts'
import { type SlotShare, shareSlots } from './slot-share.ts'
import { spread, waitAfter429 } from './throttling.ts'

export interface LimitsOptions {
  readonly target: Target
  /** What this service may use of a tenant's limits, over all its processes. */
  readonly limitsOf: (tenant: Tenant) => SenderLimits
  readonly metrics: Pick<Metrics, 'rateLimitWaitSeconds'>
  readonly now: () => number
  /** ms since the epoch. */
  readonly wallNow: () => number
  readonly random: () => number
  readonly schedule: Schedule
}

/** The limits of a target, for each tenant. */
export interface Limits {
  /** The partitions of this process, of `all`. Its part of the service's limits is in proportion. May be called at any time. */
  setPartitions(own: readonly number[], all: number): void
  /** Puts new limits into effect at once, also for the requests that wait, and forgets the tenants that were removed. */
  tenantsChanged(tenants: Tenants): void
  /**
   * Each request waits for its turn. `askLast` is asked when the turn has come, and the send follows in the same turn of the
   * event loop. A request that `askLast` stops by throwing costs no turn. A 429 throws SyncError `target-throttled`.
   */
  wait(askLast: (request: TargetRequest) => void): Layer
  /** Takes a slot and the rate-limit tokens of a read and a write. Throws SyncError `aborted` or `target-throttled`. */
  slot(call: Call): Promise<Slot>
  /** Counts requests that do not wait: the probes. */
  readonly debit: Layer
}

export function createLimits({ target, limitsOf, metrics, now, wallNow, random, schedule }: LimitsOptions): Limits {
  const limiters = new Map<string, { readonly limiter: RateLimiter; tenant: Tenant }>()
  let partitions: { readonly own: readonly number[]; readonly all: number } = { own: [0], all: 1 }

  /** All processes cut the slots at the same time, and only the wall clock is the same for all of them. */
  const onWallClock = (share: SlotShare): SlotShare => ({
    ...share,
    at(nowMs) {
      const stepMs = wallNow() - nowMs
      const { slots, untilMs } = share.at(nowMs + stepMs)
      return { slots, untilMs: untilMs === null ? null : untilMs - stepMs }
    },
  })
  const limitOf = (tenant: Tenant): RateLimit => {
    const { requestsPerSecond, slots, before } = limitsOf(tenant)
    return {
      requestsPerSecond: (requestsPerSecond * partitions.own.length) / partitions.all,
      slots: onWallClock(shareSlots({ slots, before, ...partitions })),
    }
  }
  const limiterOf = (tenant: Tenant): RateLimiter => {
    const known = limiters.get(tenant.uid)
    if (known === undefined) {
      const pausedError = (retryAfterMs: number) =>
        new SyncError('target-throttled', `calling ${target}: it answers 429 to most requests`, {
          ...{ target, tenant: tenant.uid, retryAfterMs },
        })
      const limiter = createRateLimiter({ ...limitOf(tenant), now, random, schedule, pausedError })
      limiters.set(tenant.uid, { limiter, tenant })
      return limiter
    }
    if (known.tenant !== tenant) {
      known.tenant = tenant
      known.limiter.configure(limitOf(tenant))
    }
    return known.limiter
  }
  const acquire = async ({ tenant, signal, isRetryTopic = false }: Call, tokens: 1 | 2): Promise<Slot> =>
    limiterOf(tenant).acquire({ tokens, signal, isRetryTopic })

  const turnIn = async (slot: Slot, { signal }: Call) => ({ slot, turn: await slot.enter(signal) })
  const ownTurn = async (call: Call) => {
    const slot = await acquire(call, 1)
    try {
      return await turnIn(slot, call)
    } catch (error) {
      slot.release()
      throw error
    }
  }

  const observed = async <T>({ tenant, signal }: Call, waiting: Promise<T>): Promise<T> => {
    const askedAt = now()
    try {
      return await waiting
    } catch (error) {
      if (!signal.aborted) throw error
      const message = `calling ${target}: aborted while waiting for the rate limit`
      throw new SyncError('aborted', message, { target, tenant: tenant.uid })
    } finally {
      metrics.rateLimitWaitSeconds.observe((now() - askedAt) / 1000, { target })
    }
  }
  const noteAnswer = (limiter: RateLimiter, answer: HttpAnswer, sentAtMs: number): { retryAfterMs: number } | null => {
    const isThrottled = answer.status === 429
    const nowMs = now()
    const retryAfterMs = isThrottled
      ? parseRetryAfter(headerOf(answer, 'retry-after'), wallNow(), RETRY_AFTER_CAP_MS)
      : undefined
    limiter.answered({ sentAtMs, nowMs, isThrottled, retryAfterMs })
    return isThrottled ? { retryAfterMs: spread(waitAfter429(retryAfterMs), random) } : null
  }

  return {
    setPartitions(own, all) {
      partitions = { own, all }
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
      const { slot, turn } = await observed(call, held === undefined ? ownTurn(call) : turnIn(held, call))
      try {
        try {
          askLast(request)
        } catch (error) {
          turn.giveBack()
          throw error
        }
        const sentAtMs = now()
        const answer = await next(request)
        const throttled = noteAnswer(limiterOf(call.tenant), answer, sentAtMs)
        if (throttled === null) return answer
        throw failureOf(request, 'target-throttled', statusText(429), { status: 429, ...throttled })
      } finally {
        turn.end()
        if (held === undefined) slot.release()
      }
    },
    slot: (call) => observed(call, acquire(call, 2)),
    debit: (next) => async (request) => {
      const limiter = limiterOf(request.call.tenant)
      limiter.debit()
      const sentAtMs = now()
      const answer = await next(request)
      noteAnswer(limiter, answer, sentAtMs)
      return answer
    },
  }
}
