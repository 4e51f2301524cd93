import { describe, expect, it } from 'vitest'
import { parseExactJson } from '../exact-json.ts'
import { parentUidOf, readFlowCustomer } from '../flow/schema.ts'
import { readOmniumCustomer } from '../omnium/schema.ts'
import { holdsUnreadable, isUnreadable, rawOf, unreadableOf, unsendableOf } from './reading.ts'

const flowOf = (fields: Record<string, unknown>) => {
  const customer = readFlowCustomer({ customerUid: '1000', customerType: 'COMPANY', ...fields })
  if (customer === null) throw new Error('unreadable')
  return customer
}
const omniumOf = (fields: Record<string, unknown>) => {
  const customer = readOmniumCustomer({ customerId: '1000', ...fields })
  if (customer === null) throw new Error('unreadable')
  return customer
}

describe('a field of a peer’s customer', () => {
  it.each([
    ['a text', 'a@example.com', 'a@example.com', []],
    ['a number', 5003, '5003', []],
    ['a number with more digits than a double has', parseExactJson('6035550000012345679'), '6035550000012345679', []],
    ['a boolean', false, 'false', []],
    ['null', null, null, []],
    ['an empty text', '', null, []],
    ['a dash', '-', null, []],
    ['blanks', '  ', null, []],
    ['an object', {}, undefined, ['email']],
    ['a list', ['a@example.com'], undefined, ['email']],
  ])('that is %s is read as such', (_what, raw, read, unreadable) => {
    const customer = flowOf({ email: raw, city: 'Oslo' })

    expect(customer.email).toBe(read)
    expect(customer.city).toBe('Oslo')
    expect(unreadableOf(customer)).toEqual(unreadable)
    expect(rawOf(customer).email).toBe(raw)
  })

  it('that is absent makes no statement and is not named', () => {
    expect(Object.hasOwn(flowOf({}), 'email')).toBe(false)
    expect(unreadableOf(flowOf({}))).toEqual([])
  })

  it('inside of an object is read by itself', () => {
    const customer = omniumOf({ address: { city: {}, line1: 7, extra: { a: 1 } } })

    expect(customer.address).toMatchObject({ line1: '7', extra: { a: 1 } })
    expect(customer.address?.city).toBeUndefined()
    expect(unreadableOf(customer)).toEqual(['address.city'])
    expect([isUnreadable(customer, 'address.city'), isUnreadable(customer, 'address.line1')]).toEqual([true, false])
  })

  it('whose object is none makes no statement, nor does any field inside', () => {
    const customer = omniumOf({ address: 'Storgata 1, Oslo' })

    expect(customer.address).toBeUndefined()
    expect(unreadableOf(customer)).toEqual(['address'])
    expect(isUnreadable(customer, 'address.city')).toBe(true)
  })
})

