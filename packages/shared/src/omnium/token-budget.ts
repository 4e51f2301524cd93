/**
 * When the next token may be fetched. Omnium may accept only the newest token of an API user. Then each fetch of one process
 * makes the tokens of all others invalid. Processes that fetch at once after each refusal end each other's tokens before
 * anything was sent, and the last one keeps the others out. So fetches are few, and they come at random times once that is seen.
 */
export interface TokenBudget {
  /** The earliest time of the next fetch, ms since the epoch. */
  nextAtMs(nowMs: number): number
  /** A token was fetched. */
  fetched(nowMs: number): void
  /** The target refused a token that was fetched at this time. */
  refused(fetchedAtMs: number, nowMs: number): void
}

const MAX_FETCHES = 2
const WITHIN_MS = 60_000
/** A token that lived shorter than this was probably ended by the fetch of another process. */
const SHORT_LIFE_MS = 60_000
/** Many processes may be refused at the same moment. */
const SHORT_WAIT_MS = 250
/** One short-lived token can have been revoked. After it, others are taken for ended by other processes for so long. */
const CONTENDED_MS = 5 * 60_000
/**
 * All processes that share the API user are refused at the same moment. Six of them fetch one token in some seven seconds
 * then, so that each has time for whole records before the next one fetches.
 */
const CONTENDED_WAIT = { leastMs: 20_000, randomMs: 40_000 }

export function createTokenBudget(random: () => number): TokenBudget {
  let fetches: number[] = []
  let notBeforeMs = 0
  let contendedUntilMs = 0

  const nextAtMs = (nowMs: number): number => {
    fetches = fetches.filter((atMs) => atMs > nowMs - WITHIN_MS)
    const oldest = fetches.length < MAX_FETCHES ? undefined : fetches.at(-MAX_FETCHES)
    return Math.max(nowMs, notBeforeMs, oldest === undefined ? 0 : oldest + WITHIN_MS)
  }
  return {
    nextAtMs,
    fetched(nowMs) {
      fetches.push(nowMs)
    },
    refused(fetchedAtMs, nowMs) {
      const wasShort = nowMs - fetchedAtMs < SHORT_LIFE_MS
      const { leastMs, randomMs } = CONTENDED_WAIT
      const isContended = wasShort && nowMs < contendedUntilMs
      const waitMs = isContended ? leastMs + random() * randomMs : random() * SHORT_WAIT_MS
      notBeforeMs = (isContended ? nextAtMs(nowMs) : nowMs) + Math.ceil(waitMs)
      if (wasShort) contendedUntilMs = nowMs + CONTENDED_MS
    },
  }
}
