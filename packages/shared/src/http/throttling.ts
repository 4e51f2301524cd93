/** How a target answered one request. Times are ms by the steady clock. */
export interface Answered {
  readonly sentAtMs: number
  readonly nowMs: number
  /** The answer was 429. */
  readonly isThrottled: boolean
  /** From the `Retry-After` of a 429. */
  readonly retryAfterMs?: number | undefined
}

/** What the answers 429 of a target mean for the requests that follow. Each process has its own. */
export interface Throttling {
  /**
   * The window: the number of slots that may be in use at the same time. A 429 halves the window, at most once per round
   * trip, and never below one slot.
   */
  readonly window: number
  /** Nothing is sent before then. */
  readonly pausedUntilMs: number
  /** `slots`: the slots of this process, as far as the window allows. */
  answered(answered: Answered, slots: number): void
  /**
   * All slots of the window are in use and a request waits for one. The window grows by one slot per second of that.
   * Returns when it grows next; null when the window is no limit.
   */
  full(slots: number, nowMs: number): number | null
}

const GROWTH_MS = 1_000
const COUNTED_MS = 1_000
/** Fewer answers do not show that most requests are refused. */
const LEAST_ANSWERS = 3
/** The wait after a 429 without a `Retry-After`, and the least one after any 429. */
const LEAST_WAIT_MS = 500

export const waitAfter429 = (retryAfterMs: number | undefined): number => Math.max(LEAST_WAIT_MS, retryAfterMs ?? 0)

/** The wait plus up to half of it, so that the refused requests do not come back all at once. */
export const spread = (waitMs: number, random: () => number): number => Math.ceil(waitMs * (1 + random() / 2))

export function createThrottling(): Throttling {
  let window = Number.POSITIVE_INFINITY
  let pausedUntilMs = 0
  let halvedAtMs = Number.NEGATIVE_INFINITY
  let grownAtMs = 0
  let answers: { readonly atMs: number; readonly isThrottled: boolean }[] = []

  return {
    get window() {
      return window
    },
    get pausedUntilMs() {
      return pausedUntilMs
    },
    answered({ sentAtMs, nowMs, isThrottled, retryAfterMs }, slots) {
      answers = answers.filter(({ atMs }) => atMs > nowMs - COUNTED_MS)
      answers.push({ atMs: nowMs, isThrottled })
      if (!isThrottled) return
      const throttled = answers.filter((each) => each.isThrottled).length
      if (answers.length >= LEAST_ANSWERS && throttled > answers.length / 2) {
        pausedUntilMs = nowMs + waitAfter429(retryAfterMs)
      }
      // The last halving counts for all requests that were sent before it.
      if (sentAtMs < halvedAtMs) return
      window = Math.max(1, Math.floor(Math.min(window, slots) / 2))
      halvedAtMs = nowMs
      grownAtMs = nowMs
    },
    full(slots, nowMs) {
      if (window < slots && nowMs >= grownAtMs + GROWTH_MS) {
        window++
        grownAtMs = nowMs
      }
      if (window >= slots) window = Number.POSITIVE_INFINITY
      return window === Number.POSITIVE_INFINITY ? null : grownAtMs + GROWTH_MS
    },
  }
}
