import { afterEach, describe, expect, test } from 'vitest'
import type { OmniumModesInput } from './omnium-modes.ts'
import { createTestStandIns } from './testing-stand-ins.ts'

const standIns = createTestStandIns()
afterEach(standIns.closeAll)

const PRIVATE = '/api/PrivateCustomers'
const BUSINESS = '/api/BusinessCustomers'

describe('the lists of a PATCH', () => {
  const LISTS = {
    contacts: [{ id: 'c1', phone: '1' }],
    addresses: [{ line1: 'A' }],
    customerRelations: [{ customerId: '9', relationType: 'Parent' }],
    externalIds: [{ id: 'x', providerName: 'p' }],
    tags: ['vip'],
  }
  const patched = async (modes: OmniumModesInput, options: object = {}) => {
    const { call, omnium } = await standIns.omniumWithModes(modes)
    omnium.seed('acme', 'B2B', [{ customerId: '1', ...LISTS }])
    const body = {
      customerId: '1',
      contacts: [],
      addresses: [{ line1: 'B' }],
      customerRelations: [],
      externalIds: [],
      tags: [],
    }
    const answer = await call('PATCH', `${BUSINESS}/PatchBusinessCustomer`, { ...body, ...options })
    return { status: answer.status, row: omnium.customer('acme', 'B2B', '1') }
  }
  const replaced = { contacts: [], addresses: [{ line1: 'B' }], customerRelations: [], externalIds: [], tags: [] }
  const merged = { ...LISTS, addresses: [{ line1: 'A' }, { line1: 'B' }] }

  test.each<[OmniumModesInput['patchLists'], object, object]>([
    ['replace', {}, replaced],
    ['replace', { keepExistingListItems: true }, replaced],
    ['merge', {}, merged],
    ['merge', { keepExistingListItems: false }, merged],
    ['merge-unless-told', {}, merged],
    ['merge-unless-told', { keepExistingListItems: true }, merged],
    ['merge-unless-told', { keepExistingListItems: false }, replaced],
  ])('are treated by %s, with the option %o', async (patchLists, options, expected) => {
    const { status, row } = await patched({ patchLists }, options)

    expect(status).toBe(200)
    expect(row).toMatchObject(expected)
    expect(row).not.toHaveProperty('keepExistingListItems')
  })

  test('may not be told how, where the option is refused', async () => {
    const { status, row } = await patched({ refuseKeepExistingListItems: true }, { keepExistingListItems: false })

    expect(status).toBe(400)
    expect(row).toMatchObject(LISTS)
  })

  test('stay a matter of PATCH: Update, AddContactPerson and Omnium’s own screens replace', async () => {
    const { call, omnium } = await standIns.omniumWithModes({ patchLists: 'merge' })
    omnium.seed('acme', 'B2B', [{ customerId: '1', ...LISTS }])

    const update = await call('POST', `${BUSINESS}/Update`, { customerId: '1', contacts: [{ id: 'c2', phone: '1' }] })
    expect(update.body).toMatchObject({ customerId: '1', contacts: [{ id: 'c2' }] })
    expect(update.body.tags).toBeUndefined()
    const path = '/api/BusinessCustomer/1/ContactPerson/AddContactPerson'
    expect((await call('PUT', path, { id: 'c3', phone: '1' })).body.contacts).toEqual([{ id: 'c3', phone: '1' }])
    expect(omnium.editCustomer('acme', 'B2B', '1', { contacts: [] }).contacts).toEqual([])
  })
})

