import { expect, test } from 'vitest'
import { storedValues, type ValueSettings } from './value-modes.ts'

const OFF: ValueSettings = { phoneFormat: null, lowerCaseEmails: false, normalizeTexts: false }
const PLUS = { country: 'NO', countryCode: 'plus', refuse: false } as const
const CUSTOMER = {
  customerId: ' A@Example.com ',
  name: ' Blåbær ',
  email: 'A@Example.com',
  phone: '900 00 000',
  address: { line1: 'Vei 1 ', phone: '900 00 001' },
  contacts: [{ id: ' C1', email: 'B@Example.com', mobile: '900 00 002', phone: '' }],
  notificationPhoneNumbers: ['900 00 003'],
  properties: [{ key: ' k ', value: ' v ' }],
  creditLimit: 5,
  url: null,
}

test('without a mode the fields are stored as they are', () => {
  expect(storedValues(CUSTOMER, OFF)).toBe(CUSTOMER)
})

test('phones are stored in the form of the market, in lists and objects too', () => {
  expect(storedValues(CUSTOMER, { ...OFF, phoneFormat: PLUS })).toEqual({
    ...CUSTOMER,
    phone: '+4790000000',
    address: { line1: 'Vei 1 ', phone: '+4790000001' },
    contacts: [{ ...CUSTOMER.contacts[0], mobile: '+4790000002' }],
    notificationPhoneNumbers: ['+4790000003'],
  })
})

test('a phone that is no phone number is stored as sent, or refused', () => {
  const phone = 'ring Kari'

  expect(storedValues({ phone }, { ...OFF, phoneFormat: PLUS })).toEqual({ phone })
  expect(() => storedValues({ phone }, { ...OFF, phoneFormat: { ...PLUS, refuse: true } })).toThrow(
    expect.objectContaining({ statusCode: 400 }),
  )
})

test('e-mails are stored in lower case', () => {
  const stored = storedValues(CUSTOMER, { ...OFF, lowerCaseEmails: true })

  expect(stored).toMatchObject({ email: 'a@example.com', contacts: [{ email: 'b@example.com' }], name: ' Blåbær ' })
})

test('texts are stored trimmed and in NFC, and ids as sent', () => {
  const stored = storedValues({ ...CUSTOMER, name: ' Bla\u030Abær ' }, { ...OFF, normalizeTexts: true })

  expect(stored).toEqual({
    ...CUSTOMER,
    name: 'Bl\u00E5bær',
    address: { line1: 'Vei 1', phone: '900 00 001' },
    properties: [{ key: ' k ', value: 'v' }],
  })
})
