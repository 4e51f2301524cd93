import { expect, test } from 'vitest'
import { fieldPaths, fieldsOutsideOf, type OmniumModel } from './omnium-models.ts'

test.each<[OmniumModel, unknown, readonly string[]]>([
  ['OmniumPrivateCustomer', { customerId: '1', firstName: 'A', mobile: '1' }, ['mobile']],
  ['OmniumPrivateCustomer', { fullName: 'A B', modified: '2026-01-01T00:00:00Z' }, []],
  ['OmniumPrivateCustomerPatch', { fullName: 'A B', modified: '2026-01-01T00:00:00Z' }, ['fullName', 'modified']],
  ['OmniumPrivateCustomerPatch', { contacts: [], taxId: '1' }, ['contacts', 'taxId']],
  ['OmniumBusinessCustomerPatch', { contacts: [{ id: '1', mobile: '1' }, { mobile: '2' }] }, ['contacts.mobile']],
  ['OmniumBusinessCustomer', { address: { line1: 'A', street: 'A' } }, ['address.street']],
  [
    'OmniumBusinessCustomer',
    { contacts: [{ address: { zip: '1' }, properties: [{ name: 'a' }] }] },
    ['contacts.address.zip', 'contacts.properties.name'],
  ],
  [
    'OmniumBusinessCustomer',
    { customerRelations: [{ relationType: 'Parent', parent: '1' }] },
    ['customerRelations.parent'],
  ],
  [
    'OmniumBusinessCustomer',
    { externalIds: [{ value: '1', source: 'a' }] },
    ['externalIds.value', 'externalIds.source'],
  ],
  ['OmniumBusinessCustomer', { assets: [{ anything: 1 }], tags: ['a'] }, []],
  [
    'OmniumCustomerSearchRequest',
    { take: 1, page: 0, modifiedSince: 'a', properties: [{ key: 'a', value: 'b' }] },
    ['modifiedSince'],
  ],
  ['OmniumOrderSearchRequest', { take: 1, orderIds: ['1'] }, ['orderIds']],
  [
    'OmniumPrivateCustomer',
    [
      { customerId: '1', a: 1 },
      { customerId: '2', b: 1 },
    ],
    ['a', 'b'],
  ],
  ['OmniumPrivateCustomer', 'a text', []],
])('the fields that %s lacks are named by their path', (model, body, expected) => {
  expect(fieldsOutsideOf(model, body)).toEqual(expected)
})

test('an allowed path is not named, but the same name elsewhere is', () => {
  const body = { extra: 1, address: { extra: 1 } }

  expect(fieldsOutsideOf('OmniumPrivateCustomer', body, new Set(['extra']))).toEqual(['address.extra'])
})

test('the paths of all fields of a value are those of its lists and objects too', () => {
  const value = { a: 1, list: [{ b: 1 }, { c: { d: 1 } }], texts: ['x'] }

  expect(fieldPaths(value)).toEqual(['a', 'list', 'list.b', 'list.c', 'list.c.d', 'texts'])
})
