import { aCompany, anOmniumCustomer, aPerson, aTenant } from '@sync/shared/testing/builders'
import { describe, expect, test } from 'vitest'
import { decideUpsert } from './decide.ts'

const at = (day: number) => `2026-01-0${day}T00:00:00Z`
const written = (version: string | null) => [{ key: 'flowLastModifiedAt', value: version }]
const ours = (version: string | null, uid = '1000') => [{ key: 'flowUid', value: `acme:${uid}` }, ...written(version)]
const found = (fields: Record<string, unknown>) => ({ own: anOmniumCustomer(fields), otherKindExists: false })
const MISSING = { own: null, otherKindExists: false }

describe('a customer that Omnium lacks', () => {
  test('a private one is created with what Flow knows', () => {
    const flow = aPerson({
      customerUid: '1000',
      firstname: 'A',
      lastname: '-',
      displayName: 'A',
      email: '',
      mobile: '+4799999999',
      city: 'C',
      createdAt: at(1),
      lastModifiedAt: at(2),
      lastModifiedBy: 'till-7',
      contacts: [{ customerContactUid: 'c1' }],
      parentCustomer: { customerUid: '9' },
    })

    expect(decideUpsert('B2C', flow, MISSING, aTenant())).toEqual({
      do: 'create',
      body: {
        customerId: '1000',
        firstName: 'A',
        fullName: 'A',
        phone: '+4799999999',
        address: { city: 'C', countryCode: 'NO' },
        created: at(1),
        modified: at(2),
        modifiedBy: 'till-7',
        properties: ours(at(2)),
      },
      changed: ['firstName', 'address.countryCode', 'phone', 'address.city'],
    })
  })

  test('a business one is created with its lists, but without its relations', () => {
    const flow = aCompany({
      companyName: 'Acme',
      createdAt: at(1),
      contacts: [{ customerContactUid: 'c1', firstname: 'A', email: null }],
      addresses: [{ customerAddressUid: 'a1', type: 'DELIVERY_ADDRESS', companyName: 'Acme' }],
      parentCustomer: { customerUid: '9' },
    })

    expect(decideUpsert('B2B', flow, MISSING, aTenant({ parameters: { OMNIUM_PROPERTY_PREFIX: 'pos' } }))).toEqual({
      do: 'create',
      body: {
        customerId: '2000',
        name: 'Acme',
        address: { name: 'Acme' },
        contacts: [{ id: 'c1', firstName: 'A', privateCustomerId: '2000' }],
        addresses: [{ externalId: 'a1', name: 'Acme', purposes: ['DELIVERY_ADDRESS'] }],
        properties: [
          { key: 'posUid', value: 'acme:2000' },
          { key: 'posLastModifiedAt', value: flow.lastModifiedAt },
          { key: 'posElementIds', value: '{"contacts":["c1"],"addresses":["a1"]}' },
        ],
      },
      changed: ['name', 'address.name', 'contacts', 'addresses'],
    })
  })

  test('one that is there as the other kind is a conflict', () => {
    expect(decideUpsert('B2C', aPerson(), { own: null, otherKindExists: true }, aTenant())).toEqual({ do: 'conflict' })
  })
})

describe('the stored version', () => {
  const own = { firstName: 'Old', address: { countryCode: 'NO' } }
  const decide = (stored: string | null, lastModifiedAt: string | null) => {
    const flow = aPerson({ firstname: 'New', lastModifiedAt })
    return decideUpsert('B2C', flow, found({ ...own, properties: written(stored) }), aTenant()).do
  }

  test.each([
    ['newer', at(3), at(2), 'nothing'],
    ['newer by a part of a millisecond', '2026-01-02T00:00:00.0001Z', at(2), 'nothing'],
    ['the same', at(2), at(2), 'overlay'],
    ['the same at another offset', '2026-01-02T02:00:00.000+02:00', at(2), 'overlay'],
    ['older', at(1), at(2), 'overlay'],
    ['none', null, at(2), 'overlay'],
    ['no time', 'yesterday', at(2), 'overlay'],
    ['there, but Flow names none', at(3), null, 'overlay'],
  ])('that is %s', (_what, stored, version, expected) => {
    expect(decide(stored, version)).toBe(expected)
  })

  test('that is newer counts before what is equal', () => {
    const state = found({ ...own, properties: written(at(3)) })

    expect(decideUpsert('B2C', aPerson({ firstname: 'Old', lastModifiedAt: at(2) }), state, aTenant())).toEqual({
      do: 'nothing',
      reason: 'stale',
    })
  })
})

