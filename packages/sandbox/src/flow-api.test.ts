import { afterEach, expect, test } from 'vitest'
import { createCaller } from './testing-call.ts'
import { createTestStandIns } from './testing-stand-ins.ts'

const standIns = createTestStandIns()
afterEach(standIns.closeAll)
const person = { customerType: 'PERSON', firstname: 'Ada', lastname: 'Testesen' }

test.each([
  { token: '', path: '/tenants/acme/customers', status: 401 },
  { token: 'wrong', path: '/tenants/acme/customers', status: 401 },
  { token: 'other-token', path: '/tenants/acme/customers', status: 401 },
  { token: 'acme-token', path: '/tenants/unknown/customers', status: 404 },
  { token: 'acme-token', path: '/tenants/acme/customers/unknown', status: 404 },
  { token: 'acme-token', path: '/tenants/acme/orders/unknown', status: 404 },
  { token: 'acme-token', path: '/tenants/acme/unknown', status: 404 },
  { token: 'acme-token', path: '/v2/tenants/acme/customers', status: 200 },
])('token "$token" for $path is answered with $status', async ({ token, path, status }) => {
  const { url } = await standIns.flow()

  expect((await createCaller(url)('GET', path, undefined, token)).status).toBe(status)
})

test('stamps strictly increase per tenant even when the clock stands, and name who wrote', async () => {
  const { call, flow } = await standIns.flow({ now: () => Date.UTC(2026, 0, 1) })

  flow.createCustomer('acme', { ...person, customerUid: 'c1' })
  await call('PUT', '/customers/c1', { mobile: '2' })
  flow.editCustomer('acme', 'c1', { mobile: '3' }, 'cashier-9')

  const stamps = flow.journal.writes().map(({ version, user }) => [version, user])
  expect(stamps).toEqual([
    ['2026-01-01T00:00:00.000Z', 'cashier-1'],
    ['2026-01-01T00:00:00.001Z', 'flow-api-user'],
    ['2026-01-01T00:00:00.002Z', 'cashier-9'],
  ])
  expect(flow.customer('acme', 'c1')).toMatchObject({
    createdAt: '2026-01-01T00:00:00.000Z',
    lastModifiedAt: '2026-01-01T00:00:00.002Z',
    lastModifiedBy: 'cashier-9',
  })
})

test('changes at the till and by the API send thin webhooks that name who did it', async () => {
  const receiver = await standIns.receiver()
  const webhook = { url: receiver.url, auth: { kind: 'bearer' as const, secret: 's3' } }
  const { flow, call } = await standIns.flow({ webhooksInFlight: 1 })
  flow.configureTenant('acme', { webhook, apiUser: 'integration' })

  flow.createCustomer('acme', { ...person, customerUid: 'c1' })
  await call('PUT', '/customers/c1', { mobile: '1' })
  flow.putOrder('acme', { orderUid: 'o1', customerUid: 'c1', storeUid: 's1' })
  flow.deleteCustomer('acme', 'c1')
  await flow.webhooks.idle()

  const sent = receiver.received.map(({ text }) => JSON.parse(text))
  expect(sent).toEqual([
    { ...about('CUSTOMER_CREATE', 'cashier-1'), customer: uid('c1') },
    { ...about('CUSTOMER_UPDATE', 'integration'), customer: uid('c1') },
    { ...about('ORDER_SETTLED', 'cashier-1'), store: uid('s1'), order: uid('o1') },
    { ...about('CUSTOMER_DELETE', 'cashier-1'), customer: uid('c1') },
  ])
  expect(receiver.received.map(({ headers }) => headers.authorization)).toEqual(Array(4).fill('Bearer s3'))
  expect((await call('GET', '/orders/o1')).body).toMatchObject({ customerUid: 'c1', storeUid: 's1' })
  expect((await call('GET', '/stores/s1/orders')).body.items).toHaveLength(1)
})
const uid = (value: string) => ({ Id: expect.any(Number), Uid: value })
const about = (action: string, user: string) => ({ action, tenant: uid('acme'), tenantUser: uid(user) })

test('a tenant above its rate is told when to come back, and another tenant is not', async () => {
  const { flow, call, url } = await standIns.flow({ now: () => 0 })
  flow.configureTenant('acme', { requestsPerSecond: 2 })

  const answers = [await call('GET', '/customers'), await call('GET', '/customers'), await call('GET', '/customers')]
  const other = await createCaller(url)('GET', '/tenants/other/customers', undefined, 'other-token')

  expect(answers.map(({ status }) => status)).toEqual([200, 200, 429])
  expect(answers[2]?.headers.get('retry-after')).toBe('1')
  expect(other.status).toBe(200)
})

test('all of it can be driven from outside, by HTTP', async () => {
  const { admin, flow } = await standIns.flow()

  const tenant = await admin('PUT', '/tenants/third', { token: 't' })
  const seeded = await admin('POST', '/tenants/third/seed', {
    customers: [{ ...person, customerUid: 'c0', lastModifiedAt: '2020-01-01T00:00:00Z' }],
  })
  const created = await admin('POST', '/tenants/third/customers?user=cashier-7', { ...person, customerUid: 'c 1' })
  const edited = await admin('PATCH', '/tenants/third/customers/c%201', { mobile: '1' })
  const refused = await admin('POST', '/tenants/third/customers', { customerType: 'ROBOT' })
  const order = await admin('POST', '/tenants/third/orders?action=none', { orderUid: 'o1' })
  const state = await admin('GET', '/state?tenant=third')
  const journal = await admin('GET', '/journal?kind=write&id=c%201')
  const removed = await admin('DELETE', '/tenants/third/customers/c%201')

  expect([tenant, seeded, created, edited, refused, order].map(({ status }) => status)).toEqual([
    200, 200, 201, 200, 400, 201,
  ])
  expect(created.body.lastModifiedBy).toBe('cashier-7')
  expect(state.body.third.customers).toMatchObject([
    { customerUid: 'c0', lastModifiedAt: '2020-01-01T00:00:00.000Z' },
    { customerUid: 'c 1', mobile: '1' },
  ])
  expect(journal.body.entries).toMatchObject([
    { operation: 'created' },
    { operation: 'updated', changed: ['lastModifiedAt', 'lastModifiedBy', 'mobile'] },
  ])
  expect([removed.status, flow.customer('third', 'c 1')]).toEqual([200, undefined])

  await admin('POST', '/clear')
  expect((await admin('GET', '/state')).body).toEqual({})
  expect((await admin('PUT', '/tenants/third', { tokens: 1 })).status).toBe(400)
  expect((await admin('POST', '/tenants/nobody/customers', person)).status).toBe(404)
})
