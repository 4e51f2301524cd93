import { isSupportedCountry, parsePhoneNumberFromString } from 'libphonenumber-js/min'

/**
 * Whether two values of a field mean the same, although a peer may store a value in its own form (design/4-peers.md, "Normalised
 * values"): phones by their number, e-mails without regard to case, every text in Unicode NFC and without blanks at its ends. The
 * name of the field, Flow's or Omnium's, tells its type. Empty and absent are the same. `country` (ISO 3166) is the country of a
 * phone without a country code.
 */
export function sameMeaning(field: string, a: Value, b: Value, country: string): boolean {
  const [left, right] = [trimmed(a), trimmed(b)]
  if (left === right) return true
  if (left === null || right === null) return false
  const name = field.slice(field.lastIndexOf('.') + 1).toLowerCase()
  if (name === 'email') return left.toLowerCase() === right.toLowerCase()
  return PHONES.has(name) && samePhone(left, right, country)
}

export type Value = string | null | undefined

const PHONES: ReadonlySet<string> = new Set(['phone', 'mobile'])

function trimmed(value: Value): string | null {
  const text = value?.normalize('NFC').trim() ?? ''
  return text === '' || text === '-' ? null : text
}

function samePhone(a: string, b: string, country: string): boolean {
  if (withoutPunctuation(a) === withoutPunctuation(b)) return true
  const number = phoneOf(a, country)
  return number !== null && number === phoneOf(b, country)
}

const withoutPunctuation = (text: string): string => text.replace(/[\s().\-/]/g, '')

/** A phone with its country code, as `+4790000000`; null for what is no phone. */
function phoneOf(text: string, country: string): string | null {
  const code = country.toUpperCase()
  const number = parsePhoneNumberFromString(text.replace(/[()]/g, ' ').trim().replace(/^00/, '+'), {
    ...(isSupportedCountry(code) && { defaultCountry: code }),
    extract: false,
  })
  return number === undefined ? null : `${number.number}x${number.ext ?? ''}`
}
