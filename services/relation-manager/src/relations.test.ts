import { type OmniumCustomer, readOmniumCustomer } from '@sync/shared/omnium/schema'
import { anOmniumCustomer } from '@sync/shared/testing/builders'
import { describe, expect, test } from 'vitest'
import { hasParent, patchFor, type RelationChange, relationsOf } from './relations.ts'

const parentEntry = (customerId: string, more = {}) => ({
  customerId,
  customerType: 'B2B',
  relationType: 'Parent',
  ...more,
})
const childEntry = (customerId: string, more = {}) => ({
  customerId,
  customerType: 'B2B',
  relationType: 'SubDepartment',
  ...more,
})
const employee = { customerId: 'person-1', customerType: 'B2C', relationType: 'Employee', externalIds: [{ id: 'x' }] }
const isParentCompany = (value: string, more = {}) => ({ key: 'Parent company', value, ...more })
const version = (value: string) => ({ key: 'flowParentVersion', value })
const NOTHING = { parents: [], parentVersion: null, notedParent: undefined, hidden: [] }

const company = (customerRelations?: object[], properties?: object[]) =>
  anOmniumCustomer({ customerId: 'P', customerRelations, properties })
const children = (entries: Record<string, boolean>): RelationChange => ({ children: new Map(Object.entries(entries)) })
const parent = (to: string | null): RelationChange => ({ parent: { to, version: 'v2' }, children: new Map() })

describe('what a company says', () => {
  test('nothing, when it has no relations and no properties', () => {
    expect(relationsOf(company(), 'flow')).toEqual(NOTHING)
    expect(
      relationsOf(anOmniumCustomer({ customerId: 'P', customerRelations: null, properties: null }), 'flow'),
    ).toEqual(NOTHING)
  })

  test('its parents, once each, and the version under the prefix of the tenant', () => {
    const stored = company(
      [childEntry('C1'), parentEntry('A'), employee, parentEntry('A'), parentEntry('Z')],
      [{ key: 'otherParentVersion', value: 'x' }, version('v1')],
    )

    expect(relationsOf(stored, 'flow')).toEqual({ ...NOTHING, parents: ['A', 'Z'], parentVersion: 'v1' })
    expect(relationsOf(stored, 'none').parentVersion).toBeNull()
  })

  test.each([
    ['v1|A', 'v1', 'A'],
    ['v1|', 'v1', null],
    ['v1', 'v1', undefined],
    ['|A', null, 'A'],
    ['v1|A|B', 'v1', 'A|B'],
  ])('the parent of our last write, with its version: %s', (value, parentVersion, notedParent) => {
    expect(relationsOf(company([], [version(value)]), 'flow')).toMatchObject({ parentVersion, notedParent })
  })

  test.each([
    [[], null, true],
    [[], 'A', false],
    [['A'], 'A', true],
    [['A'], null, false],
    [['A', 'Z'], 'A', false],
  ])('parents %j are the parent %s: %s', (parents, to, expected) => {
    expect(hasParent({ parents }, to)).toBe(expected)
  })
})

describe('the patch', () => {
  test.each<[string, ReturnType<typeof company>, RelationChange, object | null]>([
    ['no child, never had one', company(), children({ C: false }), null],
    ['a child that is there', company([childEntry('C')], [isParentCompany('true')]), children({ C: true }), null],
    [
      'a first child',
      company(),
      children({ C: true }),
      { customerRelations: [childEntry('C')], properties: [isParentCompany('true')] },
    ],
    [
      'a child more',
      company([childEntry('C'), employee], [isParentCompany('true')]),
      children({ D: true }),
      { customerRelations: [childEntry('C'), employee, childEntry('D')] },
    ],
    [
      'a child less',
      company([childEntry('C'), employee, childEntry('D')], [isParentCompany('true')]),
      children({ C: false }),
      { customerRelations: [employee, childEntry('D')] },
    ],
    [
      'the last child gone',
      company([childEntry('C'), employee, childEntry('C')], [isParentCompany('true', { keyGroup: 'g' })]),
      children({ C: false }),
      { customerRelations: [employee], properties: [isParentCompany('false', { keyGroup: 'g' })] },
    ],
    [
      'the last child gone from a company that was never called a parent',
      company([childEntry('C')]),
      children({ C: false }),
      { customerRelations: [], properties: [isParentCompany('false')] },
    ],
    [
      'one child for another',
      company([childEntry('C')], [isParentCompany('true')]),
      children({ C: false, D: true }),
      { customerRelations: [childEntry('D')] },
    ],
    [
      'a property that is wrong',
      company([childEntry('C')], [isParentCompany('false')]),
      children({ C: true }),
      { properties: [isParentCompany('true')] },
    ],
    [
      'a property left over',
      company([], [isParentCompany('true')]),
      children({ C: false }),
      { properties: [isParentCompany('false')] },
    ],
    [
      'an entry of the wrong kind, its foreign fields kept',
      company([childEntry('C', { customerType: null, externalIds: [1] })], [isParentCompany('true')]),
      children({ C: true }),
      { customerRelations: [childEntry('C', { externalIds: [1] })] },
    ],
    [
      'a parent',
      company([employee, childEntry('C')]),
      parent('B'),
      { customerRelations: [employee, childEntry('C'), parentEntry('B')], properties: [version('v2|B')] },
    ],
    [
      'another parent',
      company([parentEntry('A', { properties: [] }), employee], [version('v1'), { key: 'theirs', value: 'x' }]),
      parent('B'),
      { customerRelations: [employee, parentEntry('B')], properties: [version('v2|B')] },
    ],
    [
      'one parent instead of two, its foreign fields kept',
      company([parentEntry('A'), parentEntry('B', { properties: ['theirs'] })]),
      parent('B'),
      { customerRelations: [parentEntry('B', { properties: ['theirs'] })], properties: [version('v2|B')] },
    ],
    [
      'no parent any more',
      company([parentEntry('A'), employee], [version('v1')]),
      parent(null),
      { customerRelations: [employee], properties: [version('v2|')] },
    ],
    [
      'a parent and a child at once',
      company([parentEntry('A')]),
      { ...parent('B'), ...children({ C: true }) },
      {
        customerRelations: [parentEntry('B'), childEntry('C')],
        properties: [version('v2|B'), isParentCompany('true')],
      },
    ],
  ])('%s', (_name, stored, change, expected) => {
    expect(patchFor(stored, change, 'flow')?.fields ?? null).toEqual(expected)
  })

  test('says which fields change for whose sake', () => {
    const patch = patchFor(company([childEntry('D')]), { ...parent('B'), ...children({ C: true, D: true }) }, 'flow')

    expect(patch?.changedByParent).toEqual(['customerRelations', 'properties.flowParentVersion'])
    expect(patch?.changedByChildren).toEqual(['customerRelations', 'properties.Parent company'])
    expect([...patch!.children]).toEqual(['C'])
  })

  test('once written, there is nothing left to change', () => {
    const stored = company([parentEntry('A'), childEntry('D'), employee], [isParentCompany('true')])
    const change = { ...parent('B'), ...children({ C: true, D: false }) }

    const { fields } = patchFor(stored, change, 'flow')!
    const properties = [...stored.properties!, ...fields.properties!]

    expect(patchFor(company(fields.customerRelations, properties), change, 'flow')).toBeNull()
  })
})

