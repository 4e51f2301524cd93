import { z } from 'zod'
import { type Fields, isObject } from './fields.ts'
import { formatPhone, PHONE_COUNTRIES, type PhoneFormat } from './phone-format.ts'
import { refusal } from './refusal.ts'

/** How a peer changes the values that it is sent, before it stores them. */
export const ValueModes = {
  /** The form of phones; null: as sent. */
  phoneFormat: z
    .strictObject({
      country: z.enum(PHONE_COUNTRIES).default('NO'),
      countryCode: z.enum(['removed', 'plus', '00']).default('plus'),
      refuse: z.boolean().default(false),
    })
    .nullable()
    .default(null),
  lowerCaseEmails: z.boolean().default(false),
  /** Texts are stored without blanks at their ends, and in Unicode NFC; ids stay as sent. */
  normalizeTexts: z.boolean().default(false),
}

export interface ValueSettings {
  readonly phoneFormat: PhoneFormat | null
  readonly lowerCaseEmails: boolean
  readonly normalizeTexts: boolean
}

const PHONES = ['phone', 'mobile', 'notificationPhoneNumbers']
const EMAILS = ['email', 'notificationEmailAddresses']
const isId = (name: string): boolean => /^(id|key)$|(Id|Ids|Uid)$/.test(name)

/** A customer's fields as the peer stores them, in lists and objects too. Throws a 400 for a phone that is refused. */
export function storedValues(fields: Fields, modes: ValueSettings): Fields {
  const { phoneFormat, lowerCaseEmails, normalizeTexts } = modes
  const changedText = (name: string, text: string): string => {
    const clean = normalizeTexts && !isId(name) ? text.trim().normalize('NFC') : text
    if (clean === '') return clean
    if (EMAILS.includes(name)) return lowerCaseEmails ? clean.toLowerCase() : clean
    return PHONES.includes(name) && phoneFormat !== null ? phoneOf(clean, phoneFormat) : clean
  }
  const changedValue = (name: string, value: unknown): unknown => {
    if (typeof value === 'string') return changedText(name, value)
    if (Array.isArray(value)) return value.map((element) => changedValue(name, element))
    return isObject(value) ? fieldsOf(value) : value
  }
  const fieldsOf = (object: Fields): Fields =>
    Object.fromEntries(Object.entries(object).map(([name, value]) => [name, changedValue(name, value)]))

  return phoneFormat === null && !lowerCaseEmails && !normalizeTexts ? fields : fieldsOf(fields)
}

function phoneOf(phone: string, format: PhoneFormat): string {
  const formatted = formatPhone(phone, format)
  if (formatted === null && format.refuse) throw refusal(400, 'a phone is no phone number')
  return formatted ?? phone
}
