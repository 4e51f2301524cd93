import type { FlowCustomer } from '@sync/shared/flow/schema'
import { readOmniumCustomer } from '@sync/shared/omnium/schema'
import { aCompany, anOmniumCustomer, aPerson, aTenant } from '@sync/shared/testing/builders'
import { describe, expect, test } from 'vitest'
import { type Cure, driftsOf, type Ends, endsOf, type Pair, relationDrifts } from './reconcile-compare.ts'

const at = (day: number) => `2026-01-0${day}T10:00:00Z`
const wrote = (version: string) => ({ key: 'flowLastModifiedAt', value: version })
const parentIs = (customerId: string) => ({ customerId, customerType: 'B2B', relationType: 'Parent' })
const listsChild = (customerId: string) => ({ customerId, customerType: 'B2B', relationType: 'SubDepartment' })

/** Without more they are the same customer, linked, and last written at version 1. */
const flowPerson = (fields: object = {}) => aPerson({ externalId: '1000', firstname: 'A', ...fields })
const omniumPerson = (fields: object = {}) =>
  anOmniumCustomer({ firstName: 'A', address: { countryCode: 'NO' }, properties: [wrote(at(1))], ...fields })
const flowCompany = (fields: object = {}) => aCompany({ externalId: '2000', ...fields })
const omniumCompany = (customerRelations: object[] = [], properties: object[] = []) =>
  anOmniumCustomer({ customerId: '2000', customerRelations, properties: [wrote(at(1)), ...properties] })

const NOBODY: Pair = { flow: null, private: null, business: null }
const person = (pair: Partial<Pair>, tenant = aTenant()) => driftsOf('1000', { ...NOBODY, ...pair }, tenant)
const company = (flow: FlowCustomer, business = omniumCompany()) =>
  driftsOf('2000', { ...NOBODY, flow, business }, aTenant())

const PERSON = { tenant: 'acme', customer: '1000' }
const FROM_FLOW = { repair: 'repaired', cure: { by: 'flow-notification' } }
const REPORTED = { repair: 'reported', why: expect.stringMatching(/./), cure: null }
const change = (field: string, before: unknown, after: unknown) => ({ field, before, after })

describe('one customer', () => {
  const newerInOmnium = omniumPerson({ properties: [wrote(at(2))] })
  const flowDepartment = flowCompany({ parentCustomer: { customerUid: 'P' } })
  const madeInFlow = flowCompany({ createdAt: at(1), lastModifiedAt: at(1) })
  const departmentOfTheShop = anOmniumCustomer({ customerId: '2000', customerRelations: [parentIs('P')] })

  test.each([
    ['that nobody has', person({})],
    ['that is the same in both', person({ flow: flowPerson(), private: omniumPerson() })],
    ['that is the same in a newer version', person({ flow: flowPerson(), private: newerInOmnium })],
    ['that is a company without a parent in both', company(flowCompany())],
    ['that is a company with one parent in both', company(flowDepartment, omniumCompany([parentIs('P')]))],
    ['that we made in Flow, which can not know its parent', company(madeInFlow, departmentOfTheShop)],
  ])('%s does not drift', (_, drifts) => {
    expect(drifts).toEqual([])
  })

  const robot = aPerson({ customerType: 'ROBOT' })
  const bothKinds = { flow: flowPerson(), business: omniumCompany() }
  test.each<[string, Partial<Pair>, object]>([
    ['missing in omnium', { flow: flowPerson() }, { kind: 'missing-in-omnium', target: 'omnium', ...FROM_FLOW }],
    ['missing in flow', { private: omniumPerson() }, { kind: 'missing-in-flow', target: 'flow', ...REPORTED }],
    ['of no type that we know', { flow: robot }, { kind: 'unmappable', target: 'flow', ...REPORTED }],
    ['of the other kind in omnium', bothKinds, { kind: 'type-conflict', target: 'omnium', ...REPORTED }],
  ])('%s drifts as a whole', (_, pair, expected) => {
    expect(person(pair)).toEqual([{ ...PERSON, changes: [], ...expected }])
  })

  test('with other fields in omnium is read again from flow', () => {
    const flow = flowPerson({ firstname: 'B', email: '', city: 'O' })
    const own = omniumPerson({ email: 'a@b.no' })

    const drifts = person({ flow, private: own })

    const changes = [change('firstName', 'A', 'B'), change('email', 'a@b.no', null), change('address.city', null, 'O')]
    expect(drifts).toEqual([{ ...PERSON, kind: 'field', target: 'omnium', changes, ...FROM_FLOW }])
  })

  test('edited in omnium later is read again from omnium, where the tenant wants that', () => {
    const flow = flowPerson({ email: 'old@b.no' })
    const own = omniumPerson({ email: 'new@b.no', modified: at(2) })

    const flowWins = person({ flow, private: own })
    const laterWins = person({ flow, private: own }, aTenant({ omniumCustomerEvents: 'update' }))

    const cure: Cure = { by: 'omnium-notification', kind: 'B2C' }
    const changes = [change('email', 'old@b.no', 'new@b.no')]
    expect(flowWins).toMatchObject([{ kind: 'field', target: 'omnium', ...FROM_FLOW }])
    expect(laterWins).toMatchObject([{ kind: 'field', target: 'flow', changes, repair: 'repaired', cure }])
  })

  test('not linked in flow is read again from flow', () => {
    const drifts = person({ flow: flowPerson({ externalId: null }), private: omniumPerson() })

    const changes = [change('externalId', null, '1000')]
    expect(drifts).toMatchObject([{ kind: 'link', target: 'flow', changes, ...FROM_FLOW }])
  })

  test('newer in omnium is only reported, and its link is left alone', () => {
    const flow = flowPerson({ firstname: 'B', externalId: null })

    const drifts = person({ flow, private: newerInOmnium })

    const changes = [{ field: 'firstName' }]
    expect(drifts).toMatchObject([{ kind: 'newer-in-omnium', target: 'omnium', changes, ...REPORTED }])
  })
})

