import type { Schedule } from './schedule.ts'

/** What a tenant's target may be asked by this process. */
export interface RateLimit {
  readonly requestsPerSecond: number
  readonly maxInFlight: number
}

/** One request's turn. */
export interface Permit {
  /** The request is over. */
  release(): void
  /** The request was never sent: gives its token back, too. */
  giveBack(): void
}

export interface RateLimiter {
  /** Resolves when it is this request's turn, first come, first served. Rejects with the signal's reason. */
  acquire(signal: AbortSignal): Promise<Permit>
  /** Counts a request that doesn't wait (a probe, a token): those behind it wait the longer. */
  debit(): void
  /** The target answered 429 to a request that was sent at `sentAtMs`: half the rate from here, growing back in a minute. */
  throttled(sentAtMs: number): void
  /** Takes effect at once, for those who wait too. */
  configure(limit: RateLimit): void
}

export interface RateLimiterOptions extends RateLimit {
  readonly now: () => number
  readonly schedule: Schedule
}

/** So that a share of 0, between two assignments, holds requests back and doesn't strand them. */
const MIN_REQUESTS_PER_SECOND = 0.1
const SLOWEST = 0.1
const RECOVERY_MS = 60_000

interface Waiter {
  readonly start: (permit: Permit) => void
}

/**
 * A token bucket and a cap on what is in flight. The bucket holds a quarter of a second's requests, and two at least: a
 * record's read and its write don't wait for each other at rest, and what starts after a rest stays near the rate.
 */
export function createRateLimiter({ now, schedule, ...initial }: RateLimiterOptions): RateLimiter {
  let limit: RateLimit = initial
  let tokens = burstOf(initial)
  let countedAt = now()
  let inFlight = 0
  let slowedTo = 1
  let slowedAt = Number.NEGATIVE_INFINITY
  let cancelTimer: (() => void) | undefined
  const waiting = new Set<Waiter>()

  const speed = () => Math.min(1, slowedTo + Math.max(0, now() - slowedAt) / RECOVERY_MS)
  const rate = () => Math.max(MIN_REQUESTS_PER_SECOND, limit.requestsPerSecond * speed())

  const count = () => {
    const at = now()
    tokens = Math.min(burstOf(limit), tokens + (Math.max(0, at - countedAt) / 1000) * rate())
    countedAt = at
  }

  const permit = (): Permit => {
    let isHeld = true
    const end = (back: number) => {
      if (!isHeld) return
      isHeld = false
      inFlight--
      tokens += back
      pump()
    }
    return { release: () => end(0), giveBack: () => end(1) }
  }

  const pump = () => {
    cancelTimer?.()
    cancelTimer = undefined
    count()
    for (const waiter of waiting) {
      if (inFlight >= limit.maxInFlight) return
      if (tokens < 1) {
        cancelTimer = schedule(pump, Math.max(1, Math.ceil(((1 - tokens) / rate()) * 1000)))
        return
      }
      waiting.delete(waiter)
      tokens--
      inFlight++
      waiter.start(permit())
    }
  }

  return {
    acquire(signal) {
      return new Promise((resolve, reject) => {
        if (signal.aborted) return reject(signal.reason)
        const onAbort = () => {
          waiting.delete(waiter)
          reject(signal.reason)
        }
        const waiter: Waiter = {
          start(granted) {
            signal.removeEventListener('abort', onAbort)
            resolve(granted)
          },
        }
        signal.addEventListener('abort', onAbort, { once: true })
        waiting.add(waiter)
        // Behind others, the timer or the end of a request pumps.
        if (waiting.size === 1) pump()
      })
    },
    debit() {
      count()
      tokens--
    },
    throttled(sentAtMs) {
      // What was sent before the last slow-down was answered for by it.
      if (sentAtMs <= slowedAt) return
      count()
      slowedTo = Math.max(SLOWEST, speed() / 2)
      slowedAt = now()
      tokens = Math.min(tokens, 0)
    },
    configure(next) {
      if (next.requestsPerSecond === limit.requestsPerSecond && next.maxInFlight === limit.maxInFlight) return
      count()
      limit = next
      pump()
    },
  }
}

const burstOf = ({ requestsPerSecond }: RateLimit): number => Math.max(2, requestsPerSecond / 4)
