import { connect } from 'node:net'
import { afterEach, describe, expect, test } from 'vitest'
import { faultMatches } from './fault-match.ts'
import type { FaultRule } from './fault-rule.ts'
import { createFlowApi } from './flow-api.ts'
import type { JournalEntry } from './journal.ts'
import { requestAbout } from './request-about.ts'
import { createCaller } from './testing-call.ts'

describe('a fault is about', () => {
  const request = {
    method: 'PUT',
    path: '/tenants/acme/customers/a%40b.example',
    tenant: 'acme',
    body: { customerUid: 'c1', city: 'Oldtown' },
    about: requestAbout('PUT', '/tenants/acme/customers/a%40b.example'),
    isOnUsedConnection: false,
  }
  const rows: { rule: Omit<FaultRule, 'kind'>; matches: boolean }[] = [
    { rule: {}, matches: true },
    { rule: { method: 'put' }, matches: true },
    { rule: { method: 'GET' }, matches: false },
    { rule: { tenant: 'acme' }, matches: true },
    { rule: { tenant: 'other' }, matches: false },
    { rule: { path: '/tenants/*/customers/*' }, matches: true },
    { rule: { path: '*/customers/a@b.example' }, matches: true },
    { rule: { path: '*/customers' }, matches: false },
    { rule: { path: '/tenants/acme/customers/a.b*' }, matches: false },
    { rule: { contains: 'a@b' }, matches: true },
    { rule: { contains: 'Oldtown' }, matches: true },
    { rule: { contains: 'Newtown' }, matches: false },
    { rule: { customerId: 'a@b.example' }, matches: true },
    { rule: { customerId: 'c1' }, matches: true },
    { rule: { customerId: 'c' }, matches: false },
    { rule: { method: 'PUT', tenant: 'acme', contains: 'Newtown' }, matches: false },
  ]
  for (const { rule, matches } of rows) {
    test(`${JSON.stringify(rule)}: ${matches}`, () => {
      expect(faultMatches({ kind: 'reset', ...rule }, request)).toBe(matches)
    })
  }
})

const opened: { close(): unknown }[] = []
afterEach(async () => {
  for (const it of opened.splice(0)) await it.close()
})

async function setup() {
  const flow = createFlowApi({ tenants: [{ uid: 'acme', token: 't' }] })
  opened.push(flow)
  const url = await flow.listen()
  flow.createCustomer('acme', { customerType: 'PERSON', customerUid: 'c1', mobile: 'old' })
  const mobile = () => flow.customer('acme', 'c1')?.mobile
  const call = createCaller(`${url}/tenants/acme`, 't')
  const put = () => call('PUT', '/customers/c1', { mobile: 'new' })
  return { flow, call, put, mobile, admin: createCaller(`${url}/_admin`), url }
}
const struckBy = (fault: string) => (entry: JournalEntry) => entry.kind === 'request' && entry.fault === fault

test('a status is answered in place of handling the request, as often as the fault counts', async () => {
  const { flow, put, mobile } = await setup()
  flow.faults.add({ kind: 'status', status: 503, retryAfterSeconds: 7, method: 'PUT', count: 2 })

  const answers = [await put(), await put()]

  expect(answers.map(({ status, headers }) => [status, headers.get('retry-after')])).toEqual(Array(2).fill([503, '7']))
  expect(mobile()).toBe('old')
  expect((await put()).status).toBe(200)
})

test('a fault begins after the requests that it lets pass, and ends when it is removed', async () => {
  const { flow, call } = await setup()
  const get = async () => (await call('GET', '/customers/c1')).status
  const id = flow.faults.add({ kind: 'status', status: 500, skip: 1 })

  const before = [await get(), await get(), await get()]
  flow.faults.remove(id)

  expect(before).toEqual([200, 500, 500])
  expect(await get()).toBe(200)
})

test('a request whose client is gone when its connection is accepted is not handled', async () => {
  const { flow, put, mobile, url } = await setup()
  const body = JSON.stringify({ mobile: 'late' })
  const head = `PUT /tenants/acme/customers/c1 HTTP/1.1\r\nhost: a\r\nauthorization: Bearer t\r\n`
  const entered = flow.journal.next(({ kind }) => kind === 'request')

  const socket = connect(Number(new URL(url).port), '127.0.0.1')
  socket.write(`${head}content-type: application/json\r\ncontent-length: ${body.length}\r\n\r\n${body}`, () =>
    socket.destroy(),
  )

  expect(await entered).toMatchObject({ method: 'PUT', status: null, fault: null })
  expect(mobile()).toBe('old')
  expect([(await put()).status, (await put()).status, mobile()]).toEqual([200, 200, 'new'])
})

