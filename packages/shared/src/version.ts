/** Date, time, fraction of a second, offset. A time without an offset is UTC, as both peers document their dates. */
const ISO_8601 = /^(\d{4})-(\d\d)-(\d\d)[Tt ](\d\d):(\d\d)(?::(\d\d)(?:[.,](\d+))?)?(?:[Zz]|([+-])(\d\d):?(\d\d)?)?$/

interface Instant {
  readonly epochSeconds: number
  /** Digits after the decimal point, without trailing zeros: Flow and Omnium write 0 to 7 of them. */
  readonly fraction: string
}

function instantOf(version: string): Instant | null {
  const match = ISO_8601.exec(version)
  if (match === null) return null
  const [
    ,
    year,
    month,
    day,
    hours,
    minutes,
    seconds = '0',
    fraction = '',
    sign,
    offsetHours = '0',
    offsetMinutes = '0',
  ] = match
  const date = new Date(0)
  date.setUTCFullYear(Number(year), Number(month) - 1, Number(day))
  date.setUTCHours(Number(hours), Number(minutes), Number(seconds))
  const offsetSeconds = (sign === '-' ? -60 : 60) * (Number(offsetHours) * 60 + Number(offsetMinutes))
  return { epochSeconds: date.getTime() / 1000 - offsetSeconds, fraction: fraction.replace(/0+$/, '') }
}

const order = <T>(a: T, b: T): -1 | 0 | 1 => (a < b ? -1 : a > b ? 1 : 0)

/** none < not a time < a time */
/** Whether a text is an ISO 8601 time. */
export const isTime = (text: string): boolean => instantOf(text) !== null

const rank = (version: string | null | undefined, instant: Instant | null) =>
  version === null || version === undefined || version === '' ? 0 : instant === null ? 1 : 2

/**
 * Orders two versions: negative when `a` is older, 0 when they are the same instant, whatever their offsets and
 * precision. None (null, undefined, `''`) is older than anything; what is no ISO 8601 time is older than any time, and
 * among its like goes by code units.
 */
export function compareVersions(a: string | null | undefined, b: string | null | undefined): -1 | 0 | 1 {
  if (a === b) return 0
  const left = a ? instantOf(a) : null
  const right = b ? instantOf(b) : null
  if (left !== null && right !== null) {
    return order(left.epochSeconds, right.epochSeconds) || order(left.fraction, right.fraction)
  }
  const byRank = order(rank(a, left), rank(b, right))
  return byRank !== 0 || rank(a, left) === 0 ? byRank : order(a as string, b as string)
}

/** The newer of two versions, the first when they are equal; null when there is none. */
export function newerVersion(a: string | null | undefined, b: string | null | undefined): string | null {
  return (compareVersions(a, b) >= 0 ? a : b) || null
}