describe('DeleteContactPerson', () => {
  const PATH = '/api/BusinessCustomer/1/ContactPerson/DeleteContactPerson'
  const contacts = [
    { id: 'a', phone: '1', email: 'a@example.com' },
    { id: 'b', phone: '1' },
    { id: 'c', email: 'a@example.com' },
  ]
  const left = async (path: string, body?: object) => {
    const { call, omnium } = await standIns.omniumWithModes({})
    omnium.seed('acme', 'B2B', [{ customerId: '1', contacts }])
    const answer = await call('DELETE', path, body)
    const left = omnium.customer('acme', 'B2B', '1')!.contacts as { id: string }[]
    return { status: answer.status, ids: left.map(({ id }) => id) }
  }

  test.each<[string, string, object | undefined, readonly string[]]>([
    ['the id alone removes one', `${PATH}?contactPersonId=a`, undefined, ['b', 'c']],
    ['the body counts too', PATH, { contactPersonId: 'b' }, ['a', 'c']],
    ['the phone removes all who have the phone', `${PATH}?contactPersonId=a&phone=1`, undefined, ['c']],
    ['the e-mail removes all who have the e-mail', PATH, { email: 'a@example.com' }, ['b']],
    ['an unknown id removes nobody', `${PATH}?contactPersonId=x`, undefined, ['a', 'b', 'c']],
  ])('%s', async (_says, path, body, ids) => {
    expect(await left(path, body)).toEqual({ status: 200, ids })
  })

  test('needs a value, and a company', async () => {
    expect((await left(PATH)).status).toBe(400)
    expect((await left(`${PATH.replace('/1/', '/2/')}?contactPersonId=a`)).status).toBe(404)
  })
})

test('phones, e-mails and texts are stored in Omnium’s own form by every way of writing', async () => {
  const { call, omnium } = await standIns.omniumWithModes({
    phoneFormat: { countryCode: 'removed' },
    lowerCaseEmails: true,
    normalizeTexts: true,
  })
  const sent = (customerId: string) => ({ customerId, name: ' A ', email: 'A@Example.com', phone: '+47 900 00 000' })
  const stored = { name: 'A', email: 'a@example.com', phone: '90000000' }

  const created = await call('POST', BUSINESS, sent('1'))
  await call('POST', BUSINESS, { customerId: '2' })
  await call('POST', `${BUSINESS}/Update`, sent('2'))
  await call('POST', BUSINESS, { customerId: '3' })
  await call('PATCH', `${BUSINESS}/PatchBusinessCustomer`, sent('3'))
  await call('PUT', `${BUSINESS}/AddOrUpdateMany`, [sent('4')])
  omnium.createCustomer('acme', 'B2B', sent('5'))
  await call('PUT', '/api/BusinessCustomer/1/ContactPerson/AddContactPerson', { id: 'c', phone: '+47 900 00 001' })

  expect(created.body).toMatchObject(stored)
  for (const id of ['1', '2', '3', '4', '5']) expect(omnium.customer('acme', 'B2B', id)).toMatchObject(stored)
  expect(omnium.customer('acme', 'B2B', '1')?.contacts).toEqual([{ id: 'c', phone: '90000001' }])
  const again = await call('PATCH', `${BUSINESS}/PatchBusinessCustomer`, sent('3'))
  expect(again.body).toMatchObject({ unchangedCount: 1 })

  await call('DELETE', '/api/BusinessCustomer/1/ContactPerson/DeleteContactPerson', { phone: '+4790000001' })
  expect(omnium.customer('acme', 'B2B', '1')?.contacts).toEqual([])
})

test('a phone that is no phone number is refused where the settings say so', async () => {
  const { call, omnium } = await standIns.omniumWithModes({ phoneFormat: { refuse: true } })
  await call('POST', PRIVATE, { customerId: '1', phone: '900 00 000' })

  const answers = [
    await call('POST', PRIVATE, { customerId: '2', phone: 'ring Kari' }),
    await call('PATCH', `${PRIVATE}/PatchPrivateCustomer`, { customerId: '1', phone: 'ring Kari' }),
    await call('POST', `${PRIVATE}/Update`, { customerId: '1', address: { phone: 'ring Kari' } }),
  ]

  expect(answers.map(({ status }) => status)).toEqual([400, 400, 400])
  expect(omnium.customers('acme', 'B2C')).toMatchObject([{ customerId: '1', phone: '+4790000000' }])
})

