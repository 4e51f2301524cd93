export interface BackoffOptions {
  /** The ceiling of the first wait. */
  readonly baseMs: number
  /** The ceiling of every wait. */
  readonly capMs: number
  /** 0 (inclusive) to 1 (exclusive). */
  readonly random: () => number
}

/**
 * How long to wait before the next try, with full jitter: anything from 0 to the ceiling, which doubles with each
 * `attempt` (from 0) from `baseMs` to `capMs`. Full, so that records that failed together don't come back together.
 */
export function backoff(attempt: number, { baseMs, capMs, random }: BackoffOptions): number {
  return Math.floor(random() * ceilingMs(attempt, baseMs, capMs))
}

/** Like `backoff`, but never less than half of its ceiling: for a thing that must really be left in peace. */
export function backoffAtLeastHalf(attempt: number, { baseMs, capMs, random }: BackoffOptions): number {
  const ceiling = ceilingMs(attempt, baseMs, capMs)
  return Math.floor(ceiling / 2 + (random() * ceiling) / 2)
}

function ceilingMs(attempt: number, baseMs: number, capMs: number): number {
  return Math.min(capMs, baseMs * 2 ** Math.min(Math.max(attempt, 0), 50))
}

const HTTP_DATE = /^(?:Mon|Tue|Wed|Thu|Fri|Sat|Sun)[a-z]*,? /

/**
 * The wait that a `Retry-After` asks for, in ms from `nowMs`, at most `capMs`; one in the past is 0. undefined when the
 * header is absent or neither seconds nor an HTTP date (RFC 9110, 10.2.3).
 */
export function parseRetryAfter(header: string | null | undefined, nowMs: number, capMs: number): number | undefined {
  const text = header?.trim()
  if (!text) return undefined
  const delayMs = /^[+-]?\d+(\.\d+)?$/.test(text) ? Number(text) * 1000 : httpDateMs(text) - nowMs
  return Number.isNaN(delayMs) ? undefined : Math.min(capMs, Math.max(0, Math.ceil(delayMs)))
}

/** NaN when it is none. Date.parse alone takes almost anything for a date. */
function httpDateMs(text: string): number {
  if (!HTTP_DATE.test(text)) return Number.NaN
  return Date.parse(text.endsWith('GMT') ? text : `${text} GMT`)
}
