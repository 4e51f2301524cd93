import { afterEach, describe, expect, it } from 'vitest'
import type { SyncError } from '../errors.ts'
import { unreadableOf } from '../http/reading.ts'
import { aCall } from '../testing/builders.ts'
import { type Answer, sendJson } from '../testing/http-server.ts'
import { type LiveTargets, startLiveTargets } from '../testing/live-targets.ts'

let targets: LiveTargets | undefined
afterEach(() => targets?.close())

const start = async (flow: Answer) => {
  targets = await startLiveTargets({ flow })
  return { ...targets, call: aCall({ tenant: targets.tenant }) }
}
const answering =
  (status: number, body: unknown, headers = {}): Answer =>
  (_request, response) =>
    sendJson(response, status, body, headers)
const caught = (promise: Promise<unknown>) => promise.catch((error: SyncError) => error)

const CUSTOMER = { customerUid: '1000', customerType: 'PERSON', shoeSize: 43, contacts: [{ customerContactUid: 'c' }] }

describe('the Flow client', () => {
  it.each([
    ['1000', '1000'],
    ['kari@example.com', 'kari%40example.com'],
    ['+47 900', '%2B47%20900'],
    ['50%', '50%25'],
    ['a/b', 'a%2Fb'],
    ['a?b=c&d#e', 'a%3Fb%3Dc%26d%23e'],
    ['.', '%2E'],
    ['..', '%2E%2E'],
    ['a..b', 'a..b'],
    ['ø', '%C3%B8'],
    ['x y\\z', 'x%20y%5Cz'],
  ])('asks for the id %s in a path segment of its own', async (id, segment) => {
    const { flow, flowServer, call } = await start(answering(200, { ...CUSTOMER, customerUid: id }))

    await flow.getCustomer(call, id)

    expect(flowServer.requests[0]?.url).toBe(`/v2/tenants/acme/customers/${segment}`)
  })

  it.each(['', '\ud800'])('asks for no id that can’t stand in a path: %j', async (id) => {
    const { flow, flowServer, call } = await start(answering(200, CUSTOMER))

    expect(await caught(flow.updateCustomer(call, id, {}))).toMatchObject({ code: 'target-refused' })
    expect(flowServer.requests).toHaveLength(0)
  })

  it('keeps the fields that it does not know', async () => {
    const { flow, call } = await start(answering(200, CUSTOMER))

    expect(await flow.getCustomer(call, '1000')).toEqual(CUSTOMER)
  })

  it.each([1_999_999_999_999, 1_796_046_527, 'yesterday'])(
    'takes %j for no version, because it is no time',
    async (lastModifiedAt) => {
      const { flow, call } = await start(answering(200, { ...CUSTOMER, lastModifiedAt }))

      const customer = await flow.getCustomer(call, '1000')

      expect(customer?.lastModifiedAt).toBe(undefined)
      expect(customer && unreadableOf(customer)).toEqual(['lastModifiedAt'])
    },
  )

  it('finds the customers that are linked to an Omnium id, also where Flow does not know the filter', async () => {
    const items = ['a+b', 'other', null].map((externalId) => ({ ...CUSTOMER, externalId }))
    const { flow, flowServer, call } = await start(answering(200, { items }))

    expect(await flow.findByExternalId(call, 'a+b')).toMatchObject([{ externalId: 'a+b' }])
    expect(flowServer.requests[0]?.url).toContain('customerExternalId=a%2Bb&')
  })

  it('knows what is not there, and what is there already', async () => {
    const missing = await start(answering(404, {}))
    expect(await missing.flow.getCustomer(missing.call, '1')).toBeNull()
    expect(await missing.flow.getOrder(missing.call, '1')).toBeNull()
    expect(await missing.flow.updateCustomer(missing.call, '1', {})).toBe('not-found')
    await targets?.close()

    const { flow, call } = await start(answering(409, {}))
    expect(await flow.createCustomer(call, CUSTOMER)).toEqual({ end: 'exists', answered: '409 Conflict' })
  })

  it('writes what it is given', async () => {
    const { flow, flowServer, call } = await start((_request, response) => response.writeHead(204).end())

    expect(await flow.createCustomer(call, CUSTOMER)).toEqual({ end: 'created', id: '1000' })
    expect(await flow.updateCustomer(call, 'a/b', { externalId: null })).toBe('updated')

    expect(flowServer.requests).toMatchObject([
      { method: 'POST', url: '/v2/tenants/acme/customers', body: JSON.stringify(CUSTOMER) },
      { method: 'PUT', url: '/v2/tenants/acme/customers/a%2Fb', body: '{"externalId":null}' },
    ])
  })

  it('lists pages, each field of a customer read by itself, and what is no customer by its version alone', async () => {
    const strange = { customerUid: '2', lastModifiedAt: '2026-01-01T00:00:00Z', customerType: 7, email: ['x'] }
    const numbered = { customerUid: 777, lastModifiedAt: 5 }
    const items = [CUSTOMER, strange, numbered, null, {}]
    const page = { items, paging: { pageNumber: '2', totalCount: '105' }, more: true }
    const { flow, flowServer, call } = await start(answering(200, page))
    const query = { pageNumber: 2, pageSize: 100, sortBy: 'lastModifiedAt', sortDirection: 'DESC' } as const

    const listed = await flow.listCustomers(call, query)

    expect(listed.items).toHaveLength(5)
    expect(listed.items).toMatchObject([
      CUSTOMER,
      { customerUid: '2', lastModifiedAt: '2026-01-01T00:00:00Z', customerType: '7' },
      { customerUid: '777', lastModifiedAt: null, customerType: '' },
      { customerUid: '', lastModifiedAt: null, customerType: '' },
      { customerUid: '', lastModifiedAt: null, customerType: '' },
    ])
    expect(listed.paging?.totalCount).toBe(105)
    expect(flowServer.requests[0]?.url).toBe(
      '/v2/tenants/acme/customers?pageNumber=2&pageSize=100&sortBy=lastModifiedAt&sortDirection=DESC',
    )
  })

  it('lists pages that say nothing of their count', async () => {
    const { flow, call } = await start(answering(200, { items: [] }))
    const query = { pageNumber: 1, pageSize: 100, sortBy: 'lastModifiedAt', sortDirection: 'DESC' } as const

    expect(await flow.listCustomers(call, query)).toEqual({ items: [], servedAtMs: expect.any(Number) })
  })

  it.each([
    ['not JSON', (_request, response) => response.end('{"customerUid": "kari@exa')],
    ['not a customer', answering(200, { email: 'kari@example.com' })],
  ] as [string, Answer][])('finds an answer invalid that is %s, and does not repeat it', async (_what, answer) => {
    const { flow, call } = await start(answer)

    const error = (await caught(flow.getCustomer(call, '1'))) as SyncError

    expect(error).toMatchObject({ code: 'target-answer-invalid', status: 200, outage: false })
    expect(`${error.message} ${error.stack} ${error.cause}`).not.toContain('kari')
  })
})
