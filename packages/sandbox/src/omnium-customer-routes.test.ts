import { afterEach, expect, test } from 'vitest'
import { createTestStandIns } from './testing-stand-ins.ts'

const standIns = createTestStandIns()
afterEach(standIns.closeAll)

test.each([
  { what: 'a list', body: [] },
  { what: 'no id', body: { firstName: 'Ada' } },
  { what: 'an empty id', body: { customerId: '' } },
  { what: 'a property that is a number', body: { customerId: 'c1', properties: [{ key: 'a', value: 1 }] } },
  { what: 'a property without a key', body: { customerId: 'c1', properties: [{ value: '1' }] } },
  { what: 'a date that is none', body: { customerId: 'c1', modified: 'yesterday' } },
  { what: 'an address that is a list', body: { customerId: 'c1', address: [] } },
  { what: 'contacts of text', body: { customerId: 'c1', contacts: ['Bo'] } },
])('a customer with $what is refused', async ({ body }) => {
  const { call, omnium } = await standIns.omnium()

  const answers = [
    await call('POST', '/api/PrivateCustomers', body),
    await call('POST', '/api/BusinessCustomers/Update', body),
    await call('PATCH', '/api/BusinessCustomers/PatchBusinessCustomer', body),
  ]

  expect(answers.map(({ status }) => status)).toEqual([400, 400, 400])
  expect(omnium.customers('acme', 'B2C')).toEqual([])
})

test('one id can exist once as a private and once as a business customer', async () => {
  const { call } = await standIns.omnium()
  const create = async (resource: string) => (await call('POST', `/api/${resource}`, { customerId: 'c1' })).status

  expect(await create('PrivateCustomers')).toBe(201)
  expect(await create('PrivateCustomers')).toBe(409)
  expect(await create('BusinessCustomers')).toBe(201)
})

test('a full update stores what is sent, with its own dates, and drops what is not', async () => {
  const { call, omnium } = await standIns.omnium()
  omnium.createCustomer('acme', 'B2C', { customerId: 'c1', firstName: 'Ada', phone: '1', tags: ['vip'] })
  const { created } = omnium.customer('acme', 'B2C', 'c1')!
  const model = {
    customerId: 'c1',
    firstName: 'Ada',
    lastName: 'Testesen',
    fullName: 'Somebody Else',
    modified: '2020-01-01T00:00:00Z',
    modifiedBy: 'cashier-1',
  }

  const update = await call('POST', '/api/PrivateCustomers/Update', model)
  const unknown = await call('POST', '/api/PrivateCustomers/Update', { customerId: 'c2' })

  expect(update.status).toBe(200)
  expect(omnium.customer('acme', 'B2C', 'c1')).toEqual({ ...model, fullName: 'Ada Testesen', created })
  expect(unknown.status).toBe(404)
})

test('a PATCH stamps its own date, and counts what it did', async () => {
  const { call, omnium } = await standIns.omnium({ now: () => Date.UTC(2026, 0, 1) })
  omnium.seed('acme', 'B2B', [{ customerId: 'c1', name: 'Old', modified: '2020-01-01T00:00:00Z' }])
  const patch = (body: object) => call('PATCH', '/api/BusinessCustomers/PatchBusinessCustomer', body)

  const changed = await patch({ customerId: 'c1', name: 'New', modified: '2030-01-01T00:00:00Z' })
  const same = await patch({ customerId: 'c1', name: 'New' })

  expect(changed.body).toEqual({
    totalCount: 1,
    updatedCount: 1,
    unchangedCount: 0,
    notFoundCount: 0,
    errorCount: 0,
    errorMessage: null,
    isModified: true,
  })
  expect(same.body).toMatchObject({ updatedCount: 0, unchangedCount: 1, isModified: false })
  expect(omnium.customer('acme', 'B2B', 'c1')).toMatchObject({
    name: 'New',
    modified: '2026-01-01T00:00:00.000Z',
    modifiedBy: 'flow-sync',
  })
})

test.each([
  { patchMissing: '404' as const, status: 404 },
  { patchMissing: 'not-found-count' as const, status: 200 },
])(
  'a PATCH of a customer that is not there answers $status when set to $patchMissing',
  async ({ patchMissing, status }) => {
    const { call } = await standIns.omnium({ patchMissing })

    const answer = await call('PATCH', '/api/PrivateCustomers/PatchPrivateCustomer', { customerId: 'c1' })

    expect(answer).toMatchObject({ status, body: { notFoundCount: 1, updatedCount: 0 } })
  },
)

test('many are added at once where they are missing, or updated too, up to a hundred', async () => {
  const { call, omnium } = await standIns.omnium()
  omnium.createCustomer('acme', 'B2C', { customerId: 'c1', firstName: 'Old' })
  const both = [{ customerId: 'c1', firstName: 'New' }, { customerId: 'c2' }]

  await call('POST', '/api/PrivateCustomers/AddMany', both)
  const afterAdd = omnium.customers('acme', 'B2C').map(({ firstName }) => firstName)
  await call('PUT', '/api/PrivateCustomers/AddOrUpdateMany', [...both, { customerId: 'c3' }])
  const tooMany = Array.from({ length: 101 }, (_, index) => ({ customerId: `x${index}` }))

  expect(afterAdd).toEqual(['Old', undefined])
  expect(omnium.customers('acme', 'B2C').map(({ firstName }) => firstName)).toEqual(['New', undefined, undefined])
  expect((await call('POST', '/api/PrivateCustomers/AddMany', tooMany)).status).toBe(400)
})

test('a contact takes the place of the one with the same id, email or phone', async () => {
  const { call, omnium } = await standIns.omnium()
  const contacts = [
    { id: 'k1', email: 'bo@example.com' },
    { id: 'k2', phone: '2' },
  ]
  omnium.createCustomer('acme', 'B2B', { customerId: 'c1', contacts })
  const add = (contact: object) => call('PUT', '/api/BusinessCustomer/c1/ContactPerson/AddContactPerson', contact)

  await add({ id: 'k9', email: 'bo@example.com' })
  await add({ id: 'k8', phone: '2' })
  await add({ firstName: 'New' })

  expect(omnium.customer('acme', 'B2B', 'c1')?.contacts).toEqual([
    { id: 'k9', email: 'bo@example.com' },
    { id: 'k8', phone: '2' },
    { id: expect.any(String), firstName: 'New' },
  ])
  expect((await call('PUT', '/api/BusinessCustomer/c2/ContactPerson/AddContactPerson', {})).status).toBe(404)
})

test('a customer is anonymized, or deleted', async () => {
  const { call, omnium } = await standIns.omnium()
  omnium.createCustomer('acme', 'B2C', { customerId: 'a@example.com', firstName: 'Ada', email: 'a@example.com' })
  const id = encodeURIComponent('a@example.com')

  const anonymized = await call('DELETE', `/api/PrivateCustomers/Anonymize?id=${id}`)
  const row = omnium.customer('acme', 'B2C', 'a@example.com')
  const deleted = await call('DELETE', `/api/PrivateCustomers/${id}`)
  const again = await call('DELETE', `/api/PrivateCustomers/${id}`)

  expect([anonymized.status, deleted.status, again.status]).toEqual([204, 204, 404])
  expect(row).toMatchObject({ firstName: null, email: null, fullName: '' })
})