describe("a company's parent", () => {
  test.each([
    ['is missing in omnium', 'P', []],
    ['is another one in omnium', 'P', ['Q']],
    ['is one of several in omnium', 'P', ['P', 'Q']],
  ])('that %s is observed anew', (_, parent, before) => {
    const flow = flowCompany({ parentCustomer: { customerUid: parent } })

    const drifts = company(flow, omniumCompany(before.map(parentIs)))

    const about = { tenant: 'acme', customer: '2000', kind: 'parent', target: 'omnium', related: parent }
    const changes = [change('customerRelations', before, [parent])]
    const cure: Cure = { by: 'parent-observed', parent, version: at(1) }
    expect(drifts).toEqual([{ ...about, changes, repair: 'repaired', cure }])
  })

  test('that flow has no more is observed anew, though this version was written', () => {
    const written = [{ key: 'flowParentVersion', value: at(1) }]

    const drifts = company(flowCompany(), omniumCompany([parentIs('Q')], written))

    const changes = [change('customerRelations', ['Q'], [])]
    expect(drifts).toMatchObject([{ kind: 'parent', changes, cure: { by: 'parent-observed', parent: null } }])
    expect(drifts[0]).not.toHaveProperty('related')
  })

  test.each([
    ['is the company itself', '2000', at(1)],
    ['omnium knows a newer version of', 'P', at(2)],
  ])('that %s is only reported', (_, customerUid, value) => {
    const own = omniumCompany([], [{ key: 'flowParentVersion', value }])

    const drifts = company(flowCompany({ parentCustomer: { customerUid } }), own)

    expect(drifts).toMatchObject([{ kind: 'parent', ...REPORTED }])
  })

  test.each([
    ['a text', 'odd', 'customerRelations'],
    ['null after our write of a parent', null, 'customerRelations'],
  ])(
    'is not compared where omnium answers its relations as %s, and that is reported',
    (_, customerRelations, field) => {
      const noted = [...omniumCompany().properties!, { key: 'flowParentVersion', value: `${at(1)}|Q` }]
      const own = readOmniumCustomer({ ...omniumCompany(), customerRelations, properties: noted })!

      const drifts = company(flowCompany({ parentCustomer: { customerUid: 'P' } }), own)

      expect(drifts).toMatchObject([{ kind: 'parent', changes: [{ field }], ...REPORTED }])
      expect(endsOf(own, aTenant())).toMatchObject({ isHidden: true, parents: [], children: [] })
    },
  )

  test('drifts besides the fields', () => {
    const drifts = company(flowCompany({ companyName: 'B', parentCustomer: { customerUid: 'P' } }))

    expect(drifts.map(({ kind }) => kind)).toEqual(['field', 'parent'])
  })
})

