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

/** Whether a text is an ISO 8601 time. */
export const isTime = (text: string): boolean => instantOf(text) !== null

/** A version in a form that is compared without reading its text again. */
export interface VersionOrder {
  /** 0 if there is no version, 1 if the version is not a time, 2 if the version is a time. */
  readonly rank: 0 | 1 | 2
  readonly epochSeconds: number
  /** The fraction's digits of a time, else the text of the version. */
  readonly text: string
}

const NO_VERSION: VersionOrder = { rank: 0, epochSeconds: 0, text: '' }

export function orderOf(version: string | null | undefined): VersionOrder {
  if (!version) return NO_VERSION
  const instant = instantOf(version)
  if (instant === null) return { rank: 1, epochSeconds: 0, text: version }
  return { rank: 2, epochSeconds: instant.epochSeconds, text: instant.fraction }
}

/** As `compareVersions`. */
export const compareOrders = (a: VersionOrder, b: VersionOrder): -1 | 0 | 1 =>
  order(a.rank, b.rank) || order(a.epochSeconds, b.epochSeconds) || order(a.text, b.text)

/**
 * Orders two versions: negative when `a` is older, 0 when they are the same instant, whatever their offsets and
 * precision. None (null, undefined, `''`) is older than anything; what is no ISO 8601 time is older than any time, and
 * among its like goes by code units.
 */
export const compareVersions = (a: string | null | undefined, b: string | null | undefined): -1 | 0 | 1 =>
  a === b ? 0 : compareOrders(orderOf(a), orderOf(b))

/** The newer of two versions, the first when they are equal; null when there is none. */
export function newerVersion(a: string | null | undefined, b: string | null | undefined): string | null {
  return (compareVersions(a, b) >= 0 ? a : b) || null
}
