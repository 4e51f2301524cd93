/** A number that a double cannot represent: `JSON.stringify` writes its digits as they came. */
export interface ExactNumber {
  readonly rawJSON: string
}

/** Node 26 has these; TypeScript's library does not know them yet. */
const { rawJSON, isRawJSON } = JSON as unknown as {
  readonly rawJSON: (literal: string) => ExactNumber
  readonly isRawJSON: (value: unknown) => boolean
}

export const isExactNumber = (value: unknown): value is ExactNumber => isRawJSON(value)

/** Such a literal has at least 16 characters of digits, or an exponent. */
const MAY_BE_INEXACT = /[\d.]{16}|\d[eE][+-]?\d/

/**
 * Parses JSON. A number literal whose decimal value a double cannot give back becomes an `ExactNumber`. Throws a SyntaxError.
 */
export function parseExact(text: string): unknown {
  return MAY_BE_INEXACT.test(text) ? JSON.parse(text, exactly) : JSON.parse(text)
}

export const mayBeInexact = (text: string): boolean => MAY_BE_INEXACT.test(text)

function exactly(_key: string, value: unknown, context?: { readonly source?: string }): unknown {
  if (typeof value !== 'number' || context?.source === undefined) return value
  return decimalOf(context.source) === decimalOf(String(value)) ? value : rawJSON(context.source)
}

/** The same text for the same decimal value: sign, digits without zeros at either end, exponent of the last digit. */
function decimalOf(literal: string): string {
  const match = /^(-?)(\d+)(?:\.(\d+))?(?:e([+-]?\d+))?$/i.exec(literal)
  if (!match) return literal
  const [, sign, whole = '', fraction = '', exponent = '0'] = match
  const digits = `${whole}${fraction}`.replace(/^0+/, '')
  const significant = digits.replace(/0+$/, '')
  if (significant === '') return '0'
  const zerosAtEnd = digits.length - significant.length
  return `${sign}${significant}e${BigInt(exponent) - BigInt(fraction.length) + BigInt(zerosAtEnd)}`
}
