/** ECMAScript 2026, which the types do not know yet. */
interface SourceTextJson {
  rawJSON(text: string): object
  isRawJSON(value: unknown): boolean
  parse(text: string, reviver?: (key: string, value: unknown, context: { source?: string }) => unknown): unknown
}
const json = JSON as unknown as SourceTextJson

/** Whether a text may hold a number literal that a double cannot represent: such a literal has 16 digits, or an exponent. */
const MAY_BE_INEXACT = /\d[\d.]{15}|\d[eE][+-]?\d/
const LITERAL = /^(-?)(\d+)(?:\.(\d+))?(?:[eE]([+-]?\d+))?$/

/**
 * `JSON.parse`, except that a number literal that a double cannot represent becomes a raw JSON value (`JSON.rawJSON`), which
 * `JSON.stringify` writes with every digit. Such a value is a frozen object: `structuredClone` refuses it.
 */
export function parseExactJson(text: string): unknown {
  return MAY_BE_INEXACT.test(text) ? json.parse(text, keepExact) : json.parse(text)
}

/** A scalar of JSON as text, a number with every digit; undefined for an object, a list and null. */
export function scalarText(value: unknown): string | undefined {
  if (typeof value === 'string') return value
  if (typeof value === 'number' || typeof value === 'boolean') return String(value)
  return isRawNumber(value) ? value.rawJSON : undefined
}

/** A number literal that a double cannot represent, as `parseExactJson` keeps it. */
export const isRawNumber = (value: unknown): value is { readonly rawJSON: string } => json.isRawJSON(value)

function keepExact(_key: string, value: unknown, { source }: { source?: string }): unknown {
  if (typeof value !== 'number' || source === undefined) return value
  return isExact(value, source) ? value : json.rawJSON(source)
}

const isExact = (value: number, source: string): boolean =>
  String(value) === source || (Number.isFinite(value) && decimalOf(String(value)) === decimalOf(source))

/** A decimal number in one spelling: its digits without zeros at the ends, and the power of ten behind them. */
function decimalOf(literal: string): string {
  const [, sign = '', whole = '', fraction = '', exponent = '0'] = LITERAL.exec(literal) ?? []
  const digits = `${whole}${fraction}`.replace(/^0+/, '')
  const significant = digits.replace(/0+$/, '')
  if (significant === '') return '0'
  return `${sign}${significant}e${Number(exponent) - fraction.length + digits.length - significant.length}`
}
