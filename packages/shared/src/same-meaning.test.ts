import { expect, it } from 'vitest'
import { sameMeaning } from './same-meaning.ts'

it.each([
  ['mobile', '+47 900 00 000', '90000000', 'NO'],
  ['phone', '900 00 000', '+4790000000', 'NO'],
  ['phone', '0047 90 00 00 00', '+4790000000', 'no'],
  ['phone', '4790000000', '90000000', 'NO'],
  ['phone', '(+47) 900-00-000', '004790000000', 'NO'],
  ['contacts.phone', '070-123 45 67', '+46701234567', 'SE'],
  ['phone', '+46701234567', '0046 70 123 45 67', 'NO'],
  ['phone', '0046701234567', '+46 70-123 45 67', 'US'],
  ['phone', '22 00 00 00 ext. 12', '+4722000000x12', 'NO'],
  ['mobile', '12', ' 1 2 ', 'NO'],
  ['mobile', 'ask Ola', 'ask Ola', 'NO'],
  ['mobile', '90 00 00 00', '90000000', '??'],
  ['email', 'Kari@Example.com', ' kari@example.com', 'NO'],
  ['address.email', 'ÅSE@x.no', 'A\u030Ase@x.no', 'NO'],
  ['firstName', ' A\u030Ase ', 'Åse', 'NO'],
  ['address.city', 'Oslo\u00A0', 'Oslo', 'NO'],
  ['email', '', null, 'NO'],
  ['city', '-', undefined, 'NO'],
  ['phone', '  ', '', 'NO'],
])('a %s of %j means the same as %j in %s', (field, a, b, country) => {
  expect(sameMeaning(field, a, b, country)).toBe(true)
  expect(sameMeaning(field, b, a, country)).toBe(true)
})

it.each([
  ['mobile', '90000000', '90000001', 'NO'],
  ['mobile', '+4790000000', '+4690000000', 'NO'],
  ['mobile', '90000000', '+4790000000', 'SE'],
  ['phone', '22000000 ext. 12', '22000000', 'NO'],
  ['phone', '90000000', null, 'NO'],
  ['email', 'kari@example.com', 'kari@example.org', 'NO'],
  ['email', 'kari@example.com', '', 'NO'],
  ['firstName', 'Kari', 'kari', 'NO'],
  ['name', 'A B', 'AB', 'NO'],
  ['customerNumber', '0012', '12', 'NO'],
])('a %s of %j does not mean the same as %j in %s', (field, a, b, country) => {
  expect(sameMeaning(field, a, b, country)).toBe(false)
})
