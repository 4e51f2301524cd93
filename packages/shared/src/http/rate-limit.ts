import type { Schedule } from './schedule.ts'
import type { Slot } from './slot.ts'
import { createSlot } from './slot-of-limiter.ts'
import type { SlotShare } from './slot-share.ts'
import { type Answered, createThrottling, spread } from './throttling.ts'

/** The part of a target's limits that this process may use. */
export interface RateLimit {
  readonly requestsPerSecond: number
  readonly slots: SlotShare
}

/** What a request or a handler asks the rate limiter for. */
export interface Wish {
  /** The rate-limit tokens that the slot takes: one for a single request, two for a read and a write. */
  readonly tokens: 1 | 2
  /** Work from the retry topic gives way to live work. */
  readonly isRetryTopic: boolean
  readonly signal: AbortSignal
}

export interface RateLimiter {
  /**
   * Resolves when a slot and its tokens are free. Live work comes first, and within a class the first comes first. Rejects
   * with the signal's reason, or with `pausedError` while the whole target pauses.
   */
  acquire(wish: Wish): Promise<Slot>
  /** Counts a request that does not wait (a probe), so that the requests behind it wait longer. */
  debit(): void
  /** The target answered a request. */
  answered(answered: Answered): void
  /** Takes effect at once, also for the requests that wait. */
  configure(limit: RateLimit): void
}

export interface RateLimiterOptions extends RateLimit {
  readonly now: () => number
  readonly random: () => number
  readonly schedule: Schedule
  /** The failure of a request during a pause of the whole target. */
  readonly pausedError: (retryAfterMs: number) => Error
}

/** A share of 0, between two assignments, slows requests down and does not strand them. */
const MIN_REQUESTS_PER_SECOND = 0.1
/** Live work has these slots for itself. */
const SLOTS_FOR_LIVE = 2
/** So many live requests in a row may go before one of the retry topic, so that neither class waits for ever. */
const LIVE_IN_A_ROW = 9

interface Waiter {
  readonly tokens: number
  readonly start: () => void
  readonly fail: (error: Error) => void
}
type Queue = Set<Waiter>

/**
 * A token bucket, and a bound on the slots in use. The bucket holds the requests of a quarter of a second, and at least two,
 * so that the read and the write of a record do not wait for each other in an idle process.
 */