test('nothing is written when only versions, times and users differ', () => {
  const state = found({ firstName: 'A', fullName: 'x', address: { countryCode: 'NO' }, properties: written(at(1)) })
  const flow = aPerson({
    firstname: 'A',
    displayName: 'A',
    lastModifiedAt: at(2),
    lastModifiedBy: 'till',
    createdAt: at(1),
  })

  expect(decideUpsert('B2C', flow, state, aTenant())).toEqual({ do: 'nothing', reason: 'unchanged' })
})

describe('a private customer that differs', () => {
  const own = {
    customerId: '1000',
    firstName: 'Old',
    email: 'kept@example.com',
    address: { line1: 'A 1', line2: 'c/o B', countryCode: 'NO' },
    properties: [...written(at(1)), { key: 'tier', value: 'gold', keyGroup: 'club' }],
    externalIds: [{ providerName: 'Voyado', id: 'V' }],
    storeIds: ['7'],
    modified: at(1),
    modifiedBy: 'web',
    isInactive: false,
  }

  test('is laid over the record, which keeps all else', () => {
    const flow = aPerson({
      firstname: 'New',
      city: 'C',
      createdAt: at(1),
      lastModifiedAt: at(2),
      lastModifiedBy: 'till',
    })

    expect(decideUpsert('B2C', flow, found(own), aTenant())).toEqual({
      do: 'overlay',
      body: {
        ...own,
        firstName: 'New',
        address: { line1: 'A 1', line2: 'c/o B', countryCode: 'NO', city: 'C' },
        properties: [{ key: 'tier', value: 'gold', keyGroup: 'club' }, ...ours(at(2))],
        created: at(1),
        modified: at(2),
        modifiedBy: 'till',
      },
      changed: ['firstName', 'address.city'],
    })
  })

  test.each([
    ['never goes back', at(5), at(2), at(5)],
    ['moves on', at(1), at(2), at(2)],
    ['stays when Flow names none', at(1), null, at(1)],
    ["is Flow's where Omnium has none", null, at(2), at(2)],
  ])('modified %s', (_how, modified, lastModifiedAt, expected) => {
    const flow = aPerson({ firstname: 'New', lastModifiedAt })
    const decision = decideUpsert('B2C', flow, found({ ...own, modified }), aTenant())

    expect(decision).toMatchObject({ body: { modified: expected } })
  })

  test('an emptied field is cleared', () => {
    const decision = decideUpsert('B2C', aPerson({ email: '' }), found(own), aTenant())

    expect(decision).toMatchObject({ do: 'overlay', body: { email: null, firstName: 'Old' }, changed: ['email'] })
  })

  test('a Flow customer without a version keeps the one that is stored, and marks a record that had none', () => {
    const flow = aPerson({ firstname: 'New', lastModifiedAt: null })
    const properties = (stored: unknown[]) =>
      decideUpsert('B2C', flow, found({ ...own, properties: stored }), aTenant())

    expect(properties(written(at(3)))).toMatchObject({ body: { properties: ours(at(3)) } })
    expect(properties([])).toMatchObject({ body: { properties: ours('') } })
  })
})

