import { aCompany, anOmniumCustomer, aPerson, aTenant } from '@sync/shared/testing/builders'
import { describe, expect, test } from 'vitest'
import { differences } from './differences.ts'
import { newFlowCustomer } from './map-to-flow.ts'

const WRITTEN = [{ key: 'flowLastModifiedAt', value: '2025-01-01T00:00:00Z' }]

describe('of a record that we wrote', () => {
  const written = (fields: Record<string, unknown>) =>
    anOmniumCustomer({ address: { countryCode: 'NO' }, properties: WRITTEN, ...fields })

  test.each([
    ['firstName', { firstname: 'A' }, { firstName: 'B' }],
    ['lastName', { lastname: '' }, { lastName: 'B' }],
    ['email', { email: null }, { email: 'b@example.com' }],
    ['phone', { mobile: '+4799999999' }, { phone: '4799999998' }],
    ['customerNumber', { loyaltyId: '7' }, {}],
    ['address.line1', { address: 'A 1' }, { address: { line1: 'B 1', countryCode: 'NO' } }],
    ['address.city', { city: 'A' }, {}],
    ['address.postalCode', { postalCode: '0001' }, { address: { postalCode: '1', countryCode: 'NO' } }],
    ['address.countryCode', {}, { address: null }],
  ])('a private %s that differs is named', (field, flow, omnium) => {
    expect(differences(aPerson(flow), written(omnium), aTenant())).toEqual([field])
  })

  test.each([
    ['name', { companyName: '-' }, { name: 'B' }],
    ['email', { email: 'a@example.com' }, { address: { email: 'a@example.com' } }],
    ['taxId', { vatNumber: 'A' }, {}],
    ['address.countryCode', { countryCode: 'SE' }, { address: { countryCode: 'NO' } }],
    ['address.name', { companyName: 'A' }, { name: 'A', address: { name: 'B' } }],
    ['contacts', { contacts: [{ customerContactUid: 'c1' }] }, {}],
    [
      'addresses',
      { addresses: [{ customerAddressUid: 'a1', city: 'A' }] },
      { addresses: [{ externalId: 'a1', city: 'B' }] },
    ],
  ])('a business %s that differs is named', (field, flow, omnium) => {
    expect(differences(aCompany(flow), written(omnium), aTenant())).toEqual([field])
  })

  test.each([
    ['absent in Flow', {}, { firstName: 'A', lastName: 'B', email: 'a@example.com', customerNumber: '7' }],
    ['empty on both sides', { firstname: '-', email: '', mobile: null }, { firstName: '', email: null }],
    ['calculated', { displayName: 'A B' }, { fullName: 'B, A' }],
    [
      'a time or a user',
      { createdAt: '2020-01-01T00:00:00Z', lastModifiedBy: 'A' },
      { created: '2021-01-01T00:00:00Z', modifiedBy: 'B' },
    ],
    ['not mapped', { ledgerNumber: '7' }, { isInactive: true, storeIds: ['1'] }],
  ])('what is %s does not differ', (_what, flow, omnium) => {
    expect(differences(aPerson(flow), written(omnium), aTenant())).toEqual([])
  })

  test('the market group counts when the tenant has one', () => {
    const tenant = aTenant({ parameters: { OMNIUM_CUSTOMER_MARKET_GROUP_ID: 'NO' } })

    expect(differences(aPerson(), written({ marketGroupId: 'SE' }), tenant)).toEqual(['marketGroupId'])
    expect(differences(aPerson(), written({ marketGroupId: 'SE' }), aTenant())).toEqual([])
  })

  test('elements that our last write brought are removed, others stay', () => {
    const ours = { key: 'flowElementIds', value: '{"contacts":["c1"],"addresses":["a1"]}' }
    const omnium = written({
      contacts: [{ id: 'c1' }, { id: 'web' }],
      addresses: [{ externalId: 'web' }],
      properties: [...WRITTEN, ours],
    })

    expect(differences(aCompany({ contacts: [], addresses: [] }), omnium, aTenant())).toEqual(['contacts'])
    expect(differences(aCompany({ contacts: null, addresses: null }), omnium, aTenant())).toEqual([])
    expect(differences(aCompany(), omnium, aTenant())).toEqual([])
  })

  test.each(['not JSON', 'null', '[]', '{"contacts":"c1"}', null])('element ids of %j remove nothing', (value) => {
    const omnium = written({ contacts: [{ id: 'c1' }], properties: [...WRITTEN, { key: 'flowElementIds', value }] })

    expect(differences(aCompany({ contacts: [] }), omnium, aTenant())).toEqual([])
  })
})

