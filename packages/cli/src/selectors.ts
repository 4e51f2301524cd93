import { SERVICES, type ServiceName } from '@sync/shared/kafka/topics'
import { PARK_REASONS } from '@sync/shared/outcome'
import { InvalidArgumentError, Option } from 'commander'

const AGE_UNITS_MS: Readonly<Record<string, number>> = {
  s: 1_000,
  m: 60_000,
  h: 3_600_000,
  d: 86_400_000,
  w: 604_800_000,
}
const AGE = /^(\d{1,6})(s|m|h|d|w)$/
const ISO = /^\d{4}-\d\d-\d\d(?:[T ]\d\d:\d\d(?::\d\d(?:\.\d+)?)?(?:Z|[+-]\d\d:?\d\d)?)?$/

/** ISO 8601 (without an offset it is UTC) or an age such as `2h`; answers ms since the epoch. */
export function parseTime(text: string, now: number = Date.now()): number {
  const age = AGE.exec(text)
  if (age !== null) return now - Number(age[1]) * AGE_UNITS_MS[age[2]!]!
  const at = ISO.test(text)
    ? Date.parse(/T|\s/.test(text) && !/(?:Z|[+-]\d\d:?\d\d)$/.test(text) ? `${text}Z` : text)
    : NaN
  // A day that no month has would roll over into the next one.
  const [year, month, day] = text.slice(0, 10).split('-').map(Number) as [number, number, number]
  const isDay = new Date(Date.UTC(year, month - 1, day)).getUTCDate() === day
  if (Number.isNaN(at) || !isDay)
    throw new InvalidArgumentError('must be a time such as 2026-11-25T21:00:00Z, or an age such as 2h.')
  return at
}

/** Where a range begins or ends: at a time (ms since the epoch), at an end of the topic, or at offsets by partition. */
export type Position =
  | { readonly time: number }
  | { readonly end: 'earliest' | 'latest' }
  /** By partition; `all` stands for those that are not named, and without it those are left out. */
  | { readonly offsets: ReadonlyMap<number, number>; readonly all?: number }

/** A time, an age, `earliest`, `latest`, an offset (of every partition), or `partition:offset,…`. */
export function parsePosition(text: string): Position {
  if (text === 'earliest' || text === 'latest') return { end: text }
  if (/^\d{1,15}$/.test(text)) return { offsets: new Map(), all: Number(text) }
  if (/^\d{1,6}:\d{1,15}(?:,\d{1,6}:\d{1,15})*$/.test(text)) {
    const pairs = text.split(',').map((pair) => pair.split(':').map(Number) as [number, number])
    const offsets = new Map(pairs)
    if (offsets.size < pairs.length) throw new InvalidArgumentError('names a partition twice.')
    return { offsets }
  }
  try {
    return { time: parseTime(text) }
  } catch {
    throw new InvalidArgumentError(
      'must be a time, an age such as 2h, earliest, latest, an offset, or offsets such as 0:120,3:95.',
    )
  }
}

export function parseCount(text: string): number {
  if (!/^[1-9]\d{0,8}$/.test(text)) throw new InvalidArgumentError('must be a whole number above 0.')
  return Number(text)
}

const collect = (value: string, before: readonly string[] | undefined) => [...(before ?? []), value]

/** The selectors, named alike in every command. */
export const select = {
  service: (choices: readonly ServiceName[] = SERVICES) =>
    new Option('--service <name>', 'the service').choices([...choices]),
  tenant: () => new Option('--tenant <uid>', 'the tenant'),
  customer: () => new Option('--customer <id>', 'the customer, or whatever else the key of a record names'),
  reason: () =>
    new Option('--reason <code>', 'with this reason; may be repeated').argParser(
      (value, before: string[] | undefined) => {
        if (!(PARK_REASONS as readonly string[]).includes(value)) {
          throw new InvalidArgumentError(`must be one of ${PARK_REASONS.join(', ')}.`)
        }
        return collect(value, before)
      },
    ),
  topic: () => new Option('--topic <name>', 'of this topic; may be repeated').argParser(collect),
  since: () => new Option('--since <time>', 'not before this time').argParser((text) => parseTime(text)),
  until: () => new Option('--until <time>', 'not after this time').argParser((text) => parseTime(text)),
  from: () => new Option('--from <position>', 'the first: a time, earliest, or offsets'),
  to: () => new Option('--to <position>', 'up to but without: a time, or offsets'),
  yes: () => new Option('-y, --yes', "don't ask"),
  json: () => new Option('--json', 'print one JSON array'),
  showValues: () => new Option('--show-values', 'also print values, which are personal data'),
}
