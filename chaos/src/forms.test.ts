import { expect, it } from 'vitest'
import { formsOf } from './forms.ts'

const modes = [
  { tenant: 'lower', flow: {}, omnium: { lowerCaseEmails: true }, faults: [] },
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
  expect(formOf('another', fields)).toBe(fields)
})
