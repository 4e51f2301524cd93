import { describe, expect, it } from 'vitest'
import type { Operation, PlannedTenant } from './operations.ts'
import { expectedEnd } from './oracle.ts'

const tenant: PlannedTenant = {
  ...{ uid: 't', countryCode: 'NO', marketGroupId: 'MG', propertyPrefix: 'flow' },
  omniumCustomerEvents: 'off',
}
type Step = Operation extends infer O ? (O extends Operation ? Omit<O, 'atMs' | 'tenant'> : never) : never
const endOf = (steps: readonly Step[], settings = tenant) =>
  expectedEnd(
    [settings],
    steps.map((step, atMs) => ({ ...step, atMs, tenant: 't' }) as Operation),
  )
const person = (uid: string): Step => ({
  kind: 'flow-create',
  uid,
  fields: { customerType: 'PERSON', firstname: 'Kari', lastname: 'Eksempel', mobile: '+4700000001', countryCode: 'SE' },
})
const company = (uid: string, parent?: string): Step => ({
  kind: 'flow-create',
  uid,
  fields: {
    ...{ customerType: 'COMPANY', companyName: 'Fiktiv AS', countryCode: 'SE' },
    ...(parent !== undefined && { parentCustomer: { customerUid: parent } }),
  },
})

describe('the end of a workload', () => {
  it('is the last edit of each field, in the tenant’s country for a person', () => {
    const end = endOf([
      person('1'),
      { kind: 'flow-edit', uid: '1', fields: { firstname: 'Karin' } },
      { kind: 'flow-edit', uid: '1', fields: { mobile: null } },
    ])

    expect(end.inFlow.get('t:1')?.fields).toMatchObject({ firstname: 'Karin', mobile: null, externalId: '1' })
    expect(end.privateInOmnium.get('t:1')?.fields).toMatchObject({
      ...{ customerId: '1', firstName: 'Karin', lastName: 'Eksempel', phone: null, marketGroupId: 'MG' },
      address: { countryCode: 'NO' },
    })
  })

  it('has both ends of each relation', () => {
    const end = endOf([
      company('p'),
      company('q'),
      company('c', 'p'),
      { kind: 'flow-edit', uid: 'c', fields: { parentCustomer: { customerUid: 'q' } } },
    ])

    expect(end.companies.get('t:c')).toMatchObject({ parent: 'q', children: [] })
    expect(end.companies.get('t:q')).toMatchObject({ parent: null, children: ['c'] })
    expect(end.companies.get('t:p')).toMatchObject({ parent: null, children: [] })
    expect(end.businessInOmnium.get('t:c')?.fields).toMatchObject({ address: { countryCode: 'SE', name: 'Fiktiv AS' } })
  })

  it('brings a customer of the web shop to Flow with an order, or with its event where the tenant wants that', () => {
    const registered: Step = {
      ...{ kind: 'omnium-create', type: 'B2C', id: 'w' },
      fields: { customerId: 'w', firstName: '', lastName: 'Nett', address: { countryCode: 'NO' } },
    }
    const ordered: Step = { kind: 'omnium-order', orderId: 'o', customerId: 'w', type: 'B2C' }

    expect(endOf([registered]).inFlow.size).toBe(0)
    expect(endOf([registered], { ...tenant, omniumCustomerEvents: 'create' }).inFlow.size).toBe(1)
    expect(endOf([registered, ordered]).inFlow.get('t:w')?.fields).toMatchObject({
      ...{ customerType: 'PERSON', firstname: '-', lastname: 'Nett', externalId: 'w' },
    })
  })

  it('leaves open who was last where the web shop edits too, and writes its edits over Flow', () => {
    const end = endOf(
      [
        person('1'),
        person('2'),
        { kind: 'shop-edit', id: '1', fields: { email: 'a@example.com' } },
        { kind: 'flow-edit', uid: '1', fields: { email: null } },
      ],
      { ...tenant, omniumCustomerEvents: 'update' },
    )

    const { given, inOmnium } = end.inFlow.get('t:1')!.contested!
    expect([...given.get('email')!].toSorted()).toEqual(['', 'a@example.com'])
    expect([...given.get('mobile')!]).toEqual(['+4700000001'])
    expect(inOmnium({ email: 'b@example.com' }, {})).toMatchObject({ customerId: '1', email: 'b@example.com' })
    expect(end.privateInOmnium.get('t:1')?.contested).not.toBeNull()
    expect(end.privateInOmnium.get('t:2')?.contested).toBeNull()
  })

  it('knows the value of a field that was edited at rest', () => {
    const tenants: PlannedTenant[] = [{ ...tenant, omniumCustomerEvents: 'update' }]
    const birth: Operation = { ...{ atMs: 0, kind: 'flow-create', tenant: 't', uid: '1' }, fields: { mobile: '1' } }
    const shopEdit = (mobile: string): Operation => ({
      atMs: 0,
      kind: 'shop-edit',
      tenant: 't',
      id: '1',
      fields: { mobile },
    })
    const givenOf = (...atRest: Operation[]) =>
      expectedEnd(tenants, [birth, shopEdit('2')], atRest)
        .inFlow.get('t:1')
        ?.contested?.given.get('mobile')

    expect([...givenOf()!]).toEqual(['1', '2'])
    expect([...givenOf(shopEdit('3'))!]).toEqual(['3'])
  })

  it('tells what must have been written from Flow: not an edit that comes to what the web shop has', () => {
    const fields = { customerId: 'w', firstName: 'Ola', address: { countryCode: 'NO' }, marketGroupId: 'MG' }
    const registered: Step = { kind: 'omnium-create', type: 'B2C', id: 'w', fields }
    const ordered: Step = { kind: 'omnium-order', orderId: 'o', customerId: 'w', type: 'B2C' }
    const isFromFlow = (...edits: object[]) =>
      endOf([
        registered,
        ordered,
        ...edits.map((fields) => ({ kind: 'flow-edit' as const, uid: 'w', fields: { ...fields } })),
      ]).privateInOmnium.get('t:w')?.isFromFlow

    expect(isFromFlow()).toBe(false)
    expect(isFromFlow({ email: null })).toBe(false)
    expect(isFromFlow({ email: 'a@example.com' })).toBe(true)
    expect(endOf([person('1')]).privateInOmnium.get('t:1')?.isFromFlow).toBe(true)
  })

  it('keeps a poison out of Omnium until it is cured', () => {
    const poisoned: Step[] = [{ kind: 'poison', uid: '1', refusal: 400 }, person('1')]

    expect(endOf(poisoned).privateInOmnium.size).toBe(0)
    expect(endOf(poisoned).inFlow.get('t:1')?.fields).toMatchObject({ externalId: null })
    expect([...endOf(poisoned).poison]).toEqual(['t:1'])
    const cured = endOf([...poisoned, { kind: 'cure', uid: '1' }])
    expect(cured.privateInOmnium.size).toBe(1)
    expect([[...cured.poison], [...cured.cured]]).toEqual([[], ['t:1']])
  })

  it('keeps what nobody can map out of Omnium until it is corrected in Flow', () => {
    const spoilt: Step = { kind: 'flow-create', uid: '1', fields: { customerType: 'SUPPLIER', firstname: 'Kari' } }
    const corrected: Step = { kind: 'correct', uid: '1', fields: { customerType: 'PERSON' } }

    expect([...endOf([spoilt]).poison]).toEqual(['t:1'])
    expect(endOf([spoilt]).privateInOmnium.size).toBe(0)
    const end = endOf([spoilt, corrected])
    expect(end.privateInOmnium.get('t:1')?.fields).toMatchObject({ firstName: 'Kari' })
    expect([[...end.poison], [...end.cured]]).toEqual([[], ['t:1']])
  })
})