describe('a list of a peer’s customer', () => {
  const contact = { customerContactUid: 'c1', firstname: 'Kari' }

  it.each([
    ['absent', undefined, undefined, []],
    ['empty', [], [], []],
    ['null', null, undefined, ['contacts']],
    ['a text', 'none', undefined, ['contacts']],
    ['an object', {}, undefined, ['contacts']],
    ['with a text for an element', [contact, 'Kari'], undefined, ['contacts']],
    ['with null for an element', [contact, null], undefined, ['contacts']],
    ['with a list for an element', [[contact]], undefined, ['contacts']],
    ['with an element whose id can’t be read', [contact, { customerContactUid: {} }], undefined, ['contacts']],
    ['with an element of another type of id', [{ customerContactUid: 7 }], [{ customerContactUid: '7' }], []],
    ['with an element without an id', [contact, { firstname: 'Ola' }], undefined, ['contacts']],
    ['with an element whose id is null', [{ customerContactUid: null }, contact], undefined, ['contacts']],
    ['with an element whose id is empty', [contact, { customerContactUid: '' }], undefined, ['contacts']],
    ['with an element whose id is a dash', [contact, { customerContactUid: ' - ' }], undefined, ['contacts']],
  ])('that is %s', (_what, raw, read, unreadable) => {
    const customer = flowOf(raw === undefined ? {} : { contacts: raw })

    expect(customer.contacts).toEqual(read === undefined ? undefined : read.map((it) => expect.objectContaining(it)))
    expect(unreadableOf(customer)).toEqual(unreadable)
  })

  it('of addresses in Flow needs an id of each element too', () => {
    const customer = flowOf({ addresses: [{ customerAddressUid: 'a1' }, { city: 'Oslo' }] })

    expect([customer.addresses, unreadableOf(customer)]).toEqual([undefined, ['addresses']])
  })

  it('of Omnium’s may hold elements of other systems without an id', () => {
    const lists = {
      contacts: [{ id: 'c1' }, { firstName: 'Web' }, { id: '' }],
      addresses: [{ line1: 'Web 1' }, { externalId: '-' }],
      customerRelations: [{ customerId: 'A' }, { relationType: 'Partner' }],
    }
    const customer = omniumOf(lists)

    expect(unreadableOf(customer)).toEqual([])
    expect(unsendableOf(customer)).toEqual([])
    expect(rawOf(customer)).toMatchObject(lists)
  })

  it('keeps an element of which one field can’t be read, and names the field once', () => {
    const customer = flowOf({
      contacts: [
        { ...contact, email: {} },
        { customerContactUid: 'c2', email: [] },
      ],
    })

    expect(customer.contacts).toMatchObject([contact, { customerContactUid: 'c2' }])
    expect(unreadableOf(customer)).toEqual(['contacts.email'])
    expect(isUnreadable(customer, 'contacts')).toBe(false)
    expect(rawOf(customer.contacts?.[0] ?? {})).toEqual({ ...contact, email: {} })
  })

  it('must not be written when it holds what can’t be read; null holds nothing', () => {
    expect(holdsUnreadable(omniumOf({ contacts: [{ id: 'c1' }, 'x'] }), 'contacts')).toBe(true)
    expect(holdsUnreadable(omniumOf({ contacts: null }), 'contacts')).toBe(false)
    expect(holdsUnreadable(omniumOf({ contacts: [{ id: 'c1', email: {} }] }), 'contacts')).toBe(false)
  })

  it.each([
    ['a list with a text in it', { contacts: [{ id: 'c1' }, 'x'] }, ['contacts']],
    ['a list with an unreadable field in it', { contacts: [{ id: 'c1' }, { id: 'c2', email: {} }] }, ['contacts']],
    ['a text in the place of an object', { address: 'x' }, ['address']],
    ['an object with an unreadable field in it', { address: { city: {}, line1: {} } }, ['address']],
    ['an unreadable field', { email: [] }, ['email']],
    ['an unreadable property', { properties: [{ key: 'a' }, 'x'] }, ['properties']],
    ['a list that is null', { contacts: null, addresses: [{ externalId: 'a1', purposes: null }] }, []],
    ['fields that can be read', { email: null, address: { city: 7 }, tags: [{}] }, []],
  ])('must not be sent back with a value that can’t be read: %s', (_what, fields, expected) => {
    expect(unsendableOf(omniumOf(fields))).toEqual(expected)
  })

  it('of properties is looked up by name, so the others can be read beside one that can’t', () => {
    const customer = omniumOf({ properties: [{ key: 'a', value: 5 }, 'odd', { key: [] }] })

    expect(customer.properties).toMatchObject([{ key: 'a', value: '5' }])
    expect(unreadableOf(customer)).toEqual(['properties'])
  })

  it('of texts is read as texts', () => {
    expect(omniumOf({ addresses: [{ purposes: ['DELIVERY', 7] }] }).addresses).toMatchObject([
      { purposes: ['DELIVERY', '7'] },
    ])
  })
})

describe('a customer', () => {
  it.each([null, undefined, 'x', 7, [], {}, { customerUid: {} }, { customerUid: '' }, { customerUid: null }])(
    'without a readable id is none: %j',
    (raw) => {
      expect(readFlowCustomer(raw)).toBeNull()
    },
  )

  it.each([
    [1000, '1000'],
    [parseExactJson('6035550000012345679'), '6035550000012345679'],
    ['-', '-'],
  ])('has an id that is never empty: %j', (customerUid, expected) => {
    const customer = readFlowCustomer({ customerUid, customerType: 'PERSON' })

    expect(customer?.customerUid).toBe(expected)
    expect(rawOf(customer ?? {}).customerUid).toBe(customerUid)
  })

  it.each([undefined, null, {}, [], ''])('of a type that can’t be read has no type: %j', (customerType) => {
    expect(flowOf({ customerType }).customerType).toBe('')
  })

  it('that is all texts is read as it was answered', () => {
    const raw = {
      customerUid: '1',
      customerType: 'PERSON',
      email: null,
      contacts: [{ customerContactUid: 'c' }],
      x: { y: 1 },
    }

    expect(readFlowCustomer(raw)).toBe(raw)
    expect([rawOf(raw), unreadableOf(raw)]).toEqual([raw, []])
  })

  it('says the same of itself after a spread, and shows none of that in JSON', () => {
    const customer = { ...flowOf({ email: {}, city: 7 }) }

    expect(unreadableOf(customer)).toEqual(['email'])
    expect(rawOf(customer)).toEqual({ customerUid: '1000', customerType: 'COMPANY', email: {}, city: 7 })
    expect(JSON.stringify(customer)).toBe('{"customerUid":"1000","customerType":"COMPANY","city":"7"}')
  })
})

it.each([
  ['absent', undefined, null],
  ['null', null, null],
  ['a company', { customerUid: '7' }, '7'],
  ['a company with a number for its uid', { customerUid: 7 }, '7'],
  ['a company with an empty uid', { customerUid: '' }, null],
  ['a text', '7', undefined],
  ['an object without a uid', { displayName: 'Shop' }, undefined],
  ['a company with an unreadable uid', { customerUid: {} }, undefined],
])('a parent that is %s', (_what, parentCustomer, expected) => {
  const customer = flowOf(parentCustomer === undefined ? {} : { parentCustomer })

  expect(parentUidOf(customer)).toBe(expected)
  expect(unreadableOf(customer)).toEqual(expected === undefined ? ['parentCustomer'] : [])
})
