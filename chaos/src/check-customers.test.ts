import { createFlowApi } from '@sync/sandbox/flow-api'
import { createOmniumApi } from '@sync/sandbox/omnium-api'
import { describe, expect, it } from 'vitest'
import { checkCustomers, checkGraph } from './check-customers.ts'
import { checkVersions } from './check-versions.ts'
import type { Operation, PlannedTenant } from './operations.ts'
import { expectedEnd } from './oracle.ts'
import type { System } from './system.ts'

const tenant: PlannedTenant = {
  ...{ uid: 't', countryCode: 'NO', marketGroupId: 'MG', propertyPrefix: 'flow', omniumCustomerEvents: 'create' },
}
const company = (uid: string, parent: string | null): Operation => ({
  ...{ atMs: 0, kind: 'flow-create', tenant: 't', uid },
  fields: {
    ...{ customerType: 'COMPANY', companyName: 'Fiktiv AS', email: 'a@example.com' },
    contacts: [
      { customerContactUid: 'k1', firstname: 'Kari', lastname: 'Eksempel' },
      { customerContactUid: 'k2', firstname: 'Ola', lastname: 'Prøve' },
    ],
    ...(parent !== null && { parentCustomer: { customerUid: parent } }),
  },
})
const operations = [company('p', null), company('c', 'p')]
const row = (customerId: string, more: object) => ({
  ...{ customerId, name: 'Fiktiv AS', email: 'a@example.com', marketGroupId: 'MG', phone: '', taxId: null },
  address: { name: 'Fiktiv AS' },
  contacts: [
    { id: 'k2', firstName: 'Ola', lastName: 'Prøve', privateCustomerId: customerId },
    { id: 'k1', firstName: 'Kari', lastName: 'Eksempel', privateCustomerId: customerId },
  ],
  ...more,
})
const relation = (customerId: string, relationType: string) => ({ customerId, relationType, customerType: 'B2B' })
const parent = {
  customerRelations: [relation('c', 'SubDepartment')],
  properties: [{ key: 'Parent company', value: 'true' }],
}
const child = { customerRelations: [relation('p', 'Parent')] }

/** Both systems as they should be after the operations, but for what is given. */
function given(changes: { readonly p?: object; readonly c?: object; readonly flow?: object } = {}) {
  const flow = createFlowApi({ tenants: [{ uid: 't', token: 'x' }] })
  const omnium = createOmniumApi({ tenants: [{ uid: 't', clientId: 'x', clientSecret: 'x' }] })
  for (const operation of operations) {
    if (operation.kind !== 'flow-create') continue
    flow.seed('t', [{ ...operation.fields, customerUid: operation.uid, externalId: operation.uid, ...changes.flow }])
  }
  omnium.seed('t', 'B2B', [row('p', { ...parent, ...changes.p }), row('c', { ...child, ...changes.c })])
  const system = { flow, omnium } as unknown as System
  const expected = expectedEnd([tenant], operations)
  return {
    wrong: [...checkCustomers(system, expected), checkGraph(system, expected)].flatMap(({ wrong }) => wrong),
    omnium,
    again: () => [...checkCustomers(system, expected), checkGraph(system, expected)].flatMap(({ wrong }) => wrong),
  }
}

