import { aCompany, anOmniumCustomer, aPerson, aTenant } from '@sync/shared/testing/builders'
import { describe, expect, test } from 'vitest'
import { decideUpsert } from './decide.ts'
import { decideFlowUpdate } from './decide-flow.ts'

const wrote = { key: 'flowLastModifiedAt', value: '2026-01-01T00:00:00Z' }
const ids = { key: 'flowElementIds', value: '{"contacts":["c1"],"addresses":["a1"]}' }
const tenant = aTenant()
const upsert = (kind: 'B2C' | 'B2B', flow: object, own: object) =>
  decideUpsert(
    kind,
    (kind === 'B2C' ? aPerson : aCompany)({ lastModifiedAt: '2026-01-02T00:00:00Z', ...flow }),
    { own: anOmniumCustomer({ properties: [wrote, ids], ...own }), otherKindExists: false, isFromSearch: false },
    tenant,
  )

const PERSON = {
  firstname: 'Kari ',
  lastname: 'A\u030As',
  email: 'Kari@Example.com',
  mobile: '900 00 000',
  city: ' Oslo',
}
const PERSON_IN_OMNIUM = {
  ...{ firstName: 'Kari', lastName: '\u00C5s', email: 'kari@example.com', phone: '+4790000000' },
  address: { city: 'Oslo', countryCode: 'NO' },
}
const COMPANY = {
  ...{ companyName: 'Shop AS ', email: 'Post@Shop.no', mobile: '0047 22 00 00 00', countryCode: 'NO' },
  contacts: [{ customerContactUid: 'c1', firstname: 'Ola ', email: 'Ola@Shop.no', mobile: '901 00 000' }],
  addresses: [{ customerAddressUid: 'a1', address: 'Gata 1 ', email: 'Lager@Shop.no', phone: '22 00 00 01' }],
}
const COMPANY_IN_OMNIUM = {
  ...{ customerId: '2000', name: 'Shop AS', email: 'post@shop.no', phone: '22000000' },
  address: { countryCode: 'NO', name: 'Shop AS' },
  contacts: [
    { id: 'c1', firstName: 'Ola', email: 'ola@shop.no', phone: '+4790100000', privateCustomerId: '2000' },
    { id: 'web', phone: '1' },
  ],
  addresses: [{ externalId: 'a1', line1: 'Gata 1', email: 'lager@shop.no', phone: '+4722000001' }],
}

describe('a value that Omnium stored in its own form', () => {
  test('is not written again', () => {
    expect(upsert('B2C', PERSON, PERSON_IN_OMNIUM)).toEqual({ do: 'nothing', reason: 'unchanged' })
    expect(upsert('B2B', COMPANY, COMPANY_IN_OMNIUM)).toEqual({ do: 'nothing', reason: 'unchanged' })
  })

  test('keeps its form when something else is edited', () => {
    const person = upsert('B2C', { ...PERSON, city: 'Bergen' }, PERSON_IN_OMNIUM)
    const contacts = [{ ...COMPANY.contacts[0], firstname: 'Olav' }]
    const company = upsert('B2B', { ...COMPANY, contacts }, COMPANY_IN_OMNIUM)

    expect(person).toMatchObject({
      changed: ['address.city'],
      body: { ...PERSON_IN_OMNIUM, address: { city: 'Bergen', countryCode: 'NO' } },
    })
    expect(company).toMatchObject({ changed: ['contacts'] })
    expect('body' in company && company.body.contacts).toEqual([
      { ...COMPANY_IN_OMNIUM.contacts[0], firstName: 'Olav' },
      COMPANY_IN_OMNIUM.contacts[1],
    ])
  })

  test('is written when the value itself is edited', () => {
    expect(upsert('B2C', { ...PERSON, mobile: '900 00 001' }, PERSON_IN_OMNIUM)).toMatchObject({ changed: ['phone'] })
    expect(upsert('B2C', { ...PERSON, mobile: '+46 900 00 000' }, PERSON_IN_OMNIUM)).toMatchObject({
      changed: ['phone'],
    })
  })

  test.each([[[]], [[wrote]]])('is no edit of Omnium’s for Flow, with our properties %j', (properties) => {
    const modified = '2026-01-05T00:00:00Z'
    const person = anOmniumCustomer({ ...PERSON_IN_OMNIUM, modified, properties })
    const company = anOmniumCustomer({ ...COMPANY_IN_OMNIUM, modified, properties })

    expect(decideFlowUpdate('B2C', person, aPerson(PERSON), tenant)).toEqual({ do: 'nothing', reason: 'unchanged' })
    expect(decideFlowUpdate('B2B', company, aCompany(COMPANY), tenant)).toEqual({ do: 'nothing', reason: 'unchanged' })
    expect(decideFlowUpdate('B2C', { ...person, lastName: 'Ås-Moen' }, aPerson(PERSON), tenant)).toEqual({
      do: 'update',
      fields: { lastname: 'Ås-Moen' },
    })
  })
})