describe('what a company answers and nobody can read', () => {
  const answered = (customerRelations: unknown, properties: unknown = [version('v1'), 'odd']) =>
    readOmniumCustomer({ customerId: 'P', customerRelations, properties }) as OmniumCustomer
  const hidden = (...company: Parameters<typeof answered>) => relationsOf(answered(...company), 'flow').hidden

  test.each([
    ['a text', 'none'],
    ['an object', {}],
    ['a list with a text in it', ['a text', parentEntry('A')]],
    ['a list with null in it', [null]],
    ['a list with an id that can’t be read', [{ customerId: {}, relationType: 'Employee' }]],
    ['a parent without an id', [{ relationType: 'Parent' }]],
    ['a sub-department whose id is empty', [{ customerId: '', relationType: 'SubDepartment' }]],
    ['a company without a type', [parentEntry('A', { relationType: undefined })]],
    ['a company whose type is a dash', [parentEntry('A', { relationType: '-' })]],
    ['neither an id nor a type', [{}]],
  ])('hides its relations: %s', (_what, relations) => {
    expect(hidden(relations)).toEqual(['customerRelations'])
    expect(relationsOf(answered(relations), 'flow').parents).toEqual([])
  })

  test.each([null, undefined])('hides relations that we wrote, or have to stand there, behind %j', (relations) => {
    expect(hidden(relations, [version('v1|A')])).toEqual(['customerRelations'])
    expect(hidden(relations, [isParentCompany('true')])).toEqual(['customerRelations'])
    expect(hidden(relations, [version('v1|'), isParentCompany('false')])).toEqual([])
    expect(hidden(relations, [version('v1')])).toEqual([])
    expect(hidden(relations, null)).toEqual([])
    expect(hidden([], [version('v1|A'), isParentCompany('true')])).toEqual([])
  })

  test('hides the version of its parent with all other properties', () => {
    expect(hidden([parentEntry('A')], 'none')).toEqual(['properties'])
    expect(hidden([parentEntry('A')], [version('v1'), 'odd'])).toEqual([])
  })

  test('is not sent back', () => {
    const odd = { customerId: '17', relationType: 'Partner', customerType: {} }
    const isSendable = (relations: object[]) => patchFor(answered(relations), parent('B'), 'flow')?.isSendable

    expect(isSendable([odd, parentEntry('A')])).toBe(false)
    expect(isSendable([{ ...odd, customerType: 'B2B', note: {} }, parentEntry('A')])).toBe(true)
    expect(isSendable([parentEntry('B', { customerType: {} })])).toBe(true)
    expect(isSendable([parentEntry('B'), odd])).toBe(true)
  })

  test('goes back as it came where it can be read, also relations of another type to nobody', () => {
    const theirs = { customerId: 17, customerType: 'B2B', relationType: 'SubDepartment', note: {} }
    const partners = [
      { relationType: 'Partner', note: 1 },
      { relationType: 'Partner', note: 1 },
    ]
    const stored = [theirs, ...partners, { customerId: '-', relationType: 'Partner' }]

    expect(hidden([...stored, parentEntry('A')])).toEqual([])
    const patch = patchFor(answered([...stored, parentEntry('A')]), parent('B'), 'flow')

    expect(patch?.fields.customerRelations).toEqual([...stored, parentEntry('B')])
  })
})
