import { aCompany, aPerson, aTenant } from '@sync/shared/testing/builders'
import { expect, test } from 'vitest'
import { mapAddresses, mapContacts, mapFields, mapUncompared, omniumKindOf } from './map-to-omnium.ts'

const ODD = [
  '+4799999999',
  'kari+shop@example.com',
  'a@b%2Fc',
  ' spaces stay ',
  '𠮷野 👩‍👩‍👧',
  "O'Neil & Søn",
  '0',
  'null',
] as const

const PERSON = [
  ['firstName', 'firstname'],
  ['lastName', 'lastname'],
  ['email', 'email'],
  ['phone', 'mobile'],
  ['address.line1', 'address'],
  ['address.city', 'city'],
  ['address.postalCode', 'postalCode'],
  ['customerNumber', 'loyaltyId'],
] as const

const COMPANY = [
  ['name', 'companyName'],
  ['email', 'email'],
  ['phone', 'mobile'],
  ['taxId', 'vatNumber'],
  ['address.line1', 'address'],
  ['address.city', 'city'],
  ['address.postalCode', 'postalCode'],
  ['address.countryCode', 'countryCode'],
  ['address.name', 'companyName'],
  ['customerNumber', 'loyaltyId'],
] as const

const rows = [
  ...PERSON.map(([field, from]) => ['B2C', field, from] as const),
  ...COMPANY.map(([field, from]) => ['B2B', field, from] as const),
]

test.each(rows)('%s %s comes from %s: filled, empty or left out', (kind, field, from) => {
  const customerOf = kind === 'B2C' ? aPerson : aCompany
  const mapped = (value: unknown) =>
    mapFields(kind, customerOf({ [from]: value }), aTenant()).find((one) => one.field === field)

  for (const value of ODD) expect(mapped(value)).toEqual({ field, from, value })
  expect(mapped(null)).toEqual({ field, from, value: null })
  expect(mapped('')).toEqual({ field, from, value: null })
  expect(mapped(undefined)).toBeUndefined()
})

test.each([
  ['B2C', 'firstname', ['firstName']],
  ['B2C', 'lastname', ['lastName']],
  ['B2B', 'companyName', ['name', 'address.name']],
] as const)('in %s a %s of - stands for an empty one', (kind, from, fields) => {
  const mapped = mapFields(kind, aCompany({ [from]: '-' }), aTenant())

  for (const field of fields) expect(mapped).toContainEqual({ field, from, value: null })
})

test('a - is an empty value in any field', () => {
  expect(mapFields('B2C', aPerson({ city: '-' }), aTenant())).toContainEqual({
    field: 'address.city',
    from: 'city',
    value: null,
  })
})

test('every field of both tables is mapped, and no other', () => {
  const tenant = aTenant({ parameters: { OMNIUM_CUSTOMER_MARKET_GROUP_ID: 'NO' } })
  const every = Object.fromEntries([...PERSON, ...COMPANY].map(([, from]) => [from, 'x']))

  const names = (kind: 'B2C' | 'B2B') => mapFields(kind, aPerson(every), tenant).map(({ field }) => field)

  expect(names('B2C').toSorted()).toEqual(
    [...PERSON.map(([field]) => field), 'address.countryCode', 'marketGroupId'].toSorted(),
  )
  expect(names('B2B').toSorted()).toEqual([...COMPANY.map(([field]) => field), 'marketGroupId'].toSorted())
})

test("a private customer's country is the tenant's, a business customer's its own", () => {
  const tenant = aTenant({ countryCode: 'SE' })
  const country = (kind: 'B2C' | 'B2B', countryCode: string | undefined) =>
    mapFields(kind, aCompany({ countryCode }), tenant).find(({ field }) => field === 'address.countryCode')

  expect(country('B2C', 'NO')).toEqual({ field: 'address.countryCode', from: null, value: 'SE' })
  expect(country('B2C', undefined)).toEqual({ field: 'address.countryCode', from: null, value: 'SE' })
  expect(country('B2B', 'NO')).toEqual({ field: 'address.countryCode', from: 'countryCode', value: 'NO' })
  expect(country('B2B', undefined)).toBeUndefined()
})

test.each(['B2C', 'B2B'] as const)("%s marketGroupId is the tenant's parameter, unset it is left alone", (kind) => {
  const marketGroup = (parameters: Record<string, string>) =>
    mapFields(kind, aPerson(), aTenant({ parameters })).find(({ field }) => field === 'marketGroupId')

  expect(marketGroup({ OMNIUM_CUSTOMER_MARKET_GROUP_ID: 'NO' })).toEqual({
    field: 'marketGroupId',
    from: null,
    value: 'NO',
  })
  expect(marketGroup({ OMNIUM_CUSTOMER_MARKET_GROUP_ID: '' })).toBeUndefined()
  expect(marketGroup({})).toBeUndefined()
})

