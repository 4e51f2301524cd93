import { expect, test } from 'vitest'
import { mergedList } from './omnium-patch-lists.ts'

test.each<[string, string, unknown, unknown, unknown]>([
  [
    'a contact changes the one with its id',
    'contacts',
    [{ id: 'a', phone: '1', role: 'x' }],
    [{ id: 'a', phone: '2' }],
    [{ id: 'a', phone: '2', role: 'x' }],
  ],
  ['a contact with a new id is added', 'contacts', [{ id: 'a' }], [{ id: 'b' }], [{ id: 'a' }, { id: 'b' }]],
  [
    'contacts without an id are added once',
    'contacts',
    [{ email: 'a' }],
    [{ email: 'a' }, { email: 'b' }],
    [{ email: 'a' }, { email: 'b' }],
  ],
  [
    'an address that equals a stored one is not added',
    'addresses',
    [{ line1: 'A', city: null }],
    [{ line1: 'A' }],
    [{ line1: 'A', city: null }],
  ],
  [
    'a changed address is added',
    'addresses',
    [{ externalId: '1', line1: 'A' }],
    [{ externalId: '1', line1: 'B' }],
    [
      { externalId: '1', line1: 'A' },
      { externalId: '1', line1: 'B' },
    ],
  ],
  [
    'relations stay',
    'customerRelations',
    [{ customerId: '1' }],
    [{ customerId: '2' }],
    [{ customerId: '1' }, { customerId: '2' }],
  ],
  ['nothing is removed', 'externalIds', [{ id: '1' }], [], [{ id: '1' }]],
  ['tags are added once', 'tags', ['a', 'b'], ['b', 'c'], ['a', 'b', 'c']],
  ['null clears', 'tags', ['a'], null, null],
  ['a first list is stored', 'tags', undefined, ['a'], ['a']],
])('%s', (_says, name, stored, sent, expected) => {
  expect(mergedList(name, stored, sent)).toEqual(expected)
})
