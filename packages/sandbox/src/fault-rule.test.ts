import { afterEach, expect, test } from 'vitest'
import { createTestStandIns } from './testing-stand-ins.ts'

const standIns = createTestStandIns()
afterEach(standIns.closeAll)

test.each([
  { kind: 'gateway', set: { city: 1 } },
  { kind: 'answer-fields' },
  { kind: 'answer-body', tenant: 'acme' },
  { kind: 'latency', encoding: 'gzip' },
  { kind: 'gateway', rawPath: [] },
  { kind: 'gateway', requests: 'some' },
  { kind: 'other-id', of: 'shop' },
])('a rule that makes no sense is refused: %j', async (rule) => {
  const { admin } = await standIns.omnium()

  expect((await admin('POST', '/faults', rule)).status).toBe(400)
})

test('faults of a configuration are in force from the start, for the requests of their tenant', async () => {
  const faults = [{ kind: 'gateway' as const, status: 404, count: 2 }]
  const { url, call, admin } = await standIns.flow({ tenants: [{ uid: 'acme', token: 'acme-token', faults }] })
  await admin('PUT', '/tenants/other', { token: 'other-token' })
  const list = async () => (await call('GET', '/customers')).status
  const other = await fetch(`${url}/tenants/other/customers`, { headers: { authorization: 'Bearer other-token' } })

  const before = [await list(), other.status]
  await admin('PUT', '/tenants/acme', { requestsPerSecond: 100 })
  const counted = [await list(), await list()]
  await admin('POST', '/clear')
  const cleared = await list()
  await admin('DELETE', '/faults')
  const removed = await list()

  expect({ before, counted, cleared, removed }).toEqual({
    before: [404, 200],
    counted: [404, 200],
    cleared: 404,
    removed: 200,
  })
})

test('faults of a configuration are replaced at run time, and stand beside those that were added', async () => {
  const { call, admin } = await standIns.omnium()
  const read = async () => (await call('GET', '/api/PrivateCustomers/none')).status

  await admin('PUT', '/tenants/acme', { faults: [{ kind: 'gateway', status: 503 }] })
  const configured = await read()
  await admin('PUT', '/tenants/acme', { faults: [{ kind: 'gateway', status: 502, count: 1 }] })
  await admin('POST', '/faults', { kind: 'gateway', status: 500, tenant: 'acme' })
  const replaced = [await read(), await read()]
  const listed = (await admin('GET', '/faults')).body
  await admin('PUT', '/tenants/acme', { faults: [] })
  const left = (await admin('GET', '/faults')).body

  expect([configured, ...replaced]).toEqual([503, 502, 500])
  expect(listed).toMatchObject([
    { rule: { tenant: 'acme', status: 502 }, configured: true, struck: 1 },
    { rule: { status: 500 }, configured: false, struck: 1 },
  ])
  expect(left).toMatchObject([{ rule: { status: 500 } }])
  expect((await admin('PUT', '/tenants/acme', { faults: [{ kind: 'gateway', tenant: 'other' }] })).status).toBe(400)
})
