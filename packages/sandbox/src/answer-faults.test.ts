import { afterEach, describe, expect, test } from 'vitest'
import type { FaultRule } from './fault-rule.ts'
import { createTestStandIns } from './testing-stand-ins.ts'

const standIns = createTestStandIns()
afterEach(standIns.closeAll)

async function flowWithCustomers() {
  const stage = await standIns.flow()
  for (const customerUid of ['c1', 'c2', 'c3']) {
    stage.flow.createCustomer('acme', {
      customerUid,
      customerType: 'PERSON',
      firstname: 'Ada',
      email: `${customerUid}@example.com`,
      contacts: [{ customerContactUid: 'k1', firstname: 'Bo' }],
    })
  }
  stage.flow.putOrder('acme', { orderUid: 'o1', customerUid: 'c1' })
  const read = (uid: string) => stage.call('GET', `/customers/${uid}`)
  return { ...stage, read }
}

describe('a by-id read of a missing customer or order', () => {
  const rows: { rule: Omit<FaultRule, 'kind'>; status: number; body: unknown }[] = [
    { rule: {}, status: 204, body: '' },
    { rule: { status: 200 }, status: 200, body: null },
    { rule: { status: 200, answer: 'empty' }, status: 200, body: '' },
    { rule: { status: 410 }, status: 410, body: { statusCode: 410, message: 'Gone' } },
    { rule: { status: 404, answer: 'html' }, status: 404, body: expect.stringContaining('<h1>404 Not Found</h1>') },
    { rule: { status: 200, body: {} }, status: 200, body: {} },
  ]
  test.each(rows)('is answered by $rule with $status', async ({ rule, status, body }) => {
    const { flow, read, call } = await flowWithCustomers()
    flow.faults.add({ kind: 'missing-answer', ...rule })

    const answers = [await read('none'), await call('GET', '/orders/none')]

    expect(answers.map((answer) => [answer.status, answer.body])).toEqual(Array(2).fill([status, body]))
  })

  test('is answered so for the tenant and the kind of the rule, and nothing else is', async () => {
    const { omnium, call } = await standIns.omnium()
    omnium.createCustomer('acme', 'B2C', { customerId: 'c1' })
    omnium.faults.add({ kind: 'missing-answer', of: 'private-customer', tenant: 'acme', count: 1 })
    omnium.faults.add({ kind: 'missing-answer', tenant: 'other', status: 410 })
    const read = async (path: string) => (await call('GET', path)).status
    const patch = { customerId: 'none', firstName: 'A' }

    const statuses = [
      await read('/api/BusinessCustomers/none'),
      await read('/api/PrivateCustomers/c1'),
      (await call('PATCH', '/api/PrivateCustomers/PatchPrivateCustomer', patch)).status,
      await read('/no/such/path'),
      await read('/api/PrivateCustomers/none'),
      await read('/api/PrivateCustomers/none'),
    ]

    expect(statuses).toEqual([404, 200, 404, 404, 204, 404])
  })
})

describe('the answer about another id', () => {
  test('is the body of another customer, for as many by-id reads as the rule counts', async () => {
    const { flow, read, call } = await flowWithCustomers()
    flow.faults.add({ kind: 'other-id', customerId: 'c1', count: 2 })

    const uids = [await read('c2'), await read('c1'), await read('c1'), await read('c1')].map(
      ({ body }) => body.customerUid,
    )

    expect(uids).toEqual(['c2', 'c2', 'c2', 'c1'])
    expect((await call('GET', '/customers')).body.items).toHaveLength(3)
  })

  test('is the customer that the rule names', async () => {
    const { flow, read } = await flowWithCustomers()
    flow.faults.add({ kind: 'other-id', answerId: 'c3' })

    expect((await read('c1')).body).toEqual(flow.customer('acme', 'c3'))
  })

  test.each([
    { rule: { idCase: 'upper' }, uid: 'NEW-a@B.example'.toUpperCase() },
    { rule: { idCase: 'swapped' }, uid: 'nEW-A@b.EXAMPLE' },
    { rule: { answerId: '4711' }, uid: '4711' },
    { rule: {}, uid: 'New-a@B.example-other' },
  ] as const)('of a create is $uid by $rule, and the customer is stored as it was sent', async ({ rule, uid }) => {
    const { flow, call } = await flowWithCustomers()
    flow.faults.add({ kind: 'other-id', requests: 'create', ...rule })

    const created = await call('POST', '/customers', { customerUid: 'New-a@B.example', customerType: 'PERSON' })

    expect([created.status, created.body.customerUid]).toEqual([201, uid])
    expect(flow.customer('acme', 'New-a@B.example')).toBeDefined()
    expect(flow.customers('acme')).toHaveLength(4)
  })

  test('is a made-up id if the tenant has no other customer or order', async () => {
    const { omnium, call } = await standIns.omnium()
    omnium.createCustomer('acme', 'B2C', { customerId: 'c1' })
    omnium.createOrder('acme', { id: 'o1', customerId: 'c1' })
    omnium.faults.add({ kind: 'other-id' })

    const [customer, order] = [await call('GET', '/api/PrivateCustomers/c1'), await call('GET', '/api/Orders/o1')]

    expect([customer.body.customerId, order.body.id, order.body.customerId]).toEqual(['c1-other', 'o1-other', 'c1'])
  })
})