describe("a company's list of sub-departments", () => {
  const empty: Ends = { id: 'P', parents: [], parentVersion: '', children: [], parentCompany: null, isHidden: false }
  const P = (children: string[], parentCompany: string | null) => ({ ...empty, children, parentCompany })
  const named = (...parents: string[]) => ({ parents, parentVersion: at(3) })
  const drifts = (ends: Ends | null, children: Record<string, ReturnType<typeof named> | null>) =>
    relationDrifts('acme', 'P', ends, new Map(Object.entries(children)))
  const looksAt = (child: string, to: string | null, version = at(3)) => ({ by: 'child-changed', child, to, version })

  test.each([
    ['agrees with its children', P(['C'], 'true'), { C: named('P') }],
    ['is empty and always was', P([], null), {}],
    ['is empty by now', P([], 'false'), {}],
  ])('does not drift when it %s', (_, ends, children) => {
    expect(drifts(ends, children)).toEqual([])
  })

  test.each([
    ['lacks a child that names it', P(['D'], 'true'), { D: named('P'), C: named('P') }, true, looksAt('C', 'P')],
    ['is empty though a child names it', P([], null), { C: named('P') }, true, looksAt('C', 'P')],
    ['holds a child that names another', P(['C'], 'true'), { C: named('Q') }, false, looksAt('C', 'Q')],
    ['holds a child that names none', P(['C'], 'true'), { C: named() }, false, looksAt('C', null)],
    ['holds a child that is gone', P(['C'], 'true'), { C: null }, false, looksAt('C', null, '')],
  ])('that %s is made to agree', (_, ends, children, isNamed, cure) => {
    const about = { tenant: 'acme', customer: 'P', kind: 'one-sided-relation', target: 'omnium', related: 'C' }
    const changes = [change('customerRelations', !isNamed, isNamed)]

    const [found] = drifts(ends, children)
    expect(found).toEqual({ ...about, changes, repair: 'repaired', cure })
  })

  test('drifts in `Parent company` as well, when that does not fit what its children say', () => {
    expect(drifts(P([], null), { C: named('P') }).map(({ kind }) => kind)).toEqual([
      'one-sided-relation',
      'parent-company',
    ])
    expect(drifts(P([], 'true'), { C: named('P') }).map(({ kind }) => kind)).toEqual(['one-sided-relation'])
    expect(drifts(P(['X'], 'false'), { X: named() }).map(({ kind }) => kind)).toEqual(['one-sided-relation'])
  })

  test('is only reported when the company that a child names is not there', () => {
    expect(drifts(null, { C: named('P') })).toMatchObject([{ kind: 'one-sided-relation', related: 'C', ...REPORTED }])
  })

  test.each([
    ['false though it has children', P(['C'], 'false'), { C: named('P') }, 'true', looksAt('C', 'P')],
    ['missing though it has children', P(['C'], null), { C: named('P') }, 'true', looksAt('C', 'P')],
    ['true though it has none', P([], 'true'), {}, 'false', looksAt('P', null, '')],
  ])('with `Parent company` %s is looked at again', (_, ends, children, should, cure) => {
    const changes = [change('properties.Parent company', ends.parentCompany, should)]

    expect(drifts(ends, children)).toMatchObject([{ kind: 'parent-company', changes, repair: 'repaired', cure }])
  })

  test('is read off its record, each child once', () => {
    const relations = [listsChild('C1'), parentIs('A'), listsChild('C2'), listsChild('C1')]
    const version = { key: 'flowParentVersion', value: at(1) }

    const ends = endsOf(omniumCompany(relations, [{ key: 'Parent company', value: 'true' }, version]), aTenant())

    const lists = { children: ['C1', 'C2'], parentCompany: 'true', isHidden: false }
    expect(ends).toEqual({ id: '2000', parents: ['A'], parentVersion: at(1), ...lists })
  })

  test('cannot be read with a sub-department that names no company', () => {
    expect(endsOf(omniumCompany([listsChild('C1'), listsChild('')]), aTenant()).isHidden).toBe(true)
  })
})
