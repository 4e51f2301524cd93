import { afterEach, expect, test } from 'vitest'
import { createCaller, TRICKY_IDS } from './testing-call.ts'
import { createTestStandIns, TOKEN_PATH } from './testing-stand-ins.ts'

const standIns = createTestStandIns()
afterEach(standIns.closeAll)
const property = (key: string, value: string) => ({ key, value })

test('a token is issued for the right secret only, and says how long it is valid', async () => {
  const { url, issued } = await standIns.omnium({ tokenExpiresInSeconds: 60 })
  const anonymous = createCaller(url)

  const plain = await anonymous('POST', TOKEN_PATH.replace('&returnAsJson=true', ''))
  const wrong = await anonymous('POST', '/api/token?clientId=acme-id&clientSecret=nope&returnAsJson=true')
  const empty = await anonymous('POST', '/api/token')

  expect(issued).toEqual({ accessToken: expect.any(String), tokenType: 'Bearer', expiresIn: 60 })
  expect(plain.body).toEqual(expect.any(String))
  expect([wrong.status, empty.status]).toEqual([401, 401])
})

test('a token is refused when it is missing, wrong, expired or ended early', async () => {
  let nowMs = 0
  const { url, call, omnium } = await standIns.omnium({ now: () => nowMs, tokenExpiresInSeconds: 60 })
  const path = '/api/PrivateCustomers/c1'
  const status = async (token?: string) => (await call('GET', path, undefined, token)).status

  expect(await status()).toBe(404)
  expect([await status(''), await status('wrong')]).toEqual([401, 401])
  nowMs = 60_000
  expect(await status()).toBe(401)
  const fresh = (await createCaller(url)('POST', TOKEN_PATH)).body.accessToken
  expect(await status(fresh)).toBe(404)
  omnium.expireTokens('acme')
  expect(await status(fresh)).toBe(401)
})

test.each(TRICKY_IDS)('the id %s comes through a path unchanged', async (id) => {
  const { call } = await standIns.omnium()
  await call('POST', '/api/BusinessCustomers', { customerId: id })
  await call('POST', '/api/Orders', { id, customerId: id })
  const encoded = encodeURIComponent(id)

  const contact = { id: 'k1', firstName: 'Bo' }
  await call('PUT', `/api/BusinessCustomer/${encoded}/ContactPerson/AddContactPerson`, contact)

  expect((await call('GET', `/api/BusinessCustomers/${encoded}`)).body).toMatchObject({
    customerId: id,
    contacts: [contact],
  })
  expect((await call('GET', `/api/Orders/${encoded}`)).body).toMatchObject({ id, customerId: id })
})

test('events are thin, and name the API user for what came through the API', async () => {
  const receiver = await standIns.receiver()
  const { omnium, call } = await standIns.omnium({ webhooksInFlight: 1 })
  omnium.configureTenant('acme', {
    webhook: { url: receiver.url, auth: { kind: 'key', secret: 's3' } },
    apiUser: 'sync',
  })

  await call('POST', '/api/PrivateCustomers', { customerId: 'c1', marketId: 'NOR', storeIds: ['web'] })
  omnium.editCustomer('acme', 'B2C', 'c1', { phone: '1' })
  omnium.createOrder(
    'acme',
    { id: 'o1', orderType: 'Online', marketId: 'NOR', storeId: 'web', status: 'New' },
    'shopper',
  )
  omnium.createCustomer('acme', 'B2B', { customerId: 'c2' })
  await omnium.webhooks.idle()

  const event = { timestamp: expect.any(String), message: expect.any(String), status: null, subClassName: null }
  const acme = { market: 'NOR', storeId: 'web' }
  const by = (user: string) => ({ user, userId: user })
  expect(receiver.received.map(({ text }) => JSON.parse(text))).toEqual([
    { ...event, ...acme, ...by('sync'), className: 'PrivateCustomer', objectId: 'c1', category: 'Created' },
    {
      ...event,
      ...acme,
      ...by('staff@example.com'),
      className: 'PrivateCustomer',
      objectId: 'c1',
      category: 'Updated',
    },
    {
      ...event,
      ...acme,
      ...by('shopper'),
      className: 'Order',
      subClassName: 'Online',
      objectId: 'o1',
      category: 'Created',
      status: 'New',
    },
    {
      ...event,
      ...by('staff@example.com'),
      className: 'BusinessCustomer',
      objectId: 'c2',
      category: 'Created',
      market: null,
      storeId: null,
    },
  ])
  expect(receiver.received[0]?.url).toBe('/hook?key=s3')
})

test('the journal tells the order of writes, with the versions that they carried', async () => {
  let nowMs = 0
  const now = () => {
    nowMs += 1
    return nowMs
  }
  const { call, omnium } = await standIns.omnium({ now })
  const properties = (version: string) => [property('flowLastModifiedAt', version), property('flowParentVersion', 'p')]

  await call('POST', '/api/BusinessCustomers', { customerId: 'c1', properties: properties('v1') })
  await call('PATCH', '/api/BusinessCustomers/PatchBusinessCustomer', {
    customerId: 'c1',
    properties: properties('v2'),
  })
  omnium.editCustomer('acme', 'B2B', 'c1', { name: 'By hand' })

  expect(omnium.journal.writes({ tenant: 'acme', id: 'c1' })).toMatchObject([
    { operation: 'created', version: 'v1', parentVersion: 'p', user: 'flow-sync', resource: 'BusinessCustomer' },
    { operation: 'patched', version: 'v2', fields: ['customerId', 'properties'], changed: ['modified', 'properties'] },
    { operation: 'patched', version: null, requestId: null, user: 'staff@example.com' },
  ])
  const requests = omnium.journal.entries({ kind: 'request' })
  expect(requests).toMatchObject([
    { path: '/api/token', effect: 'token' },
    { effect: 'created' },
    { effect: 'updated' },
  ])
})

test('all of it can be driven from outside, by HTTP', async () => {
  const { admin, call, omnium } = await standIns.omnium()

  await admin('POST', '/tenants/acme/seed', {
    privateCustomers: [{ customerId: 'c0' }],
    businessCustomers: [{ customerId: 'b0' }],
  })
  const created = await admin('POST', '/tenants/acme/private-customers?user=kim', { customerId: 'c/1' })
  const edited = await admin('PATCH', '/tenants/acme/private-customers/c%2F1', { firstName: 'Ada' })
  const order = await admin('POST', '/tenants/acme/orders', { id: 'o1', customerId: 'c/1' })
  const status = await admin('PATCH', '/tenants/acme/orders/o1', { status: 'Completed' })
  const refused = await admin('POST', '/tenants/acme/business-customers', { name: 'No id' })
  const removed = await admin('DELETE', '/tenants/acme/business-customers/b0')
  const state = (await admin('GET', '/state?tenant=acme')).body.acme

  expect([created, edited, order, status, refused, removed].map((answer) => answer.status)).toEqual([
    201, 200, 201, 200, 400, 200,
  ])
  expect(created.body.modifiedBy).toBe('kim')
  expect(state).toMatchObject({
    privateCustomers: [{ customerId: 'c0' }, { customerId: 'c/1', firstName: 'Ada', fullName: 'Ada' }],
    businessCustomers: [],
    orders: [{ id: 'o1', status: 'Completed' }],
  })
  await admin('POST', '/tokens/expire')
  expect((await call('GET', '/api/Orders/o1')).status).toBe(401)
  await admin('POST', '/clear')
  expect(omnium.orders('acme')).toEqual([])
})