describe('a private customer of a tenant with privateUpdates: patch', () => {
  const omnium = { ...aTenant().omnium, privateUpdates: 'patch' }
  const own = {
    customerId: '1000',
    firstName: 'Old',
    phone: '1',
    address: { line1: 'A 1', countryCode: 'NO' },
    tags: ['vip'],
  }

  test('is patched with what differs and our properties alone', () => {
    const flow = aPerson({
      firstname: 'New',
      mobile: '1',
      city: 'C',
      displayName: 'New',
      createdAt: at(1),
      lastModifiedAt: at(2),
    })

    expect(decideUpsert('B2C', flow, found(own), aTenant({ omnium }))).toEqual({
      do: 'patch',
      body: {
        customerId: '1000',
        firstName: 'New',
        address: { line1: 'A 1', countryCode: 'NO', city: 'C' },
        properties: ours(at(2)),
      },
      changed: ['firstName', 'address.city'],
      old: [],
    })
  })

  test('and so is one that only a search has found, whatever the setting', () => {
    const flow = aPerson({ firstname: 'New' })

    expect(decideUpsert('B2C', flow, { ...found(own), isFromSearch: true }, aTenant())).toMatchObject({ do: 'patch' })
  })
})

test('created goes to Omnium only where Omnium has none', () => {
  const flow = aPerson({ firstname: 'New', createdAt: at(1) })
  const bodyOver = (own: Record<string, unknown>) =>
    decideUpsert('B2C', flow, found({ firstName: 'Old', ...own }), aTenant())

  expect(bodyOver({ created: '2020-05-05T00:00:00Z' })).toMatchObject({ body: { created: '2020-05-05T00:00:00Z' } })
  expect(bodyOver({ created: null })).toMatchObject({ body: { created: at(1) } })
})

describe('a business customer that differs', () => {
  const own = {
    customerId: '2000',
    name: 'Old',
    taxId: '1',
    address: { line1: 'A 1', line2: 'c/o B', name: 'Old' },
    contacts: [{ id: 'web', roles: ['buyer'] }, { id: 'c1', firstName: 'A', roles: ['owner'] }, { id: 'c2' }],
    addresses: [{ externalId: 'a1', line1: 'A 1', line2: 'kept' }],
    customerRelations: [{ customerId: '9', relationType: 'Parent' }],
    properties: [
      { key: 'flowLastModifiedAt', value: at(1), keyGroup: 'g', valueType: 'String' },
      { key: 'flowElementIds', value: '{"contacts":["c1","c2"],"addresses":["a1"]}' },
      { key: 'Parent company', value: 'true' },
    ],
  }

  test('is patched with what differs and our properties alone', () => {
    const flow = aCompany({ companyName: 'New', vatNumber: '1', lastModifiedAt: at(2) })

    expect(decideUpsert('B2B', flow, found(own), aTenant())).toEqual({
      do: 'patch',
      body: {
        customerId: '2000',
        name: 'New',
        address: { line1: 'A 1', line2: 'c/o B', name: 'New' },
        properties: [
          { key: 'flowUid', value: 'acme:2000' },
          { key: 'flowLastModifiedAt', value: at(2), keyGroup: 'g', valueType: 'String' },
          { key: 'flowElementIds', value: '{"contacts":["c1","c2"],"addresses":["a1"]}' },
        ],
      },
      changed: ['name', 'address.name'],
      old: [],
    })
  })

  test('a list that differs is sent whole, merged, and the ids of what we wrote with it', () => {
    const flow = aCompany({
      companyName: 'Old',
      contacts: [{ customerContactUid: 'c1', firstname: 'B' }, { customerContactUid: 'c3' }],
      addresses: [{ customerAddressUid: 'a1', address: 'A 1' }],
    })

    expect(decideUpsert('B2B', flow, found(own), aTenant())).toEqual({
      do: 'patch',
      body: {
        customerId: '2000',
        contacts: [
          { id: 'web', roles: ['buyer'] },
          { id: 'c1', firstName: 'B', roles: ['owner'], privateCustomerId: '2000' },
          { id: 'c3', privateCustomerId: '2000' },
        ],
        properties: [
          { key: 'flowUid', value: 'acme:2000' },
          expect.objectContaining({ key: 'flowLastModifiedAt', value: flow.lastModifiedAt }),
          { key: 'flowElementIds', value: '{"contacts":["c1","c3","c2"],"addresses":["a1"]}' },
        ],
      },
      changed: ['contacts'],
      old: [
        { list: 'contacts', id: 'c1', why: 'replaced', form: own.contacts[1] },
        { list: 'contacts', id: 'c2', why: 'removed' },
      ],
    })
  })
})