describe('a refusal inside 2xx', () => {
  test('answers every create and update of Omnium, and nothing takes effect', async () => {
    const { omnium, call } = await standIns.omnium()
    omnium.createCustomer('acme', 'B2C', { customerId: 'c1', firstName: 'Ada' })
    omnium.faults.add({ kind: 'refused-in-body', tenant: 'acme' })
    const body = { customerId: 'c1', firstName: 'Eva', email: 'eva@example.com' }

    const answers = [
      await call('POST', '/api/PrivateCustomers', { ...body, customerId: 'c2' }),
      await call('POST', '/api/PrivateCustomers/Update', body),
      await call('PATCH', '/api/PrivateCustomers/PatchPrivateCustomer', body),
    ]

    expect(answers.map(({ status, body: { errorCount } }) => [status, errorCount])).toEqual(Array(3).fill([200, 1]))
    expect(answers[1]?.body.errorMessage).toBe('The customer c1 Eva eva@example.com is not valid')
    expect(omnium.customers('acme', 'B2C')).toMatchObject([{ customerId: 'c1', firstName: 'Ada' }])
    expect((await call('GET', '/api/PrivateCustomers/c1')).body.firstName).toBe('Ada')
    expect((await call('POST', '/api/PrivateCustomers/Search', {})).body.totalHits).toBe(1)
  })

  test.each([
    { rule: { refusal: 'success-false', errorMessage: 'no' }, body: { success: false, message: 'no' } },
    { rule: { refusal: 'not-found-count' }, body: { errorCount: 0, notFoundCount: 1 } },
    { rule: { refusal: 'error-count', errorMessage: 'no' }, body: { errorCount: 1, errorMessage: 'no' } },
    { rule: { body: { success: 'false' } }, body: { success: 'false' } },
  ] as const)('of Flow is $body by $rule, for the customer and the count of the rule', async ({ rule, body }) => {
    const { flow, call } = await flowWithCustomers()
    flow.faults.add({ kind: 'refused-in-body', customerId: 'c1', count: 1, ...rule })
    const put = (uid: string) => call('PUT', `/customers/${uid}`, { firstname: 'Eva' })

    const [other, refused] = [await put('c2'), await put('c1')]

    expect([refused.status, flow.customer('acme', 'c1')?.firstname, other.body.firstname]).toEqual([200, 'Ada', 'Eva'])
    expect(refused.body).toMatchObject(body)
    expect((await put('c1')).body.firstname).toBe('Eva')
  })
})

describe('fields of an answer', () => {
  const set = {
    postalCode: 5003,
    loyaltyId: 12345,
    email: {},
    'contacts.0': 'a text',
    'contacts.1': null,
    'credit.limit': true,
  }

  test('hold values of other types, and lack others, in by-id reads and lists of one customer', async () => {
    const { flow, read, call } = await flowWithCustomers()
    flow.faults.add({ kind: 'answer-fields', customerId: 'c2', set, remove: ['firstname', 'none.deeper'] })
    const spoilt = {
      postalCode: 5003,
      loyaltyId: 12345,
      email: {},
      contacts: ['a text', null],
      credit: { limit: true },
    }

    const [one, two, list] = [await read('c1'), await read('c2'), await call('GET', '/customers')]

    expect(two.body).toMatchObject(spoilt)
    expect(two.body).not.toHaveProperty('firstname')
    expect(list.body.items[1]).toEqual(two.body)
    expect([one.body, list.body.items[0]]).toEqual(Array(2).fill(flow.customer('acme', 'c1')))
    expect(flow.customer('acme', 'c2')).toMatchObject({ email: 'c2@example.com', firstname: 'Ada' })
  })

  test('are laid over each other by several rules, in by-id reads and searches of Omnium', async () => {
    const { omnium, call } = await standIns.omnium()
    omnium.createCustomer('acme', 'B2B', { customerId: 'b1', contacts: [{ id: '1' }, { id: '2' }] })
    omnium.faults.add({ kind: 'answer-fields', of: 'business-customer', set: { addresses: null } })
    omnium.faults.add({ kind: 'answer-fields', of: 'business-customer', remove: ['contacts.0'] })

    const read = await call('GET', '/api/BusinessCustomers/b1')
    const search = await call('POST', '/api/BusinessCustomers/Search', {})

    expect(read.body).toMatchObject({ addresses: null, contacts: [{ id: '2' }] })
    expect(search.body).toMatchObject({ result: [read.body], totalHits: 1 })
  })

  test('hold integers above 2^53 with every digit, as they were sent to the admin route', async () => {
    const { flow, url } = await flowWithCustomers()
    const rule = '{"kind":"answer-fields","set":{"cardNo":6035550000012345679,"contacts.0.n":1e400}}'
    const headers = { authorization: 'Bearer acme-token', 'content-type': 'application/json' }

    await fetch(`${url}/_admin/faults`, { method: 'POST', headers, body: rule })
    const listed = await (await fetch(`${url}/_admin/faults`)).text()
    const text = await (await fetch(`${url}/tenants/acme/customers/c1`, { headers })).text()

    expect(text).toContain('"cardNo":6035550000012345679')
    expect(text).toContain('"n":1e400')
    expect(listed).toContain('"cardNo":6035550000012345679')
    expect(flow.faults.list()[0]?.struck).toBe(1)
  })

  test('count only the answers that hold the customer', async () => {
    const { flow, call, read } = await flowWithCustomers()
    flow.faults.add({ kind: 'answer-fields', customerId: 'c2', set: { city: 1 }, count: 1 })

    await read('c1')
    await read('none')
    await call('GET', '/orders/o1')

    expect((await read('c2')).body.city).toBe(1)
    expect((await read('c2')).body).not.toHaveProperty('city')
  })
})
