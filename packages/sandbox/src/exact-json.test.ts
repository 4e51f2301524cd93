import { isDeepStrictEqual } from 'node:util'
import { afterEach, describe, expect, test } from 'vitest'
import { isExactNumber, parseExact } from './exact-json.ts'
import { isObject } from './fields.ts'
import { createTestStandIns } from './testing-stand-ins.ts'

describe('a number of JSON', () => {
  test.each([
    '6035550000012345679',
    '-9007199254740993',
    '1e400',
    '-1e400',
    '1e-400',
    '0.1234567890123456789',
    '12345678901234567890.0',
    '1234567890.12345678901',
    '9007199254740993e0',
  ])('%s is kept with every digit, because a double cannot give it back', (literal) => {
    const parsed = parseExact(`{"list":[{"n":${literal}}]}`)

    expect(JSON.stringify(parsed)).toBe(`{"list":[{"n":${literal}}]}`)
  })

  test.each([
    ['5003', 5003],
    ['9007199254740992', 9007199254740992],
    ['1.0', 1],
    ['1e3', 1000],
    ['0.1', 0.1],
    ['1.50e2', 150],
    ['100000000000000000000', 100000000000000000000],
    ['0.0000000000000000000', 0],
    ['1e-7', 1e-7],
    ['1e22', 1e22],
  ])('%s is a number, because a double gives its value back', (literal, number) => {
    expect(parseExact(String(literal))).toBe(number)
  })

  test('-0 is written as 0: the two are one value, and no peer tells them apart', () => {
    expect(JSON.stringify(parseExact('[-0.0000000000000000, -0]'))).toBe('[0,0]')
  })

  test('that is kept exactly is neither an object of a model nor equal to another number', () => {
    const [one, same, other] = parseExact(
      '[6035550000012345679, 6035550000012345679, 6035550000012345678]',
    ) as unknown[]

    expect([isExactNumber(one), isObject(one), isDeepStrictEqual(one, same), isDeepStrictEqual(one, other)]).toEqual([
      true,
      false,
      true,
      false,
    ])
  })

  test('in a text stays a text', () => {
    expect(parseExact('{"a":"6035550000012345679 1e400"}')).toEqual({ a: '6035550000012345679 1e400' })
  })
})

const standIns = createTestStandIns()
afterEach(standIns.closeAll)

/** Sends and reads texts: a caller that parses would lose the digits that are under test. */
const sender = (url: string, token: string) => async (method: string, path: string, body?: string) => {
  const headers: Record<string, string> = { authorization: `Bearer ${token}` }
  if (body !== undefined) headers['content-type'] = 'application/json'
  const answer = await fetch(url + path, { method, headers, body: body ?? null })
  return { status: answer.status, text: await answer.text() }
}
const EXACT = '"cardNo":6035550000012345679'

test('Flow stores and answers such numbers in fields and in elements of lists, through unrelated writes', async () => {
  const { url, flow } = await standIns.flow()
  const send = sender(url, 'acme-token')
  const body = `{"customerUid":"c1","customerType":"PERSON",${EXACT},"contacts":[{"firstname":"Bo","lastname":"B",${EXACT}}]}`

  const created = await send('POST', '/tenants/acme/customers', body)
  const again = await send('PUT', '/tenants/acme/customers/c1', `{${EXACT}}`)
  await send('PUT', '/tenants/acme/customers/c1', '{"mobile":"1"}')
  await send('PATCH', '/tenants/acme/customers/c1/contacts/contact-1', '{"mobile":"2"}')
  const read = await send('GET', '/tenants/acme/customers/c1')
  const listed = await send('GET', '/tenants/acme/customers?sortBy=cardNo')
  const changed = await send('PUT', '/tenants/acme/customers/c1', '{"cardNo":6035550000012345678}')
  const refused = await send('PUT', '/tenants/acme/customers/c1', '{"contacts":[6035550000012345679]}')

  expect([created.status, again.status, changed.status, refused.status]).toEqual([201, 200, 200, 400])
  for (const { text } of [created, read, listed]) expect(text.split(EXACT)).toHaveLength(3)
  expect(changed.text).toContain('"cardNo":6035550000012345678')
  expect(flow.journal.writes().map(({ operation }) => operation)).toEqual([
    'created',
    'unchanged',
    'updated',
    'updated',
    'updated',
  ])
})

test('Omnium stores and answers such numbers, and its admin routes and its state do too', async () => {
  const { url, omnium, issued } = await standIns.omnium()
  const send = sender(url, issued.accessToken)
  const customer = (id: string) =>
    `{"customerId":"${id}","name":"Firm",${EXACT},"contacts":[{"id":"1",${EXACT}}],"properties":[{"key":"a","value":"1",${EXACT}}]}`

  await send('POST', '/_admin/tenants/acme/seed', `{"businessCustomers":[${customer('b1')}]}`)
  await send('POST', '/api/BusinessCustomers', customer('b2'))
  for (const id of ['b1', 'b2']) {
    await send(
      'PATCH',
      '/api/BusinessCustomers/PatchBusinessCustomer',
      `{"customerId":"${id}","name":"New","properties":[{"key":"b","value":"2"}]}`,
    )
    await send('PATCH', '/api/BusinessCustomers/PatchBusinessCustomer', `{"customerId":"${id}",${EXACT}}`)
  }
  const updated = await send('POST', '/api/BusinessCustomers/Update', customer('b2'))
  const texts = [
    await send('GET', '/api/BusinessCustomers/b1'),
    updated,
    await send('POST', '/api/BusinessCustomers/Search', '{"customerIds":["b2"]}'),
    await send('GET', '/_admin/state'),
  ].map(({ text }) => text)

  expect(texts.map((text) => text.split(EXACT).length - 1)).toEqual([3, 3, 3, 6])
  expect(omnium.journal.writes().map(({ id, operation }) => `${id} ${operation}`)).toEqual([
    'b2 created',
    'b1 patched',
    'b1 unchanged',
    'b2 patched',
    'b2 unchanged',
    'b2 updated',
  ])
})