describe('the check of both systems', () => {
  it('finds nothing where all is as the oracle says, whatever stands for empty and in whatever order', () => {
    expect(given().wrong).toEqual([])
  })

  it.each([
    ['a field', { c: { name: 'Another' } }, ['t:c differs in name']],
    ['a field that should be empty', { c: { phone: '+4700000001' } }, ['t:c differs in phone']],
    ['a field that nobody wrote', { c: { isInactive: true } }, ['t:c differs in isInactive']],
    ['a nested field', { c: { address: { name: 'Fiktiv AS', city: 'Oslo' } } }, ['t:c differs in address']],
    ['a lost contact', { c: { contacts: [] } }, ['t:c differs in contacts']],
    ['a field in Flow', { flow: { email: null } }, ['t:p differs in email', 't:c differs in email']],
    [
      'an id that was not written back',
      { flow: { externalId: null } },
      ['t:p differs in externalId', 't:c differs in externalId'],
    ],
    ['a lost parent', { c: { customerRelations: [] } }, ['t:c: parent [] instead of [p]']],
    ['a lost department', { p: { customerRelations: [] } }, ['t:p: departments [] instead of [c]']],
    [
      'a former department',
      { p: { customerRelations: [relation('c', 'SubDepartment'), relation('x', 'SubDepartment')] } },
      ['t:p: departments [c,x] instead of [c]'],
    ],
    [
      'a property',
      { p: { properties: [{ key: 'Parent company', value: 'false' }] } },
      ['t:p: Parent company is false'],
    ],
    [
      'a relation of somebody else',
      { c: { customerRelations: [relation('p', 'Parent'), relation('x', 'Partner')] } },
      ['t:c: relations that others made have changed'],
    ],
  ])('finds %s', (_, changes, wrong) => {
    expect(given(changes).wrong).toEqual(wrong)
  })

  it('finds who is missing, and who should not be there', () => {
    const { omnium, again } = given()

    omnium.deleteCustomer('t', 'B2B', 'c')
    omnium.seed('t', 'B2C', [{ customerId: 'x' }])

    expect(again()).toEqual(['t:x should not be there', 't:c is missing'])
  })
})

describe('the check of a customer whom both sides edited', () => {
  const update: PlannedTenant = { ...tenant, omniumCustomerEvents: 'update' }
  const birth = { customerType: 'PERSON', firstname: 'Kari', mobile: '1', city: 'Oslo' }
  const both: Operation[] = [
    { ...{ atMs: 0, kind: 'flow-create', tenant: 't', uid: 'k' }, fields: birth },
    { ...{ atMs: 1, kind: 'flow-edit', tenant: 't', uid: 'k' }, fields: { mobile: '2' } },
    { ...{ atMs: 2, kind: 'shop-edit', tenant: 't', id: 'k' }, fields: { mobile: '3' } },
    { ...{ atMs: 3, kind: 'shop-edit', tenant: 't', id: 'k' }, fields: { email: 'web@example.com' } },
  ]
  const wrongOf = (inFlow: object, inOmnium: object) => {
    const flow = createFlowApi({ tenants: [{ uid: 't', token: 'x' }] })
    const omnium = createOmniumApi({ tenants: [{ uid: 't', clientId: 'x', clientSecret: 'x' }] })
    flow.seed('t', [{ ...birth, customerUid: 'k', externalId: 'k', ...inFlow }])
    const address = { city: 'Oslo', countryCode: 'NO' }
    omnium.seed('t', 'B2C', [{ customerId: 'k', firstName: 'Kari', marketGroupId: 'MG', address, ...inOmnium }])
    const system = { flow, omnium } as unknown as System
    return checkCustomers(system, expectedEnd([update], both)).flatMap(({ wrong }) => wrong)
  }

  it.each(['1', '2', '3'])('takes each value that one of them gave, when both systems hold it (%s)', (mobile) => {
    expect(wrongOf({ mobile }, { phone: mobile })).toEqual([])
  })

  it('leaves Omnium what Flow has never had, when somebody gave it', () => {
    const inOmnium = (email: string) => wrongOf({ mobile: '3' }, { phone: '3', email })

    expect(inOmnium('web@example.com')).toEqual([])
    expect(inOmnium('nobody@example.com')).toEqual(['t:k differs in email'])
  })

  it.each([
    ['two values', { mobile: '3' }, { phone: '2' }, ['t:k differs in phone']],
    ['a value that nobody gave', { mobile: '4' }, { phone: '4' }, ['t:k differs in mobile']],
    ['a value that got lost', { mobile: null }, { phone: null }, ['t:k differs in mobile']],
    ['a field that nobody maps', { mobile: '3' }, { phone: '3', tags: ['x'] }, ['t:k differs in tags']],
  ])('finds %s', (_, inFlow, inOmnium, wrong) => {
    expect(wrongOf(inFlow, inOmnium)).toEqual(wrong)
  })
})

