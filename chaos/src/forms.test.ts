import { expect, it } from 'vitest'
import { formsOf } from './forms.ts'

const modes = [
  { tenant: 'lower', flow: {}, omnium: { lowerCaseEmails: true }, faults: [] },
  {
    tenant: 'phones',
    flow: {},
    omnium: { phoneFormat: { country: 'NO', countryCode: 'removed' as const, refuse: true } },
    faults: [],
  },
  { tenant: 'clean', flow: { normalizeTexts: true }, omnium: {}, faults: [] },
]
const fields = {
  email: ' Kari@Example.com',
  contacts: [{ email: 'OLA@example.com', firstName: 'Zoë'.normalize('NFD') }],
}

it('gives values the form of the tenant’s peers, and no other', () => {
  const formOf = formsOf(modes)

  expect(formOf('lower', fields)).toEqual({
    email: ' kari@example.com',
    contacts: [{ email: 'ola@example.com', firstName: 'Zoë'.normalize('NFD') }],
  })
  expect(formOf('clean', fields)).toEqual({
    email: 'Kari@Example.com',
    contacts: [{ email: 'OLA@example.com', firstName: 'Zoë'.normalize('NFC') }],
  })
  expect(formOf('phones', { mobile: '+4759000001', contacts: [{ phone: '+4759000002' }] })).toEqual({
    mobile: '59000001',
    contacts: [{ phone: '59000002' }],
  })
  expect(formOf('another', fields)).toBe(fields)
})
