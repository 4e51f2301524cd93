import { type Fields, isObject } from '../fields.ts'

const RULE = Symbol('rule')
const ANY_ORDER = Symbol('any order')

/** Stands for a value that can't be written down beforehand. `says` describes it in a difference. */
export interface Rule {
  readonly [RULE]: (value: unknown) => boolean
  readonly says: string
}

interface AnyOrder {
  readonly [ANY_ORDER]: readonly Fields[]
  readonly by: readonly string[]
}

export interface Difference {
  /** Such as `omnium B2B 2001 .address.city`. */
  readonly where: string
  readonly expected: string
  readonly actual: string
}

export const rule = (says: string, holds: (value: unknown) => boolean): Rule => ({ [RULE]: holds, says })

/** A list whose elements are told apart by the fields named, wherever they stand in it. */
export const inAnyOrder = (by: readonly string[], items: readonly Fields[]): AnyOrder => ({ [ANY_ORDER]: items, by })

/** A text that is JSON of exactly this. */
export const jsonOf = (expected: unknown): Rule =>
  rule(`JSON ${JSON.stringify(expected)}`, (value) => {
    try {
      return typeof value === 'string' && differencesOf(expected, JSON.parse(value)).length === 0
    } catch {
      return false
    }
  })

const ISO_TIME = /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?Z$/

/** An ISO 8601 time in UTC, within the two given (ms since the epoch, both included). */
export const timeBetween = (fromMs: number, toMs: number): Rule =>
  rule(`a time from ${new Date(fromMs).toISOString()} to ${new Date(toMs).toISOString()}`, (value) => {
    if (typeof value !== 'string' || !ISO_TIME.test(value)) return false
    const ms = Date.parse(value)
    return ms >= fromMs && ms <= toMs
  })

/** Where two values differ, field by field. A field that only one of them has is a difference, also when it is null. */
export function differencesOf(expected: unknown, actual: unknown, where = ''): Difference[] {
  if (isRule(expected)) {
    return expected[RULE](actual) ? [] : [{ where, expected: expected.says, actual: shown(actual) }]
  }
  if (isAnyOrder(expected)) return unorderedDifferences(expected, actual, where)
  if (Array.isArray(expected) && Array.isArray(actual)) {
    const length = Math.max(expected.length, actual.length)
    return Array.from({ length }, (_, i) => i).flatMap((i) => differencesOf(expected[i], actual[i], `${where}[${i}]`))
  }
  if (isObject(expected) && isObject(actual)) {
    const names = new Set([...Object.keys(expected), ...Object.keys(actual)])
    return [...names].flatMap((name) => differencesOf(expected[name], actual[name], `${where}.${name}`))
  }
  return Object.is(expected, actual) ? [] : [{ where, expected: shown(expected), actual: shown(actual) }]
}

/** Compares rows by id: a row that is missing, or that nobody expected, is one difference. */
export function rowDifferences(
  expected: Readonly<Record<string, unknown>>,
  actual: ReadonlyMap<string, unknown>,
  where: string,
): Difference[] {
  const ids = new Set([...Object.keys(expected), ...actual.keys()])
  return [...ids].flatMap((id) => {
    const at = `${where} ${id}`
    if (!actual.has(id)) return [{ where: at, expected: 'to be there', actual: 'missing' }]
    if (!Object.hasOwn(expected, id)) return [{ where: at, expected: 'not to be there', actual: shown(actual.get(id)) }]
    return differencesOf(expected[id], actual.get(id), `${at} `)
  })
}

function unorderedDifferences({ [ANY_ORDER]: items, by }: AnyOrder, actual: unknown, where: string): Difference[] {
  if (!Array.isArray(actual)) return [{ where, expected: shown(items), actual: shown(actual) }]
  const nameOf = (item: unknown) => `[${by.map((name) => String((item as Fields | null)?.[name])).join(' ')}]`
  const names = actual.map(nameOf)
  const twice = names.filter((name, i) => names.indexOf(name) !== i)
  const differences = twice.map((name) => ({ where: where + name, expected: 'to stand once', actual: 'stands twice' }))
  const wanted = Object.fromEntries(items.map((item) => [nameOf(item), item]))
  for (const name of new Set([...Object.keys(wanted), ...names])) {
    differences.push(...differencesOf(wanted[name], actual[names.indexOf(name)], where + name))
  }
  return differences
}

const isRule = (value: unknown): value is Rule => isObject(value) && RULE in value
const isAnyOrder = (value: unknown): value is AnyOrder => isObject(value) && ANY_ORDER in value

const SHOWN_LENGTH = 120

function shown(value: unknown): string {
  if (value === undefined) return 'nothing'
  const text = JSON.stringify(value, (_name, part) => (isRule(part) ? `(${part.says})` : part))
  return text.length > SHOWN_LENGTH ? `${text.slice(0, SHOWN_LENGTH - 1)}…` : text
}