describe('of a record that we never wrote', () => {
  const tenant = aTenant({ countryCode: 'NO', parameters: { OMNIUM_CUSTOMER_MARKET_GROUP_ID: 'NO' } })
  const shopper = anOmniumCustomer({
    customerId: '1000',
    firstName: 'Web',
    email: 'web@example.com',
    customerNumber: 'W-1',
    address: { line1: 'A 1', countryCode: 'SE' },
    externalIds: [{ providerName: 'Voyado', id: 'V-1' }],
  })
  const business = anOmniumCustomer({
    customerId: '2000',
    name: 'Web Shop AS',
    email: 'own@example.com',
    phone: '+4700000001',
    address: { email: 'address@example.com', phone: '+4700000002', name: 'Reception', city: 'A' },
    contacts: [{ id: 'web' }],
    addresses: [{ externalId: 'web' }],
  })
  const created = { lastModifiedAt: '2026-01-01T00:00:00Z', contacts: [], addresses: null, loyaltyId: 'V-1' }

  test('what we created in Flow from it does not differ', () => {
    const person = aPerson({ ...newFlowCustomer('B2C', shopper, tenant), ...created, mobile: null })
    const company = aCompany({
      ...newFlowCustomer('B2B', business, tenant),
      ...created,
      loyaltyId: '',
      vatNumber: null,
    })

    expect(differences(person, shopper, tenant)).toEqual([])
    expect(differences(company, business, tenant)).toEqual([])
  })

  test('the first edit in Flow is written with all that differs, so that the same snapshot finds nothing again', () => {
    const person = aPerson({ ...newFlowCustomer('B2C', shopper, tenant), ...created, city: 'B' })
    const company = aCompany({ ...newFlowCustomer('B2B', business, tenant), mobile: '+4700000003' })

    expect(differences(person, shopper, tenant)).toEqual([
      'address.countryCode',
      'address.city',
      'customerNumber',
      'marketGroupId',
    ])
    expect(differences(company, business, tenant)).toEqual(['address.name', 'email', 'phone', 'marketGroupId'])
  })

  test('a contact added in Flow is an edit', () => {
    const company = aCompany({
      ...newFlowCustomer('B2B', business, tenant),
      contacts: [{ customerContactUid: 'c1', firstname: 'A' }],
    })

    expect(differences(company, business, tenant)).toContain('contacts')
  })

  test('a field that was emptied in Flow is an edit', () => {
    const person = aPerson({ ...newFlowCustomer('B2C', shopper, tenant), ...created, email: '' })

    expect(differences(person, shopper, tenant)).toContain('email')
  })

  test("another integration's properties, or our prefix without a value, don't make it ours", () => {
    const properties = [
      { key: 'otherLastModifiedAt', value: 'x' },
      { key: 'flowLastModifiedAt', value: null },
    ]
    const person = aPerson({ ...newFlowCustomer('B2C', shopper, tenant), ...created })

    expect(differences(person, { ...shopper, properties }, tenant)).toEqual([])
  })
})

test('a customer of unknown type is not compared', () => {
  expect(() => differences(aPerson({ customerType: 'ROBOT' }), anOmniumCustomer(), aTenant())).toThrow('customerType')
})
