import { LRUCache } from 'lru-cache'
import { SyncError } from '../errors.ts'
import { keyOf } from '../kafka/publisher.ts'
import { createLosses } from './losses.ts'
import { isWrite, type Layer, type ReadRepeats, type TargetRequest } from './request.ts'
import type { Schedule } from './schedule.ts'

export interface PatienceOptions {
  /** The deadline of a request, in ms. No request is waited for longer. */
  readonly deadlineMs: number
  /** ms, of a clock that never steps. */
  readonly now: () => number
  readonly schedule: Schedule
  /** Whether the wait for the answer to a write may end before the deadline. */
  readonly givesUpWrites: boolean
}

/**
 * How long an answer is waited for. A target that leaves a request without an answer now and then must not keep a slot for the
 * whole deadline. Therefore the wait follows the time that answers to the same operation have taken. A write is given up early only
 * while the target has been seen to lose requests (losses.ts). Such a write has an unknown end, and its error says `isGivenUp`. The
 * wait for further writes of the key grows, up to the deadline, until a write of the key is answered.
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

/**
 * The wait, in ms: `firstMs` while no answer to the operation has come yet. Then `times` as long as the slowest answers took, and at
 * least `leastMs`. Each further try of a read, and each further write of a key that was given up twice, is waited for `growth` times
 * as long. A write is given up later than a read, because a write that is given up must be verified. The growth of writes is small,
 * because of some hundred keys a few have many unanswered writes by chance.
 */
interface Rule {
  readonly firstMs: number
  readonly leastMs: number
  readonly times: number
  readonly growth: number
}
const READ: Rule = { firstMs: 1_000, leastMs: 250, times: 3, growth: 2 }
/** While the target loses requests. */
const READ_AGAIN: Rule = { ...READ, leastMs: 50, times: 2, growth: 1.5 }
const WRITE: Rule = { firstMs: 2_500, leastMs: 200, times: 3, growth: 1.15 }
const LAST_TRY = 3
const MAX_KEYS = 10_000
const DECAY = 0.1
const MAX_OPERATIONS = 10_000
/**
 * So many answers may be given up early. Each answer that comes allows one more. A target that is overloaded answers few requests,
 * and sending them again would keep it overloaded.
 */
const MAX_GIVEN_UP = 20
/** How often a request that is waited for until the deadline asks whether it may be given up now. */
const ASKED_AGAIN_MS = 100
const FEW_MISSED = 3
const MAX_MISSED = 13

interface Pace {
  /** The time of the slowest answers, in ms. Older answers count less. */
  peakMs: number
  /** Answers in a row that did not come in time, although no request that was sent later was answered meanwhile. */
  missed: number
  /** When the newest of the answered requests was sent. */
  answeredSentAt: number
}

