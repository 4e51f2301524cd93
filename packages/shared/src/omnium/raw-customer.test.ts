import { expect, test } from 'vitest'
import { fieldOf, listOf } from './raw-customer.ts'
import { readOmniumCustomer } from './schema.ts'

test('a list is kept element by element as Omnium answered it, also the elements that can’t be read', () => {
  const contacts = ['not a contact', null, { id: 7, nickname: 'x' }]
  const company = readOmniumCustomer({ customerId: 'C', contacts, addresses: null })!

  expect(listOf(company, 'contacts')).toEqual(contacts)
  expect(listOf(company, 'contacts').map((contact) => fieldOf(contact, 'id'))).toEqual(['', '', '7'])
  expect(listOf(company, 'addresses')).toEqual([])
})
