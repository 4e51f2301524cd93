import type { Schedule } from './schedule.ts'
import type { Slot, SlotTurn } from './slot.ts'

/** The part of a target's limits that this process may use. */
export interface RateLimit {
  readonly requestsPerSecond: number
  readonly maxInFlight: number
}

/** What a request or a handler asks the rate limiter for. */
export interface Wish {
  /** The rate-limit tokens that the slot takes: one for a single request, two for a read and a write. */
  readonly tokens: 1 | 2
  readonly signal: AbortSignal
}

export interface RateLimiter {
  /** Resolves when a slot and its tokens are free, first come, first served. Rejects with the signal's reason. */
  acquire(wish: Wish): Promise<Slot>
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
  readonly tokens: number
  readonly start: () => void
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
  /** Requests that have a slot and wait for a token. They go first, because their slots are occupied meanwhile. */
  const inSlots = new Set<Waiter>()

  const speed = () => Math.min(1, slowedTo + Math.max(0, now() - slowedAt) / RECOVERY_MS)
  const rate = () => Math.max(MIN_REQUESTS_PER_SECOND, limit.requestsPerSecond * speed())

  const count = () => {
    const at = now()
    tokens = Math.min(burstOf(limit), tokens + (Math.max(0, at - countedAt) / 1000) * rate())
    countedAt = at
  }

  const next = (): Waiter | undefined => {
    const [first] = inSlots
    if (first !== undefined) return first
    return inFlight < limit.maxInFlight ? waiting.values().next().value : undefined
  }

  const pump = () => {
    cancelTimer?.()
    cancelTimer = undefined
    count()
    for (let waiter = next(); waiter !== undefined; waiter = next()) {
      if (tokens < waiter.tokens) {
        cancelTimer = schedule(pump, Math.max(1, Math.ceil(((waiter.tokens - tokens) / rate()) * 1000)))
        return
      }
      tokens -= waiter.tokens
      if (!inSlots.delete(waiter)) {
        waiting.delete(waiter)
        inFlight++
      }
      waiter.start()
    }
  }

  const wait = (queue: Set<Waiter>, wanted: number, signal: AbortSignal): Promise<void> =>
    new Promise((resolve, reject) => {
      if (signal.aborted) return reject(signal.reason)
      const onAbort = () => {
        queue.delete(waiter)
        reject(signal.reason)
      }
      const waiter: Waiter = {
        tokens: wanted,
        start() {
          signal.removeEventListener('abort', onAbort)
          resolve()
        },
      }
      signal.addEventListener('abort', onAbort, { once: true })
      queue.add(waiter)
      // Behind others, the timer or the end of a request pumps.
      if (queue.size === 1) pump()
    })

  const slotWith = (granted: number): Slot => {
    let left = granted
    let isReleased = false
    let entered = 0
    let last: Promise<void> = Promise.resolve()

    const giveUp = () => {
      if (!isReleased || entered > 0) return
      inFlight--
      tokens += left
      left = 0
      pump()
    }
    return {
      async enter(signal) {
        if (isReleased) throw new Error('sending a request in a slot that was given back')
        entered++
        const before = last
        const over = Promise.withResolvers<void>()
        last = over.promise
        let isOver = false
        const leave = (unused: number) => {
          if (isOver) return
          isOver = true
          entered--
          left += unused
          over.resolve()
          giveUp()
        }
        await before
        try {
          signal.throwIfAborted()
          if (left > 0) left--
          else await wait(inSlots, 1, signal)
        } catch (error) {
          leave(0)
          throw error
        }
        return { end: () => leave(0), giveBack: () => leave(1) } satisfies SlotTurn
      },
      release() {
        if (isReleased) return
        isReleased = true
        giveUp()
      },
    }
  }

  return {
    async acquire({ tokens: wanted, signal }) {
      await wait(waiting, wanted, signal)
      return slotWith(wanted)
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