describe('the check of versions', () => {
  const V = '2026-01-01T10:00:00.000Z'
  const properties = (version: string | null, parentVersion: string | null) => [
    ...(version === null ? [] : [{ key: 'flowLastModifiedAt', value: version }]),
    ...(parentVersion === null ? [] : [{ key: 'flowParentVersion', value: parentVersion }]),
  ]
  const person: Operation = {
    ...{ atMs: 0, kind: 'flow-create', tenant: 't', uid: 'k' },
    fields: { customerType: 'PERSON', firstname: 'Kari' },
  }
  const wrongOf = (
    version: string | null,
    parentVersion: string | null = V,
    created = V,
    ofPerson: readonly Operation[] = [person],
  ) => {
    const flow = createFlowApi({ tenants: [{ uid: 't', token: 'x' }] })
    const omnium = createOmniumApi({ tenants: [{ uid: 't', clientId: 'x', clientSecret: 'x' }] })
    for (const customerUid of ['p', 'c', 'k']) flow.seed('t', [{ customerUid, createdAt: V, lastModifiedAt: V }])
    omnium.seed('t', 'B2B', [
      row('p', { properties: properties(V, null) }),
      row('c', { properties: properties(version, parentVersion) }),
    ])
    omnium.seed('t', 'B2C', [{ customerId: 'k', created, properties: properties(V, null) }])
    const system = { flow, omnium } as unknown as System
    return checkVersions(system, [tenant], expectedEnd([tenant], [...operations, ...ofPerson]))
  }

  it('finds nothing where each is there and not ahead of Flow', () => {
    expect(wrongOf(V)).toMatchObject({ counted: 4, wrong: [] })
    expect(wrongOf('2026-01-01T09:00:00Z').wrong).toEqual([])
    expect(wrongOf(V, `${V}|p`).wrong).toEqual([])
  })

  it('finds nothing where the web shop created the customer before the customer came to Flow, and what is later', () => {
    const shop: Operation = {
      ...{ atMs: 0, kind: 'omnium-create', tenant: 't', id: 'k', type: 'B2C' },
      fields: { customerId: 'k', firstName: 'Ola' },
    }
    const edit: Operation = { atMs: 1, kind: 'flow-edit', tenant: 't', uid: 'k', fields: { firstname: 'Kari' } }
    expect(wrongOf(V, V, '2026-01-01T09:00:00.000Z', [shop, edit]).wrong).toEqual([])
    expect(wrongOf(V, V, '2026-01-01T11:00:00.000Z', [shop, edit]).wrong).toHaveLength(1)
  })

  it.each([
    ['a version that is lacking', [null], 't:c: flowLastModifiedAt is undefined'],
    ['one that is ahead', ['2026-01-01T11:00:00Z'], 't:c: flowLastModifiedAt is 2026-01-01T11'],
    ['one that is no time', ['newest'], 't:c: flowLastModifiedAt is newest'],
    ['a parent of a version that is ahead', [V, '2026-01-01T11:00:00Z|p'], 't:c: flowParentVersion is 2026-01-01T11'],
    ['a parent without one', [V, null], 't:c: flowParentVersion is undefined'],
    ['another time of creation', [V, V, '2026-01-01T11:00:00.000Z'], 't:k: created 2026-01-01T11'],
  ] as const)('finds %s', (_, [version, parentVersion, created], wrong) => {
    expect(wrongOf(version, parentVersion, created).wrong).toEqual([expect.stringContaining(wrong)])
  })
})
