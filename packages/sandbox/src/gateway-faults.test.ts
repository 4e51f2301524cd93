import { afterEach, describe, expect, test } from 'vitest'
import type { FaultRule } from './fault-rule.ts'
import { createCaller } from './testing-call.ts'
import { createTestStandIns, TOKEN_PATH } from './testing-stand-ins.ts'

const standIns = createTestStandIns()
afterEach(standIns.closeAll)

const customer = (customerId: string) => ({ customerId, firstName: 'Ada', lastName: 'Testesen' })

async function omniumWithCustomers() {
  const stage = await standIns.omnium()
  stage.omnium.seed('acme', 'B2C', [customer('c1'), customer('+4790000000'), customer('a/b'), customer('plain')])
  stage.omnium.seed('acme', 'B2B', [{ customerId: 'b1', name: 'Firm' }])
  const read = (id: string) => stage.call('GET', `/api/PrivateCustomers/${encodeURIComponent(id)}`)
  const patch = (id: string, firstName = 'Eva') =>
    stage.call('PATCH', '/api/PrivateCustomers/PatchPrivateCustomer', { customerId: id, firstName })
  const firstName = (id: string) => stage.omnium.customer('acme', 'B2C', id)?.firstName
  return { ...stage, read, patch, firstName }
}

describe('a gateway answers in place of the peer', () => {
  test.each([
    { status: 404, answer: 'html', type: 'text/html; charset=utf-8', holds: '<h1>404 Not Found</h1>' },
    { status: 502, answer: undefined, type: 'text/html; charset=utf-8', holds: '<h1>502 Bad Gateway</h1>' },
    { status: 200, answer: 'html', type: 'text/html; charset=utf-8', holds: '<!DOCTYPE html>' },
    { status: 403, answer: 'html', type: 'text/html; charset=utf-8', holds: '403 Forbidden' },
    { status: 503, answer: 'html', type: 'text/html; charset=utf-8', holds: '503 Service Unavailable' },
    { status: 404, answer: 'json', type: 'application/json; charset=utf-8', holds: '"Resource not found"' },
    { status: 404, answer: 'empty', type: null, holds: '' },
  ] as const)('with $status as $answer, and the peer does not see the request', async (row) => {
    const { omnium, url, firstName, issued } = await omniumWithCustomers()
    omnium.faults.add({ kind: 'gateway', status: row.status, answer: row.answer })

    const answer = await fetch(`${url}/api/PrivateCustomers/PatchPrivateCustomer`, {
      method: 'PATCH',
      headers: { authorization: `Bearer ${issued.accessToken}`, 'content-type': 'application/json' },
      body: JSON.stringify({ customerId: 'c1', firstName: 'Eva' }),
    })

    expect([answer.status, answer.headers.get('content-type')]).toEqual([row.status, row.type])
    expect(await answer.text()).toContain(row.holds)
    expect(firstName('c1')).toBe('Ada')
    expect(omnium.journal.entries({ kind: 'request' }).at(-1)).toMatchObject({ fault: 'gateway', effect: null })
  })

  test('with its own body and content type', async () => {
    const { omnium, read } = await omniumWithCustomers()
    omnium.faults.add({ kind: 'gateway', status: 404, body: { code: 'NoRoute' }, count: 1 })
    omnium.faults.add({ kind: 'gateway', status: 200, body: '  <html lang="en">', contentType: 'text/plain', count: 1 })

    const [json, page] = [await read('c1'), await read('c1')]

    expect(json).toMatchObject({ status: 404, body: { code: 'NoRoute' } })
    expect([page.body, page.headers.get('content-type')]).toEqual(['  <html lang="en">', 'text/plain'])
  })

  test('before the peer checks the token or its rate, and for the token endpoint too', async () => {
    const { omnium, url, admin } = await omniumWithCustomers()
    await admin('PUT', '/tenants/acme', { requestsPerSecond: 1 })
    omnium.faults.add({ kind: 'gateway', status: 404, retryAfterSeconds: 3 })
    const call = createCaller(url, 'not a token')

    const answers = [
      await call('POST', TOKEN_PATH),
      await call('GET', '/api/PrivateCustomers/c1'),
      await call('GET', '/api/PrivateCustomers/c1'),
      await call('GET', '/no/such/path'),
    ]

    expect(answers.map(({ status, headers }) => [status, headers.get('retry-after')])).toEqual(
      Array(4).fill([404, '3']),
    )
  })

  test('after the peer has handled the write, which the gateway loses', async () => {
    const { omnium, patch, firstName } = await omniumWithCustomers()
    omnium.faults.add({ kind: 'gateway', status: 502, afterEffect: true, count: 1 })

    const answer = await patch('c1')

    expect([answer.status, answer.headers.get('content-type')]).toEqual([502, 'text/html; charset=utf-8'])
    expect(firstName('c1')).toBe('Eva')
    expect(omnium.journal.entries({ kind: 'request' }).at(-1)).toMatchObject({ fault: 'gateway', effect: 'updated' })
    expect((await patch('c1')).status).toBe(200)
  })
})

