import { describe, expect, test } from 'vitest'
import { fieldChanges } from './field-changes.ts'

const property = (key: string, value: string | null) => ({ key, value, valueType: 'String' })

describe('the fields that differ', () => {
  test.each<[string, Record<string, unknown>, Record<string, unknown>, unknown[]]>([
    [
      'a value that changes',
      { firstName: 'A', lastName: 'Z' },
      { firstName: 'B', lastName: 'Z' },
      [{ field: 'firstName', before: 'A', after: 'B' }],
    ],
    ['a value that comes', {}, { email: 'a@b.no' }, [{ field: 'email', before: null, after: 'a@b.no' }]],
    ['a value that goes', { email: 'a@b.no' }, { email: null }, [{ field: 'email', before: 'a@b.no', after: null }]],
    ['a value that is left out', { email: 'a@b.no' }, {}, [{ field: 'email', before: 'a@b.no', after: null }]],
    [
      'a false that was empty',
      { isActive: null },
      { isActive: false },
      [{ field: 'isActive', before: null, after: false }],
    ],
    [
      'one field of an address',
      { address: { line1: 'L', city: 'A' } },
      { address: { city: 'B', line1: 'L' } },
      [{ field: 'address.city', before: 'A', after: 'B' }],
    ],
    [
      'an address that was not there',
      { address: null },
      { address: { city: 'B' } },
      [{ field: 'address.city', before: null, after: 'B' }],
    ],
    [
      'a whole list, when anything in it differs',
      { contacts: [{ id: 'c1' }] },
      { contacts: [{ id: 'c1' }, { id: 'c2' }] },
      [{ field: 'contacts', before: [{ id: 'c1' }], after: [{ id: 'c1' }, { id: 'c2' }] }],
    ],
    [
      'a property, by its key',
      { properties: [property('Parent company', 'false'), property('colour', 'red')] },
      { properties: [property('colour', 'red'), property('Parent company', 'true')] },
      [{ field: 'properties.Parent company', before: 'false', after: 'true' }],
    ],
  ])('tell of %s', (_, before, after, changes) => {
    expect(fieldChanges(before, after)).toEqual(changes)
  })

  test('are all that hold something, for a record that was not there', () => {
    const after = { firstName: 'A', email: null, phone: '', contacts: [], address: { city: 'C', line1: '' } }

    expect(fieldChanges(null, after)).toEqual([
      { field: 'firstName', before: null, after: 'A' },
      { field: 'address.city', before: null, after: 'C' },
    ])
  })

  test('come in the order of the record, what is new at the end', () => {
    const changes = fieldChanges({ name: 'A', email: 'a' }, { phone: '1', email: 'b', name: 'B' })

    expect(changes.map(({ field }) => field)).toEqual(['name', 'email', 'phone'])
  })
})

describe('nothing differs', () => {
  test.each<[string, Record<string, unknown>, Record<string, unknown>]>([
    ['between equal records', { name: 'A', contacts: [{ id: 'c1' }] }, { contacts: [{ id: 'c1' }], name: 'A' }],
    ['between an empty field and an absent one', { email: '', phone: null, contacts: [] }, {}],
    ['between one kind of empty and another', { email: '', contacts: null }, { email: null, contacts: [] }],
    ['between an absent address and an empty one', {}, { address: { city: null, line1: '' } }],
    ['in an absent property and an empty one', { properties: null }, { properties: [property('colour', null)] }],
    [
      'in the times and names that follow from the rest',
      { created: '1', modified: '1', modifiedBy: 'a', fullName: 'A' },
      { created: '2', modified: '2', modifiedBy: 'b', fullName: 'B' },
    ],
    [
      "in Flow's times and names",
      { lastModifiedAt: '1', lastModifiedBy: 'a' },
      { lastModifiedAt: '2', lastModifiedBy: 'b' },
    ],
    [
      'in our own properties, whatever their prefix',
      { properties: [property('flowLastModifiedAt', '1')] },
      { properties: ['flowLastModifiedAt', 'posElementIds', 'flowParentVersion'].map((key) => property(key, '2')) },
    ],
  ])('%s', (_, before, after) => {
    expect(fieldChanges(before, after)).toEqual([])
  })
})
