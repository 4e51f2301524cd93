import { describe, expect, test } from 'vitest'
import type { Fields } from './fields.ts'
import type { OmniumKind, OmniumRow } from './omnium-customers.ts'
import { applyPatch } from './omnium-patch.ts'

const customer = (fields: Fields): OmniumRow => ({
  customerId: 'c1',
  created: '2026-01-01T00:00:00.000Z',
  modified: '2026-01-02T00:00:00.000Z',
  modifiedBy: 'web',
  ...fields,
})
const property = (key: string, value: string, keyGroup?: string) => ({ key, value, ...(keyGroup && { keyGroup }) })

interface Row {
  readonly does: string
  readonly kind?: OmniumKind
  readonly before: Fields
  readonly patch: Fields
  readonly after: Fields
}

const rows: readonly Row[] = [
  {
    does: 'changes only the values in the request',
    before: { name: 'Nut & Bolt', email: 'a@example.com' },
    patch: { email: 'b@example.com' },
    after: { name: 'Nut & Bolt', email: 'b@example.com' },
  },
  {
    does: 'clears by null',
    before: { phone: '1', taxId: '2' },
    patch: { phone: null },
    after: { phone: null, taxId: '2' },
  },
  {
    does: 'replaces an address whole',
    before: { address: { line1: 'Old Street 1', line2: 'c/o Someone', city: 'Oldtown' } },
    patch: { address: { line1: 'New Street 2' } },
    after: { address: { line1: 'New Street 2' } },
  },
  {
    does: 'replaces lists by what is sent',
    before: { contacts: [{ id: 'k1' }, { id: 'k2' }], customerRelations: [{ customerId: 'p' }] },
    patch: { contacts: [{ id: 'k3' }], customerRelations: [] },
    after: { contacts: [{ id: 'k3' }], customerRelations: [] },
  },
  {
    does: 'merges properties by key when nothing else is said',
    before: { properties: [property('a', '1', 'group'), property('b', '2')] },
    patch: { properties: [property('a', '9'), property('c', '3')] },
    after: { properties: [property('a', '9', 'group'), property('b', '2'), property('c', '3')] },
  },
  {
    does: 'merges properties when told to keep those there are',
    before: { properties: [property('a', '1')] },
    patch: { keepExistingCustomProperties: true, properties: [property('b', '2')] },
    after: { properties: [property('a', '1'), property('b', '2')] },
  },
  {
    does: 'replaces properties when told not to keep those there are',
    before: { properties: [property('a', '1')] },
    patch: { keepExistingCustomProperties: false, properties: [property('b', '2')] },
    after: { properties: [property('b', '2')] },
  },
  {
    does: 'keeps the properties of a request without any',
    before: { properties: [property('a', '1')] },
    patch: { keepExistingCustomProperties: false, name: 'New' },
    after: { name: 'New', properties: [property('a', '1')] },
  },
  {
    does: 'clears properties by null',
    before: { properties: [property('a', '1')] },
    patch: { properties: null },
    after: { properties: null },
  },
  {
    does: 'removes properties by condition before it merges',
    before: { properties: [property('a', '1'), property('b', '2', 'old'), property('c', '3', 'old')] },
    patch: {
      propertiesRemovalConditions: [{ key: 'a' }, { keyGroup: 'old', value: '3' }],
      properties: [property('a', '7')],
    },
    after: { properties: [property('b', '2', 'old'), property('a', '7')] },
  },
  {
    does: 'removes properties without adding any',
    before: { properties: [property('a', '1'), property('b', '2')] },
    patch: { propertiesRemovalConditions: [{ key: 'b' }] },
    after: { properties: [property('a', '1')] },
  },
  {
    does: 'removes nothing for an empty condition',
    before: { properties: [property('a', '1')] },
    patch: { propertiesRemovalConditions: [{}, { key: null }] },
    after: { properties: [property('a', '1')] },
  },
  {
    does: 'ignores what its model lacks',
    before: {},
    patch: { created: '2020-01-01', modified: '2030-01-01', modifiedBy: 'me', fullName: 'Me', name: 'New' },
    after: { name: 'New' },
  },
  {
    does: 'calculates the full name of a private customer',
    kind: 'B2C',
    before: { firstName: 'Ada', lastName: 'Testesen', fullName: 'Ada Testesen' },
    patch: { lastName: 'Prøve' },
    after: { firstName: 'Ada', lastName: 'Prøve', fullName: 'Ada Prøve' },
  },
]

describe('a PATCH', () => {
  for (const { does, kind = 'B2B', before, patch, after } of rows) {
    test(does, () => {
      expect(applyPatch(kind, customer(before), { customerId: 'c1', ...patch })).toEqual(customer(after))
    })
  }

  test('answers the customer itself when nothing changes, so that it is counted as unchanged', () => {
    const before = customer({ name: 'Nut & Bolt', properties: [property('a', '1')] })

    const after = applyPatch('B2B', before, { customerId: 'c1', name: 'Nut & Bolt', properties: [property('a', '1')] })

    expect(after).toBe(before)
  })
})