describe('the scope of a gateway', () => {
  const requests = {
    token: ['POST', TOKEN_PATH, undefined],
    private: ['GET', '/api/PrivateCustomers/plain', undefined],
    plus: ['GET', '/api/PrivateCustomers/%2B4790000000', undefined],
    rawPlus: ['GET', '/api/PrivateCustomers/+4790000000', undefined],
    slash: ['GET', '/api/PrivateCustomers/a%2fb', undefined],
    business: ['GET', '/api/BusinessCustomers/b1', undefined],
    search: ['POST', '/api/PrivateCustomers/Search', { take: 1 }],
    patch: ['PATCH', '/api/PrivateCustomers/PatchPrivateCustomer', { customerId: 'c1', lastName: 'O\'Drop "Table' }],
    create: ['POST', '/api/BusinessCustomers', { customerId: 'b2', name: 'Firm 2' }],
  } as const
  const rows: { rule: Omit<FaultRule, 'kind'>; answered: (keyof typeof requests)[] }[] = [
    { rule: {}, answered: Object.keys(requests) as (keyof typeof requests)[] },
    { rule: { path: '/api/Private*' }, answered: ['private', 'plus', 'rawPlus', 'slash', 'search', 'patch'] },
    { rule: { requests: 'by-id-read', of: 'private-customer' }, answered: ['private', 'plus', 'rawPlus', 'slash'] },
    { rule: { requests: 'by-id-read', of: 'business-customer' }, answered: ['business'] },
    { rule: { requests: 'writes' }, answered: ['patch', 'create'] },
    { rule: { requests: 'create' }, answered: ['create'] },
    { rule: { requests: 'list' }, answered: ['search'] },
    { rule: { requests: 'token' }, answered: ['token'] },
    { rule: { rawPath: ['%2B', '%2F'] }, answered: ['plus', 'slash'] },
    { rule: { rawPath: ['+'] }, answered: ['rawPlus'] },
    { rule: { contains: "O'Drop" }, answered: ['patch'] },
    { rule: { contains: 'Drop "Table' }, answered: ['patch'] },
    { rule: { tenant: 'other' }, answered: [] },
  ]
  test.each(rows)('$rule is $answered', async ({ rule, answered }) => {
    const { omnium, call } = await omniumWithCustomers()
    omnium.faults.add({ kind: 'gateway', status: 418, ...rule })

    const statuses = await Promise.all(
      Object.entries(requests).map(async ([name, [method, path, body]]) => [
        name,
        (await call(method, path, body)).status,
      ]),
    )

    expect(statuses.filter(([, status]) => status === 418).map(([name]) => name)).toEqual(answered)
    expect(statuses.filter(([, status]) => status !== 418).every(([, status]) => Number(status) < 300)).toBe(true)
  })

  test('is the requests of Flow in the same words', async () => {
    const { flow, call } = await standIns.flow()
    flow.createCustomer('acme', { customerUid: '1', customerType: 'PERSON' })
    flow.faults.add({ kind: 'gateway', status: 404, answer: 'json', requests: 'by-id-read', of: 'customer' })

    const statuses = [
      (await call('GET', '/customers/1')).status,
      (await call('GET', '/customers')).status,
      (await call('PUT', '/customers/1', { mobile: '2' })).status,
    ]

    expect(statuses).toEqual([404, 200, 200])
  })

  test('ends after its time, by the clock of the peer', async () => {
    let nowMs = 0
    const { flow, call } = await standIns.flow({ now: () => nowMs })
    flow.faults.add({ kind: 'gateway', forMs: 60_000 })
    const list = async () => (await call('GET', '/customers')).status

    const statuses = [await list()]
    nowMs = 59_999
    statuses.push(await list())
    nowMs = 60_000
    statuses.push(await list())

    expect(statuses).toEqual([502, 502, 200])
  })

  test('is a share of the requests, the same ones for the same seed', async () => {
    const { flow, call } = await standIns.flow()
    const drawn = async (seed: number) => {
      const id = flow.faults.add({ kind: 'gateway', chance: 0.5, seed })
      const statuses: number[] = []
      for (let i = 0; i < 20; i += 1) statuses.push((await call('GET', '/customers')).status)
      flow.faults.remove(id)
      return statuses.join(' ')
    }

    const [first, again, other] = [await drawn(7), await drawn(7), await drawn(8)]

    expect(again).toBe(first)
    expect(other).not.toBe(first)
    expect(first).toMatch(/200.*502|502.*200/)
  })
})