test('a reset ends the connection before anything is handled', async () => {
  const { flow, put, mobile } = await setup()
  flow.faults.add({ kind: 'reset', count: 1 })

  await expect(put()).rejects.toThrow()

  expect(mobile()).toBe('old')
  expect(flow.journal.entries().at(-1)).toMatchObject({ kind: 'request', status: null, fault: 'reset' })
})

test('a lost reply comes after the write took effect', async () => {
  const { flow, put, mobile } = await setup()
  flow.faults.add({ kind: 'reply-lost', count: 1 })

  await expect(put()).rejects.toThrow()

  expect(mobile()).toBe('new')
  expect(flow.journal.entries().find(struckBy('reply-lost'))).toMatchObject({ status: 200, effect: 'updated' })
})

test('a hanging request is neither handled nor answered until it is let go', async () => {
  const { flow, put, mobile } = await setup()
  const id = flow.faults.add({ kind: 'hang', count: 1 })

  const hanging = put().then(
    () => 'answered',
    () => 'cut',
  )
  await flow.journal.next(struckBy('hang'))
  const held = flow.faults.list()
  flow.faults.release(id)

  expect(held).toMatchObject([{ id, struck: 1, held: 1 }])
  expect(await hanging).toBe('cut')
  expect(mobile()).toBe('old')
})

test('closing lets go of hanging requests', async () => {
  const { flow, put } = await setup()
  flow.faults.add({ kind: 'hang' })
  const hanging = put().catch(() => 'cut')
  await flow.journal.next(struckBy('hang'))

  await flow.close()

  expect(await hanging).toBe('cut')
})

test('a late request is handled when it is released, though its sender has given up and newer ones came', async () => {
  const { flow, call, url } = await setup()
  const id = flow.faults.add({ kind: 'late', contains: 'late', count: 1 })
  const patience = new AbortController()

  const late = fetch(`${url}/tenants/acme/customers/c1`, {
    method: 'PUT',
    headers: { authorization: 'Bearer t', 'content-type': 'application/json' },
    body: JSON.stringify({ mobile: 'late' }),
    signal: patience.signal,
  }).catch(() => 'given up')
  await untilHeld(flow.faults.list, 1)
  patience.abort()
  await late
  await call('PUT', '/customers/c1', { mobile: 'newer' })
  flow.faults.release(id)
  await flow.journal.next(struckBy('late'))

  expect(flow.journal.writes({ id: 'c1' }).length).toBe(3)
  expect(flow.customer('acme', 'c1')?.mobile).toBe('late')
})

test('a late request is handled by itself after its delay, and never answered', async () => {
  const { flow, put, mobile } = await setup()
  flow.faults.add({ kind: 'late', delayMs: 1 })

  await expect(put()).rejects.toThrow()

  expect(mobile()).toBe('new')
})

test('latency lets the request through, and comes before another fault', async () => {
  const { flow, call } = await setup()
  flow.faults.add({ kind: 'latency', latencyMs: 1 })
  flow.faults.add({ kind: 'status', status: 500, count: 1 })
  const get = async () => (await call('GET', '/customers/c1')).status

  expect([await get(), await get()]).toEqual([500, 200])
  expect(flow.faults.list().map(({ struck }) => struck)).toEqual([2, 1])
})

test('faults are added, listed, released and removed by HTTP', async () => {
  const { admin, put } = await setup()

  const added = await admin('POST', '/faults', { kind: 'status', status: 500, tenant: 'acme' })
  const struck = await put()
  const listed = await admin('GET', '/faults')
  const removed = await admin('DELETE', `/faults/${added.body.id}`)

  expect([added.status, struck.status, removed.status, (await put()).status]).toEqual([201, 500, 200, 200])
  expect(listed.body).toMatchObject([{ rule: { kind: 'status', tenant: 'acme' }, struck: 1, held: 0 }])
  expect((await admin('POST', '/faults', { kind: 'fire' })).status).toBe(400)
  expect((await admin('DELETE', '/faults/none')).status).toBe(404)
  expect((await admin('DELETE', '/faults')).status).toBe(200)
})

/** Yields to the server until it holds so many requests; bounded by the test's own timeout. */
async function untilHeld(list: () => readonly { held: number }[], count: number): Promise<void> {
  for (let turn = 0; turn < 100_000; turn += 1) {
    if (list().some(({ held }) => held === count)) return
    await new Promise((resolve) => setImmediate(resolve))
  }
}
