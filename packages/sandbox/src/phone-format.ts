/** How a peer stores phones: a country code of the own country that is removed, or written with `+` or `00`. */
export interface PhoneFormat {
  /** The country of numbers without a country code: an ISO 3166 code. */
  readonly country: string
  readonly countryCode: 'removed' | 'plus' | '00'
  /** Refuses a phone that is no phone number; otherwise it is stored as it was sent. */
  readonly refuse: boolean
}

interface Plan {
  readonly code: string
  /** What stands before a number within the country, and not behind the country code. */
  readonly trunk: string
}

const PLANS: Readonly<Record<string, Plan>> = {
  NO: { code: '47', trunk: '' },
  SE: { code: '46', trunk: '0' },
  DK: { code: '45', trunk: '' },
  FI: { code: '358', trunk: '0' },
  IS: { code: '354', trunk: '' },
  DE: { code: '49', trunk: '0' },
  GB: { code: '44', trunk: '0' },
  NL: { code: '31', trunk: '0' },
}
export const PHONE_COUNTRIES = Object.keys(PLANS)

const MIN_DIGITS = 5
const MAX_DIGITS = 15

/** The phone in the peer's form; null: it is no phone number. Blanks and signs between the digits are dropped. */
export function formatPhone(phone: string, { country, countryCode }: PhoneFormat): string | null {
  const { code, trunk } = PLANS[country]!
  const compact = phone.replace(/[\s().\-/\u00a0]/g, '')
  if (!/^\+?\d+$/.test(compact)) return null
  const international = compact.startsWith('+') ? compact.slice(1) : compact.startsWith('00') ? compact.slice(2) : null
  const isOwn = international === null || international.startsWith(code)
  const national = international ?? compact
  const digits =
    international === null ? withoutPrefix(national, trunk) : isOwn ? withoutPrefix(national, code) : national
  if (digits.length < MIN_DIGITS || digits.length > MAX_DIGITS) return null
  if (isOwn && countryCode === 'removed') return digits
  return `${countryCode === '00' ? '00' : '+'}${isOwn ? code : ''}${digits}`
}

const withoutPrefix = (text: string, prefix: string): string =>
  prefix !== '' && text.startsWith(prefix) ? text.slice(prefix.length) : text
