import { expect, test } from 'vitest'
import type { Fields } from './fields.ts'
import { queryFilter } from './omnium-search-filters.ts'

const ROW = {
  customerId: '1',
  customerNumber: 'L1',
  email: 'Ada@example.com',
  phone: '+4790000000',
  taxId: '999',
  externalIds: [
    { id: 'v1', providerName: 'Voyado' },
    { id: 'x', providerName: 'Other' },
  ],
  properties: [
    { key: 'flowUid', value: '1000' },
    { key: 'a', value: 'b', keyGroup: 'g' },
  ],
  tags: ['vip'],
}

test.each<[Fields, boolean]>([
  [{}, true],
  [{ customerIds: ['2', '1'] }, true],
  [{ customerIds: ['2'] }, false],
  [{ customerIds: [] }, true],
  [{ customerIds: null, email: '' }, true],
  [{ customerId: '1' }, true],
  [{ customerNumbers: ['L1'] }, true],
  [{ customerNumbers: ['L2'] }, false],
  [{ email: 'ada@EXAMPLE.com' }, true],
  [{ email: 'ada@example.co' }, false],
  [{ phone: '+4790000000' }, true],
  [{ phone: '90000000' }, false],
  [{ taxId: '999' }, true],
  [{ externalIds: ['v1'] }, true],
  [{ externalIds: ['Voyado'] }, false],
  [{ properties: [{ key: 'flowUid', value: '1000' }] }, true],
  [{ properties: [{ key: 'flowUid' }] }, true],
  [{ properties: [{ key: 'flowUid', value: 'b' }] }, false],
  [{ properties: [{ key: 'flowUid', value: '1000' }, { key: 'missing' }] }, false],
  [{ property: { key: 'a', keyGroup: 'g' } }, true],
  [{ tags: ['vip'], excludedTags: ['blocked'] }, true],
  [{ excludedTags: ['vip'] }, false],
  [{ email: 'ada@example.com', phone: '1' }, false],
])('the query %o matches: %s', (query, expected) => {
  expect(queryFilter(query)(ROW)).toBe(expected)
})

test.each<[Fields]>([
  [{ customerIds: Array.from({ length: 101 }, (_, i) => String(i)) }],
  [{ customerIds: 'a' }],
  [{ customerIds: [1] }],
  [{ email: 1 }],
  [{ externalIds: [{ id: 'v1' }] }],
  [{ properties: ['a'] }],
])('a filter that makes no sense is refused', (query) => {
  expect(() => queryFilter(query)).toThrow(expect.objectContaining({ statusCode: 400 }))
})