describe('the id of a customer', () => {
  test('is its e-mail address where the settings say so', async () => {
    const { call, omnium } = await standIns.omniumWithModes({ customerIdField: 'Email', lowerCaseEmails: true })

    const created = await call('POST', PRIVATE, { customerId: '1000', email: 'Ada@example.com' })
    const again = await call('POST', PRIVATE, { customerId: '1001', email: 'ada@example.com' })
    const without = await call('POST', PRIVATE, { customerId: '1002' })
    await call('PUT', `${PRIVATE}/AddOrUpdateMany`, [
      { customerId: '1000', email: 'ada@example.com', firstName: 'Ada' },
      { customerId: '1003', email: 'bob@example.com' },
    ])

    expect([created.status, created.body.customerId]).toEqual([201, 'ada@example.com'])
    expect([again.status, without.status]).toEqual([409, 400])
    expect((await call('GET', `${PRIVATE}/1000`)).status).toBe(404)
    expect((await call('POST', `${PRIVATE}/Update`, { customerId: '1000' })).status).toBe(404)
    expect((await call('GET', `${PRIVATE}/ada%40example.com`)).body).toMatchObject({ firstName: 'Ada' })
    expect(omnium.customers('acme', 'B2C').map(({ customerId }) => customerId)).toEqual([
      'ada@example.com',
      'bob@example.com',
    ])
  })

  test('is its phone where the settings say so, in the form of the market', async () => {
    const { call } = await standIns.omniumWithModes({ customerIdField: 'Phone', phoneFormat: {} })

    const created = await call('POST', BUSINESS, { customerId: '1000', phone: '900 00 000' })

    expect(created.body).toMatchObject({ customerId: '+4790000000', phone: '+4790000000' })
    expect((await call('GET', `${BUSINESS}/%2B4790000000`)).status).toBe(200)
  })
})

test.each([400, 409] as const)('a second customer with an e-mail or a phone is refused with %d', async (status) => {
  const { call, omnium } = await standIns.omniumWithModes({ uniqueEmails: status, uniquePhones: status })
  const person = { email: 'ada@example.com', phone: '1' }
  await call('POST', PRIVATE, { customerId: '1', ...person })
  await call('POST', PRIVATE, { customerId: '2' })

  const refused = [
    await call('POST', PRIVATE, { customerId: '3', email: 'ADA@example.com' }),
    await call('POST', `${PRIVATE}/Update`, { customerId: '2', phone: '1' }),
    await call('PATCH', `${PRIVATE}/PatchPrivateCustomer`, { customerId: '2', email: person.email }),
  ]
  const accepted = [
    await call('POST', `${PRIVATE}/Update`, { customerId: '1', ...person, firstName: 'Ada' }),
    await call('POST', BUSINESS, { customerId: '1', ...person }),
  ]

  expect(refused.map((answer) => answer.status)).toEqual([status, status, status])
  expect(accepted.map((answer) => answer.status)).toEqual([200, 201])
  expect(omnium.customer('acme', 'B2C', '2')?.email).toBeUndefined()
})

test('an address without a required property is refused', async () => {
  const { call } = await standIns.omniumWithModes({ requiredAddressProperties: ['city', 'postalCode'] })
  const whole = { city: 'Oslo', postalCode: '0150' }

  const answers = [
    await call('POST', BUSINESS, { customerId: '1', address: { city: 'Oslo' } }),
    await call('POST', BUSINESS, { customerId: '1', address: whole }),
    await call('PATCH', `${BUSINESS}/PatchBusinessCustomer`, { customerId: '1', addresses: [whole, { city: 'Oslo' }] }),
    await call('POST', `${BUSINESS}/Update`, { customerId: '1', address: { ...whole, postalCode: '' } }),
    await call('POST', `${BUSINESS}/Update`, { customerId: '1' }),
  ]

  expect(answers.map(({ status }) => status)).toEqual([400, 201, 400, 400, 200])
})
