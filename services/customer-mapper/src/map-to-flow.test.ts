import { anOmniumCustomer, aTenant } from '@sync/shared/testing/builders'
import { expect, test } from 'vitest'
import { loyaltyIdOf, mapToFlow, newFlowCustomer } from './map-to-flow.ts'

const PRIVATE = [
  ['firstname', 'firstName'],
  ['lastname', 'lastName'],
  ['email', 'email'],
  ['mobile', 'phone'],
] as const
const BUSINESS = [
  ['companyName', 'name'],
  ['email', 'email'],
  ['mobile', 'phone'],
  ['vatNumber', 'taxId'],
] as const
const ADDRESS = [
  ['address', 'line1'],
  ['city', 'city'],
  ['postalCode', 'postalCode'],
  ['countryCode', 'countryCode'],
] as const

const rows = (['B2C', 'B2B'] as const).flatMap((kind) => [
  ...(kind === 'B2C' ? PRIVATE : BUSINESS).map(([field, from]) => [kind, field, from, ''] as const),
  ...ADDRESS.map(([field, from]) => [kind, field, from, 'address.'] as const),
])

test.each(rows)('%s %s comes from %s: filled or left out', (kind, field, from, nested) => {
  const mapped = (value: unknown) =>
    mapToFlow(kind, anOmniumCustomer(nested ? { address: { [from]: value } } : { [from]: value }), aTenant())

  for (const value of ['+4799999999', 'a@b%2Fc', '𠮷野 👩‍👩‍👧', '0']) expect(mapped(value)).toEqual({ [field]: value })
  expect(mapped('')).toEqual({})
  expect(mapped(null)).toEqual({})
  expect(mapped(undefined)).toEqual({})
})

test.each([
  ['email', 'email'],
  ['mobile', 'phone'],
])("a business customer's %s is its address's %s before its own", (field, from) => {
  const mapped = (own: unknown, address: unknown) =>
    mapToFlow(
      'B2B',
      anOmniumCustomer({ [from]: own, address: address === undefined ? null : { [from]: address } }),
      aTenant(),
    )

  expect(mapped('own', 'address')).toEqual({ [field]: 'address' })
  expect(mapped('own', '')).toEqual({ [field]: 'own' })
  expect(mapped('own', undefined)).toEqual({ [field]: 'own' })
  expect(mapped(null, 'address')).toEqual({ [field]: 'address' })
  expect(mapToFlow('B2C', anOmniumCustomer({ address: { [from]: 'address' } }), aTenant())).toEqual({})
})

test('a new private customer has names in any case', () => {
  expect(
    newFlowCustomer('B2C', anOmniumCustomer({ customerId: '+47 1%@x', firstName: '', lastName: 'Nord' }), aTenant()),
  ).toEqual({
    customerUid: '+47 1%@x',
    customerType: 'PERSON',
    externalId: '+47 1%@x',
    firstname: '-',
    lastname: 'Nord',
  })
})

test('a new business customer has what Omnium knows', () => {
  expect(newFlowCustomer('B2B', anOmniumCustomer({ customerId: '7', name: 'Acme', taxId: null }), aTenant())).toEqual({
    customerUid: '7',
    customerType: 'COMPANY',
    externalId: '7',
    companyName: 'Acme',
  })
})

const ID = (providerName: string | null, id: string | null = `of ${providerName}`) => ({ providerName, id })

test.each([
  ['by the key alone', { key: 'Club' }, [ID('Voyado'), ID('Club')], 'of Club'],
  ['by the key alone, though it finds nothing', { key: 'Club' }, [ID('Voyado')], null],
  ['by Voyado first', {}, [ID('VoyadoContactId'), ID('Voyado')], 'of Voyado'],
  ['by VoyadoContactId next', { group: 'NO' }, [ID('NO_VoyadoContactId'), ID('VoyadoContactId')], 'of VoyadoContactId'],
  [
    "by the tenant's market group",
    { group: 'NO', own: 'SE' },
    [ID('SE_VoyadoContactId'), ID('NO_VoyadoContactId')],
    'of NO_VoyadoContactId',
  ],
  ["by the record's market group", { own: 'SE' }, [ID('SE_VoyadoContactId')], 'of SE_VoyadoContactId'],
  ['not without a market group', {}, [ID('_VoyadoContactId'), ID('undefined_VoyadoContactId')], null],
  ['not by an empty one', {}, [ID('Voyado', ''), ID('Voyado', null), ID('VoyadoContactId')], 'of VoyadoContactId'],
  ['not by another name', {}, [ID('voyado'), ID(null)], null],
  ['nowhere', {}, undefined, null],
  ['by the names of the guide', {}, [{ source: 'Voyado', value: 'v' }], 'v'],
] as const)('the loyalty id is found %s', (_how, options, externalIds, expected) => {
  const { key, group, own } = options as { key?: string; group?: string; own?: string }
  const tenant = aTenant({
    parameters: { OMNIUM_CUSTOMER_LOYALTY_ID_PROPERTY_KEY: key, OMNIUM_CUSTOMER_MARKET_GROUP_ID: group },
  })
  const customer = anOmniumCustomer({ externalIds, marketGroupId: own })

  expect(loyaltyIdOf(customer, tenant)).toBe(expected)
  expect(mapToFlow('B2C', customer, tenant).loyaltyId ?? null).toBe(expected)
  expect(mapToFlow('B2B', customer, tenant).loyaltyId ?? null).toBe(expected)
})
