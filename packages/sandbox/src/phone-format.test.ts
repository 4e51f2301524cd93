import { expect, test } from 'vitest'
import { formatPhone, type PhoneFormat } from './phone-format.ts'

test.each<[string, PhoneFormat['countryCode'], string, string | null]>([
  ['NO', 'plus', '900 00 000', '+4790000000'],
  ['NO', 'plus', '+47 900 00 000', '+4790000000'],
  ['NO', 'plus', '004790000000', '+4790000000'],
  ['NO', '00', '+4790000000', '004790000000'],
  ['NO', 'removed', '+47 900 00 000', '90000000'],
  ['NO', 'removed', '0046701234567', '+46701234567'],
  ['NO', '00', '+46701234567', '0046701234567'],
  ['SE', 'plus', '070-123 45 67', '+46701234567'],
  ['SE', 'removed', '+46701234567', '701234567'],
  ['NO', 'plus', '(900) 00.000', '+4790000000'],
  ['NO', 'plus', 'ring Kari', null],
  ['NO', 'plus', '+47', null],
  ['NO', 'plus', '123', null],
  ['NO', 'plus', '1234567890123456', null],
])('a phone of %s with the country code %s: %s is stored as %s', (country, countryCode, phone, stored) => {
  expect(formatPhone(phone, { country, countryCode, refuse: false })).toBe(stored)
})