export function createPatience({ deadlineMs, now, schedule, givesUpWrites }: PatienceOptions): Patience {
  const paces = new LRUCache<string, Pace>({ max: MAX_OPERATIONS })
  /** By target and tenant, how many answers may be given up early. */
  const allowed = new LRUCache<string, number>({ max: MAX_OPERATIONS })
  /** By target, tenant and key, the writes in a row that were given up early. */
  const givenUp = new LRUCache<string, number>({ max: MAX_KEYS })
  const losses = createLosses(now, schedule)
  const placeOf = ({ target, call }: TargetRequest) => `${target}/${call.tenant.uid}`
  const paceOf = (request: TargetRequest): Pace => {
    const name = `${placeOf(request)}/${request.operation}`
    const known = paces.get(name)
    if (known !== undefined) return known
    const pace = { peakMs: 0, missed: 0, answeredSentAt: Number.NEGATIVE_INFINITY }
    paces.set(name, pace)
    return pace
  }

  /**
   * Aborts its signal once `until()` has passed and an answer may be given up early. The signal of a write is aborted only while the
   * target loses requests.
   */
  const wait = (place: string, until: () => number, isOfWrite: boolean) => {
    const controller = new AbortController()
    const giveUpInTime = () => {
      const mayGiveUp = allowed.get(place) !== 0 && (!isOfWrite || losses.isLosing(place))
      if (now() >= until() && mayGiveUp) controller.abort()
      else cancel = schedule(giveUpInTime, ASKED_AGAIN_MS)
    }
    let cancel = schedule(giveUpInTime, ASKED_AGAIN_MS)
    return { signal: controller.signal, end: () => cancel() }
  }

  return {
    repeatReads: (next) => async (request) => {
      if (isWrite(request)) return next(request)
      let repeats: ReadRepeats = { tries: 1, firstWaitMs: 0 }
      for (;;) {
        try {
          return await next({ ...request, repeats })
        } catch (error) {
          if (!isSlow(error) || repeats.tries >= LAST_TRY || request.call.signal.aborted) throw error
          repeats = { ...repeats, tries: repeats.tries + 1 }
        }
      }
    },
    limit: (next) => async (request) => {
      const isOfWrite = isWrite(request)
      const { repeats, call } = request
      const pace = paceOf(request)
      const place = placeOf(request)
      const isLosing = losses.isLosing(place)
      const rule = isOfWrite ? WRITE : isLosing ? READ_AGAIN : READ
      const key = keyOf(place, call.key)
      const steps = isOfWrite ? Math.max(0, (givenUp.get(key) ?? 0) - 1) : (repeats?.tries ?? LAST_TRY) - 1
      const allow = (by: 1 | -1) => {
        const left = (allowed.get(place) ?? MAX_GIVEN_UP) + by
        allowed.set(place, Math.max(0, Math.min(MAX_GIVEN_UP, left)))
      }
      const shortMs = () => Math.min(deadlineMs, waitMs(rule, pace, steps))
      const isPatient = allowed.get(place) === 0 || (isOfWrite && !(givesUpWrites && isLosing))
      const limitMs = isPatient ? deadlineMs : shortMs()
      const startedAt = now()
      const waiting =
        isPatient && (givesUpWrites || !isOfWrite) ? wait(place, () => startedAt + shortMs(), isOfWrite) : null
      const sent = {
        ...{ ...request, deadlineMs: limitMs },
        ...(waiting && { giveUp: waiting.signal }),
        ...(!isOfWrite && { onUnanswered: () => losses.scout(place) }),
      }
      if (repeats?.tries === 1) repeats.firstWaitMs = shortMs()
      try {
        const answer = await next(sent)
        allow(1)
        const tookMs = now() - startedAt
        losses.answered(place, tookMs)
        // The first try had twice the time that the repeat took.
        if (repeats && repeats.tries > 1 && tookMs <= repeats.firstWaitMs / 2) losses.lost(place, call.key)
        pace.peakMs = Math.max(tookMs, pace.peakMs + DECAY * (tookMs - pace.peakMs))
        pace.missed = 0
        pace.answeredSentAt = Math.max(startedAt, pace.answeredSentAt)
        if (isOfWrite) givenUp.delete(key)
        return answer
      } catch (error) {
        if (isSlow(error)) {
          const isEarly = limitMs < deadlineMs || waiting?.signal.aborted === true
          if (isEarly) allow(-1)
          if (isEarly && isOfWrite) {
            givenUp.set(key, (givenUp.get(key) ?? 0) + 1)
            error.isGivenUp = true
          } else if (!isEarly) losses.lost(place, call.key)
          if (startedAt > pace.answeredSentAt) pace.missed = Math.min(MAX_MISSED, pace.missed + 1)
        }
        throw error
      } finally {
        waiting?.end()
      }
    },
  }
}

const waitMs = (rule: Rule, { peakMs, missed }: Pace, steps: number): number => {
  const usualMs = peakMs === 0 ? rule.firstMs : Math.max(rule.leastMs, rule.times * peakMs)
  return usualMs * 2 ** strainOf(missed) * rule.growth ** steps
}

/** A target that leaves requests without an answer at random seldom does so several times in a row. A slow target does. */
const strainOf = (missed: number): number => Math.max(0, missed - FEW_MISSED)

const isSlow = (error: unknown): error is SyncError => error instanceof SyncError && error.code === 'target-timeout'
