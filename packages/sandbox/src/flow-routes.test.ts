import { afterEach, expect, test } from 'vitest'
import { TRICKY_IDS } from './testing-call.ts'
import { createTestStandIns } from './testing-stand-ins.ts'

const standIns = createTestStandIns()
afterEach(standIns.closeAll)
const person = { customerType: 'PERSON', firstname: 'Ada', lastname: 'Testesen' }

test.each([
  { what: 'a list', body: [] },
  { what: 'an unknown type', body: { customerType: 'B2B' } },
  { what: 'no type', body: { firstname: 'Ada' } },
  { what: 'a number for a name', body: { ...person, firstname: 7 } },
  { what: 'contacts that are no list', body: { ...person, contacts: {} } },
  { what: 'an empty uid', body: { ...person, customerUid: '' } },
])('a create with $what is refused', async ({ body }) => {
  const { call, flow } = await standIns.flow()

  expect((await call('POST', '/customers', body)).status).toBe(400)
  expect(flow.customers('acme')).toEqual([])
})

test('a customer is created with its own uid or a new one, and a uid only once', async () => {
  const { call } = await standIns.flow()

  const given = await call('POST', '/customers', { ...person, customerUid: 'c1' })
  const made = await call('POST', '/customers', person)
  const again = await call('POST', '/customers', { ...person, customerUid: 'c1' })

  expect(given).toMatchObject({ status: 201, body: { customerUid: 'c1', displayName: 'Ada Testesen' } })
  expect(made.body.customerUid).toMatch(/^\d+$/)
  expect(again.status).toBe(409)
})

test.each(TRICKY_IDS)('the id %s comes through a path unchanged', async (uid) => {
  const { call } = await standIns.flow()
  await call('POST', '/customers', { ...person, customerUid: uid })

  const path = `/customers/${encodeURIComponent(uid)}`
  const put = await call('PUT', path, { email: 'ada@example.com' })
  const contacts = await call('GET', `${path}/contacts`)

  expect(put.body).toMatchObject({ customerUid: uid, email: 'ada@example.com' })
  expect(contacts.status).toBe(200)
})

test('a PUT changes what it names, null clears, and lists are replaced', async () => {
  const { call } = await standIns.flow()
  const contacts = [{ customerContactUid: 'k1', firstname: 'Bo', lastname: 'Prøve' }]
  await call('POST', '/customers', { ...person, customerUid: 'c1', mobile: '1', city: 'Oldtown', contacts })

  const put = await call('PUT', '/customers/c1', { lastname: 'Prøve', mobile: null, contacts: [], customerUid: 'x' })

  expect(put.body).toMatchObject({
    customerUid: 'c1',
    firstname: 'Ada',
    lastname: 'Prøve',
    displayName: 'Ada Prøve',
    mobile: null,
    city: 'Oldtown',
    contacts: [],
  })
})

test('a PUT of what is there already changes no stamp and sends no webhook', async () => {
  const { call, flow } = await standIns.flow()
  const before = flow.createCustomer('acme', { ...person, customerUid: 'c1' })

  const put = await call('PUT', '/customers/c1', { firstname: 'Ada' })

  expect(put.body).toEqual(before)
  expect(flow.journal.writes({ id: 'c1' }).map(({ operation }) => operation)).toEqual(['created', 'unchanged'])
  expect(flow.webhooks.counts().sent).toBe(1)
})

test('customers are listed newest change first, page by page from 1, or by their external id', async () => {
  const { call, flow } = await standIns.flow()
  for (const uid of ['c1', 'c2', 'c3'])
    flow.createCustomer('acme', { ...person, customerUid: uid, externalId: `x-${uid}` })
  flow.editCustomer('acme', 'c1', { mobile: '1' })
  const list = async (query: string) => (await call('GET', `/customers?${query}`)).body
  const uids = (page: { items: { customerUid: string }[] }) => page.items.map(({ customerUid }) => customerUid)

  const first = await list('pageNumber=1&pageSize=2&sortBy=lastModifiedAt&sortDirection=DESC')
  const second = await list('pageNumber=2&pageSize=2&sortBy=lastModifiedAt&sortDirection=DESC')
  const external = await list('customerExternalId=x-c2')

  expect(uids(first)).toEqual(['c1', 'c3'])
  expect(first.paging).toEqual({ pageNumber: 1, pageSize: 2, totalCount: 3 })
  expect(uids(second)).toEqual(['c2'])
  expect(uids(external)).toEqual(['c2'])
  expect((await call('GET', '/customers?pageNumber=0')).status).toBe(400)
  expect((await call('GET', '/customers?sortDirection=down')).status).toBe(400)
})

test('contacts are added, changed in part and removed, and each is a change of the customer', async () => {
  const { call, flow } = await standIns.flow()
  flow.createCustomer('acme', { customerType: 'COMPANY', companyName: 'Nut & Bolt', customerUid: 'c1' })

  const added = await call('POST', '/customers/c1/contacts', { firstname: 'Bo', lastname: 'Prøve', mobile: '1' })
  const path = `/customers/c1/contacts/${added.body.customerContactUid}`
  const changed = await call('PUT', path, { mobile: null })
  const listed = await call('GET', '/customers/c1/contacts')
  const removed = await call('DELETE', path)

  expect(added).toMatchObject({ status: 201, body: { displayName: 'Bo Prøve' } })
  expect(changed.body).toMatchObject({ firstname: 'Bo', mobile: null })
  expect(listed.body).toMatchObject({ items: [changed.body], paging: { totalCount: 1 } })
  expect([removed.status, (await call('GET', path)).status]).toEqual([204, 404])
  expect((await call('POST', '/customers/c1/contacts', { lastname: 'Prøve' })).status).toBe(400)
  expect(flow.journal.writes({ id: 'c1' })).toHaveLength(4)
})

test('a body that is no JSON, or none at all, is refused', async () => {
  const { url, flow } = await standIns.flow()
  const headers = { authorization: 'Bearer acme-token', 'content-type': 'application/json' }
  const post = async (body: string | null) =>
    (await fetch(`${url}/tenants/acme/customers`, { method: 'POST', headers, body })).status

  expect([await post('{'), await post(''), await post(null)]).toEqual([400, 400, 400])
  expect(flow.journal.entries({ kind: 'request' })).toHaveLength(3)
})