test.each([
  ['displayName', 'fullName', 'Kari N', 'Kari N'],
  ['displayName', 'fullName', '', null],
  ['displayName', 'fullName', '-', null],
  ['createdAt', 'created', '2025-01-01T00:00:00Z', '2025-01-01T00:00:00Z'],
  ['createdAt', 'created', null, undefined],
  ['lastModifiedAt', 'modified', '2026-01-01T00:00:00Z', '2026-01-01T00:00:00Z'],
  ['lastModifiedAt', 'modified', '', undefined],
  ['lastModifiedBy', 'modifiedBy', 'till-7', 'till-7'],
  ['lastModifiedBy', 'modifiedBy', null, null],
  ['lastModifiedBy', 'modifiedBy', undefined, undefined],
])('sent but not compared, %s makes %s: %j makes %j', (from, field, value, expected) => {
  expect(mapUncompared('B2C', aPerson({ [from]: value }))[field]).toBe(expected)
  expect(mapUncompared('B2B', aCompany({ [from]: value }))).toEqual({})
})

test.each([
  ['firstname', 'firstName'],
  ['lastname', 'lastName'],
  ['email', 'email'],
  ['mobile', 'phone'],
])("a contact's %s makes its %s", (from, field) => {
  const mapped = (value: unknown) =>
    mapContacts(aCompany({ contacts: [{ customerContactUid: 'c1', [from]: value }] }))?.[0]?.fields

  for (const value of ODD) expect(mapped(value)).toEqual({ [field]: value, privateCustomerId: '2000' })
  expect(mapped('')).toEqual({ [field]: null, privateCustomerId: '2000' })
  expect(mapped(undefined)).toEqual({ privateCustomerId: '2000' })
})

test.each([
  ['address', 'line1'],
  ['city', 'city'],
  ['postalCode', 'postalCode'],
  ['countryCode', 'countryCode'],
  ['email', 'email'],
  ['phone', 'phone'],
  ['companyName', 'name'],
  ['displayName', 'name'],
  ['firstname', 'name'],
  ['lastname', 'name'],
])("an address's %s makes its %s", (from, field) => {
  const mapped = (value: unknown) =>
    mapAddresses(aCompany({ addresses: [{ customerAddressUid: 'a1', [from]: value }] }))?.[0]?.fields

  for (const value of ODD) expect(mapped(value)).toEqual({ [field]: value })
  expect(mapped(null)).toEqual({ [field]: null })
  expect(mapped(undefined)).toEqual({})
})

test.each([
  [{ companyName: 'Acme', displayName: 'D', firstname: 'F', lastname: 'L' }, 'Acme'],
  [{ companyName: '', displayName: 'D', firstname: 'F', lastname: 'L' }, 'D'],
  [{ companyName: null, displayName: null, firstname: 'F', lastname: 'L' }, 'F L'],
  [{ companyName: '-', displayName: '-', firstname: '-', lastname: 'L' }, 'L'],
  [{ firstname: 'F' }, 'F'],
  [{ companyName: null }, null],
  [{}, undefined],
])('an address of %j is named %j', (address, expected) => {
  const mapped = mapAddresses(aCompany({ addresses: [{ customerAddressUid: 'a1', ...address }] }))

  expect(mapped?.[0]?.fields.name).toBe(expected)
})

test.each([
  ['DELIVERY_ADDRESS', ['DELIVERY_ADDRESS']],
  [null, []],
  ['', []],
  [undefined, undefined],
])('an address of type %j has the purposes %j', (type, expected) => {
  const mapped = mapAddresses(aCompany({ addresses: [{ customerAddressUid: 'a1', type }] }))

  expect(mapped?.[0]?.fields.purposes).toEqual(expected)
})

test('a list is left alone when absent, null or ambiguous, empty when emptied, and equal elements count once', () => {
  const ids = (contacts: unknown) => mapContacts(aCompany({ contacts }))?.map(({ id }) => id)

  expect(ids(undefined)).toBeUndefined()
  expect(ids(null)).toBeUndefined()
  expect(ids([])).toEqual([])
  expect(ids([{ customerContactUid: 'c1' }, { customerContactUid: 'c1' }])).toEqual(['c1'])
  expect(ids([{ customerContactUid: 'c1' }, { customerContactUid: 'c1', email: null }])).toBeUndefined()
  expect(ids([{ customerContactUid: 'c1' }, { customerContactUid: '' }])).toBeUndefined()
  expect(ids([{}])).toBeUndefined()
})

test.each([
  ['PERSON', 'B2C'],
  ['COMPANY', 'B2B'],
  ['B2B', 'B2B'],
  ['company', 'B2B'],
  ['ROBOT', null],
])('customerType %s is %s', (customerType, expected) => {
  expect(omniumKindOf(aPerson({ customerType }))).toBe(expected)
})
