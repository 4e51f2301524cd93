import { LRUCache } from 'lru-cache'
import { SyncError } from '../errors.ts'
import { isWrite, type Layer, type TargetRequest } from './request.ts'

export interface PatienceOptions {
  /** The deadline of a request, in ms. No request is waited for longer. */
  readonly deadlineMs: number
  /** ms, of a clock that never steps. */
  readonly now: () => number
}

/**
 * How long the answer to a read is waited for. A target that leaves a request without an answer now and then must not keep a slot
 * for the whole deadline. Therefore the wait follows the time that answers to the same operation have taken. A write is always
 * waited for until its deadline, because the target may still execute the write, and the next write of its key must not overlap
 * with it.
 */
export interface Patience {
  /**
   * Sends a read again when its answer takes unusually long: at most twice, and waits longer each time. Each try passes the
   * layers inside, so it waits for its turn and is fenced like the first.
   */
  readonly repeatReads: Layer
  /** Ends the wait for one exchange, and takes note of the time that an answer took. Stands around the exchange itself. */
  readonly limit: Layer
}

/** The wait while no answer to the operation has come yet. */
const FIRST_MS = 1_000
/** The wait is so many times as long as the slowest answers took, */
const TIMES = 3
/** and at least so long, in ms. */
const LEAST_MS = 250
const LAST_TRY = 3
const DECAY = 0.05
const MAX_OPERATIONS = 10_000
/**
 * So many answers may be given up early. Each answer that comes allows one more. A target that is overloaded answers few requests,
 * and sending them again would keep it overloaded.
 */
const MAX_GIVEN_UP = 20
const FEW_MISSED = 3
const MAX_MISSED = 13

interface Pace {
  /** The time of the slowest answers, in ms. Older answers count less. */
  peakMs: number
  /** Answers in a row that did not come in time. */
  missed: number
}

export function createPatience({ deadlineMs, now }: PatienceOptions): Patience {
  const paces = new LRUCache<string, Pace>({ max: MAX_OPERATIONS })
  /** By target and tenant, how many answers may be given up early. */
  const allowed = new LRUCache<string, number>({ max: MAX_OPERATIONS })
  const placeOf = ({ target, call }: TargetRequest) => `${target}/${call.tenant.uid}`
  const paceOf = (request: TargetRequest): Pace => {
    const name = `${placeOf(request)}/${request.operation}`
    const known = paces.get(name)
    if (known !== undefined) return known
    const pace = { peakMs: 0, missed: 0 }
    paces.set(name, pace)
    return pace
  }

  return {
    repeatReads: (next) => async (request) => {
      if (isWrite(request)) return next(request)
      for (let tries = 1; ; tries++) {
        try {
          return await next({ ...request, tries })
        } catch (error) {
          if (!isSlow(error) || tries >= LAST_TRY || request.call.signal.aborted) throw error
        }
      }
    },
    limit: (next) => async (request) => {
      if (isWrite(request)) return next({ ...request, deadlineMs })
      const pace = paceOf(request)
      const place = placeOf(request)
      const allow = (by: 1 | -1) => {
        const left = (allowed.get(place) ?? MAX_GIVEN_UP) + by
        allowed.set(place, Math.max(0, Math.min(MAX_GIVEN_UP, left)))
      }
      const limitMs =
        allowed.get(place) === 0 ? deadlineMs : Math.min(deadlineMs, waitMs(pace, (request.tries ?? LAST_TRY) - 1))
      const startedAt = now()
      try {
        const answer = await next({ ...request, deadlineMs: limitMs })
        allow(1)
        const tookMs = now() - startedAt
        pace.peakMs = Math.max(tookMs, pace.peakMs + DECAY * (tookMs - pace.peakMs))
        pace.missed = 0
        return answer
      } catch (error) {
        if (isSlow(error)) {
          if (limitMs < deadlineMs) allow(-1)
          pace.missed = Math.min(MAX_MISSED, pace.missed + 1)
        }
        throw error
      }
    },
  }
}

const waitMs = ({ peakMs, missed }: Pace, doublings: number): number => {
  const usualMs = peakMs === 0 ? FIRST_MS : Math.max(LEAST_MS, TIMES * peakMs)
  return usualMs * 2 ** (strainOf(missed) + doublings)
}

/** A target that leaves requests without an answer at random seldom does so several times in a row. A slow target does. */
const strainOf = (missed: number): number => Math.max(0, missed - FEW_MISSED)

const isSlow = (error: unknown): boolean => error instanceof SyncError && error.code === 'target-timeout'