export function createRateLimiter(options: RateLimiterOptions): RateLimiter {
  const { now, random, schedule, pausedError } = options
  const throttling = createThrottling()
  let limit: RateLimit = options
  let tokens = burstOf(limit)
  let countedAt = now()
  let inUse = 0
  let inUseByRetry = 0
  let liveInARow = 0
  /** Of a process with less than one slot: the slot-seconds that it may still use. Below zero after a use that ran over. */
  let slotSeconds = limit.slots.part
  let cancelTimer: (() => void) | undefined
  /** Requests that have a slot and wait for a token. They go first, because their slots are occupied meanwhile. */
  const inSlots: Queue = new Set()
  const live: Queue = new Set()
  const retry: Queue = new Set()

  const rate = () => Math.max(MIN_REQUESTS_PER_SECOND, limit.requestsPerSecond)

  const count = () => {
    const at = now()
    const seconds = Math.max(0, at - countedAt) / 1000
    const { part } = limit.slots
    tokens = Math.min(burstOf(limit), tokens + seconds * rate())
    slotSeconds = Math.min(part, slotSeconds + seconds * (part - inUse))
    countedAt = at
  }

  /** The slots that may be in use now, and when that changes by itself. */
  const room = (): { slots: number; untilMs: number | null } => {
    const { slots, untilMs } = limit.slots.at(now())
    if (untilMs !== null && slotSeconds <= 0) {
      const inCreditMs = inUse === 0 ? Math.ceil((-slotSeconds / limit.slots.part) * 1000) + 1 : null
      return { slots: 0, untilMs: inCreditMs === null ? null : now() + inCreditMs }
    }
    if (slots <= throttling.window) return { slots, untilMs }
    const growsAtMs = inUse >= throttling.window ? throttling.full(limit.slots.most, now()) : null
    return { slots: Math.min(slots, throttling.window), untilMs: earlier(untilMs, growsAtMs) }
  }

  const next = (slots: number): { queue: Queue; waiter: Waiter } | undefined => {
    const first = (queue: Queue) => {
      const [waiter] = queue
      return waiter === undefined ? undefined : { queue, waiter }
    }
    if (inSlots.size > 0) return first(inSlots)
    if (inUse >= slots) return undefined
    const isRetryFree = inUseByRetry < (slots > SLOTS_FOR_LIVE ? slots - SLOTS_FOR_LIVE : 1)
    const isRetrysTurn = live.size === 0 || liveInARow >= LIVE_IN_A_ROW
    return isRetryFree && isRetrysTurn ? (first(retry) ?? first(live)) : first(live)
  }

  const pump = () => {
    cancelTimer?.()
    cancelTimer = undefined
    count()
    if (inSlots.size + live.size + retry.size === 0) return
    let { slots, untilMs } = room()
    for (let found = next(slots); found !== undefined; found = next(slots)) {
      const { queue, waiter } = found
      if (tokens < waiter.tokens) {
        untilMs = earlier(untilMs, now() + Math.max(1, Math.ceil(((waiter.tokens - tokens) / rate()) * 1000)))
        break
      }
      tokens -= waiter.tokens
      queue.delete(waiter)
      if (queue !== inSlots) {
        inUse++
        if (queue === retry) inUseByRetry++
        liveInARow = queue === live && retry.size > 0 ? liveInARow + 1 : 0
      }
      waiter.start()
      if (inUse >= throttling.window) ({ slots, untilMs } = room())
    }
    if (untilMs !== null && inSlots.size + live.size + retry.size > 0) {
      cancelTimer = schedule(pump, Math.max(1, untilMs - now()))
    }
  }

  const wait = (queue: Queue, wanted: number, signal: AbortSignal): Promise<void> =>
    new Promise((resolve, reject) => {
      if (signal.aborted) return reject(signal.reason)
      const paused = pausedFor()
      if (paused !== null) return reject(paused)
      const end = () => {
        queue.delete(waiter)
        signal.removeEventListener('abort', onAbort)
      }
      const onAbort = () => {
        end()
        reject(signal.reason)
      }
      const waiter: Waiter = {
        tokens: wanted,
        start() {
          end()
          resolve()
        },
        fail(error) {
          end()
          reject(error)
        },
      }
      signal.addEventListener('abort', onAbort, { once: true })
      queue.add(waiter)
      // Behind others, the timer or the end of a request pumps.
      if (queue.size === 1) pump()
    })

  /** During a pause requests fail and their records wait, so that they occupy no handler of another tenant. */
  const pausedFor = (): Error | null => {
    const waitMs = throttling.pausedUntilMs - now()
    return waitMs > 0 ? pausedError(spread(waitMs, random)) : null
  }

  return {
    async acquire({ tokens: wanted, isRetryTopic, signal }) {
      await wait(isRetryTopic ? retry : live, wanted, signal)
      return createSlot({
        tokens: wanted,
        waitForToken: (ofRequest) => wait(inSlots, 1, ofRequest),
        requireNoPause() {
          const paused = pausedFor()
          if (paused !== null) throw paused
        },
        onEnd(unused) {
          count()
          inUse--
          if (isRetryTopic) inUseByRetry--
          tokens += unused
          pump()
        },
      })
    },
    debit() {
      count()
      tokens--
    },
    answered(answered) {
      throttling.answered(answered, limit.slots.most)
      if (!answered.isThrottled) return
      for (const queue of [inSlots, live, retry]) {
        for (const waiter of queue) {
          const paused = pausedFor()
          if (paused !== null) waiter.fail(paused)
        }
      }
      pump()
    },
    configure(next) {
      count()
      limit = next
      slotSeconds = next.slots.part
      pump()
    },
  }
}

const burstOf = ({ requestsPerSecond }: RateLimit): number => Math.max(2, requestsPerSecond / 4)

const earlier = (a: number | null, b: number | null): number | null =>
  a === null ? b : b === null ? a : Math.min(a, b)
