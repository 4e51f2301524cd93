import { afterEach, describe, expect, it } from 'vitest'
import type { SyncError } from '../errors.ts'
import { aCall } from '../testing/builders.ts'
import { type Answer, sendJson } from '../testing/http-server.ts'
import { type LiveTargets, startLiveTargets } from '../testing/live-targets.ts'
import type { ManualTime } from '../testing/manual-time.ts'

let targets: LiveTargets | undefined
afterEach(() => targets?.close())

const start = async (omnium: Answer, options = {}) => {
  targets = await startLiveTargets({ omnium, ...options })
  const { omniumServer, tenant } = targets
  const sent = () => omniumServer.requests.filter(({ url }) => !url.startsWith('/api/token'))
  const tokens = () => omniumServer.requests.length - sent().length
  return { ...targets, call: aCall({ tenant }), sent, tokens }
}
const answering =
  (status: number, body: unknown): Answer =>
  (_request, response) =>
    sendJson(response, status, body)
const caught = (promise: Promise<unknown>) => promise.catch((error: SyncError) => error)

/** Lets time pass until all have ended: the client waits for a moment before it renews a token. */
const inTime = async <T>({ advance }: ManualTime, requests: readonly Promise<T>[]): Promise<T[]> => {
  let areOver = false
  const all = Promise.all(requests).finally(() => {
    areOver = true
  })
  for (let i = 0; i < 2_000 && !areOver; i++) await advance(1)
  return all
}

const CUSTOMER = { customerId: '1000', firstName: 'Kari', tags: ['vip'], properties: [{ key: 'a', value: 'b', x: 1 }] }

describe('the Omnium client', () => {
  it('reads both kinds of customer and orders, ids encoded, unknown fields kept', async () => {
    const { omnium, call, sent } = await start((request, response) => sendJson(response, 200, answered(request.url)))
    const answered = (url: string) => {
      const id = decodeURIComponent(url.split('/').at(-1) ?? '')
      return url.includes('Orders') ? { id, orderForm: {} } : { ...CUSTOMER, customerId: id }
    }

    expect(await omnium.getCustomer(call, 'B2C', 'kari@example.com')).toEqual({
      ...CUSTOMER,
      customerId: 'kari@example.com',
    })
    expect(await omnium.getCustomer(call, 'B2B', '..')).toEqual({ ...CUSTOMER, customerId: '..' })
    expect(await omnium.getOrder(call, 'a/b%+ø')).toEqual({ id: 'a/b%+ø', orderForm: {} })

    expect(sent().map(({ method, url, headers }) => `${method} ${url} ${headers.authorization}`)).toEqual([
      'GET /api/PrivateCustomers/kari%40example.com Bearer token-1',
      'GET /api/BusinessCustomers/%2E%2E Bearer token-1',
      'GET /api/Orders/a%2Fb%25%2B%C3%B8 Bearer token-1',
    ])
  })

  it('writes to the documented paths', async () => {
    const { omnium, call, sent } = await start(answering(200, { updatedCount: 1, errorCount: 0, notFoundCount: 0 }))

    expect(await omnium.createCustomer(call, 'B2C', CUSTOMER)).toEqual({ end: 'created', id: '1000' })
    expect(await omnium.createCustomer(call, 'B2B', CUSTOMER)).toEqual({ end: 'created', id: '1000' })
    expect(await omnium.updatePrivateCustomer(call, CUSTOMER)).toBe('updated')
    expect(await omnium.patchCustomer(call, 'B2C', { customerId: '1000', email: null })).toBe('updated')
    expect(await omnium.patchCustomer(call, 'B2B', { customerId: '1000' })).toBe('updated')

    expect(sent().map(({ method, url }) => `${method} ${url}`)).toEqual([
      'POST /api/PrivateCustomers',
      'POST /api/BusinessCustomers',
      'POST /api/PrivateCustomers/Update',
      'PATCH /api/PrivateCustomers/PatchPrivateCustomer',
      'PATCH /api/BusinessCustomers/PatchBusinessCustomer',
    ])
    expect(sent()[3]?.body).toBe('{"customerId":"1000","email":null}')
  })

  it.each([
    [404, {}, 'not-found'],
    [200, { notFoundCount: 1, updatedCount: 0 }, 'not-found'],
    [200, { unchangedCount: 1, isModified: false }, 'updated'],
  ])('takes a PATCH answered %d %j for %s', async (status, body, expected) => {
    const { omnium, call } = await start((request, response) =>
      request.method === 'PATCH' ? sendJson(response, status, body) : sendJson(response, 404, {}),
    )

    expect(await omnium.patchCustomer(call, 'B2B', { customerId: '1' })).toBe(expected)
  })

  it('takes errorCount in a 200 for a refusal, whose text may name the customer', async () => {
    const { omnium, call } = await start(
      answering(200, { errorCount: 1, errorMessage: 'kari@example.com is no email' }),
    )

    const error = (await caught(omnium.patchCustomer(call, 'B2C', { customerId: '1' }))) as SyncError

    expect(error).toMatchObject({ code: 'target-refused', outage: false, unknownEnd: false })
    expect(error.message).toBe('updating a customer in omnium: 200 OK with errorCount 1')
  })

  it('knows what is not there, and what is there already', async () => {
    const { omnium, call } = await start((request, response) =>
      sendJson(response, request.method === 'POST' && !request.url.endsWith('Update') ? 409 : 404, {}),
    )

    expect(await omnium.getCustomer(call, 'B2C', '1')).toBeNull()
    expect(await omnium.getOrder(call, '1')).toBeNull()
    expect(await omnium.updatePrivateCustomer(call, { customerId: '1' })).toBe('not-found')
    expect(await omnium.createCustomer(call, 'B2C', { customerId: '1' })).toEqual({
      end: 'exists',
      answered: '409 Conflict',
    })
  })

  it('searches by POST, orders with both names of the start, and what is no customer keeps its place', async () => {
    const strange = { customerId: '2', modified: '2026-01-02', properties: [{ key: 5 }], email: 'x@example.com' }
    const { omnium, call, sent } = await start((request, response) =>
      sendJson(
        response,
        200,
        request.url.includes('Orders')
          ? { result: null, totalHits: 0 }
          : { result: [CUSTOMER, strange, { customerId: 9 }, 'odd'], totalHits: 'many' },
      ),
    )
    const query = { take: 100, page: 2, modifiedFrom: '2026-01-01T00:00:00Z', sortOrder: 'ModifiedAscending' } as const

    const customers = await omnium.searchCustomers(call, 'B2B', query)
    const orders = await omnium.searchOrders(call, query)

    const asListed = [
      CUSTOMER,
      { customerId: '2', modified: '2026-01-02', properties: [{ key: '5' }], email: 'x@example.com' },
      { customerId: '9' },
      { customerId: '', modified: null },
    ]
    expect(customers).toMatchObject({ result: asListed, totalHits: null, servedAtMs: expect.any(Number) })
    expect(orders).toEqual({ result: [], totalHits: 0, servedAtMs: expect.any(Number) })
    expect(sent().map(({ method, url, body }) => ({ method, url, body: JSON.parse(body) }))).toEqual([
      { method: 'POST', url: '/api/BusinessCustomers/Search', body: query },
      { method: 'POST', url: '/api/Orders/Search', body: { ...query, modifiedSince: query.modifiedFrom } },
    ])
  })

  it.each([
    ['JSON of another service', { message: 'down' }, 'target-failed'],
    ['no list', { result: null }, 'target-failed'],
    ['no list, but a total', { result: null, totalHits: 3 }, 'target-failed'],
    ['an empty list, but a total', { result: [], totalHits: 1 }, 'target-failed'],
    ['another customer', { result: [{ customerId: '8' }], totalHits: 1 }, 'identity-mismatch'],
    ['an id in other case', { result: [{ customerId: 'A' }], totalHits: 1 }, 'identity-mismatch'],
    ['an item without an id', { result: ['odd'], totalHits: 1 }, 'identity-mismatch'],
  ])('does not take a search by ids that is answered with %s for one that finds nothing', async (_what, body, code) => {
    const { omnium, call } = await start(answering(200, body))
    const byIds = { take: 100, page: 0, customerIds: ['7', 'a'] }

    expect(await caught(omnium.searchCustomers(call, 'B2C', byIds))).toMatchObject({ code })
  })

  it('repeats a write once with a fresh token after a 401, fenced again, and gets that token once for all', async () => {
    const { omnium, tenant, sent, tokens, time } = await start((request, response) =>
      sendJson(response, request.headers.authorization === 'Bearer token-1' ? 401 : 200, { updatedCount: 1 }),
    )
    const fenced = new Map<string, number>()
    const keys = Array.from({ length: 20 }, (_, i) => `acme:${i}`)

    const results = await inTime(
      time,
      keys.map((key) => {
        const fence = () => void fenced.set(key, (fenced.get(key) ?? 0) + 1)
        return omnium.patchCustomer(aCall({ tenant, key, fence }), 'B2C', { customerId: key })
      }),
    )

    expect(results).toEqual(Array(20).fill('updated'))
    expect(tokens()).toBe(2)
    expect(sent().length).toBe(40)
    // Before the hand-over and at the socket, both times.
    expect([...fenced.values()]).toEqual(Array(20).fill(4))
  })

  it('lets the record wait when the fresh token is refused too: another process may have fetched a newer one', async () => {
    const { omnium, call, sent, tokens, circuits, logged, time } = await start(answering(401, {}))

    const [error] = await inTime(time, [caught(omnium.getCustomer(call, 'B2C', '1'))])

    expect(error).toMatchObject({ code: 'token-unavailable' })
    expect([sent().length, tokens()]).toEqual([2, 2])
    expect(circuits.list()).toMatchObject([{ target: 'omnium', state: 'closed' }])
    expect(logged.join('')).not.toMatch(/omnium-secret|client-7|token-1/)
  })

  it('finds a refused client an outage, not the record’s fault', async () => {
    const { omnium, call, sent } = await start(answering(200, CUSTOMER), { token: answering(400, {}) })

    const error = await caught(omnium.createCustomer(call, 'B2C', CUSTOMER))

    expect(error).toMatchObject({ code: 'target-unauthorized', outage: true, unknownEnd: false })
    expect(sent()).toHaveLength(0)
  })

  it('does not know the end of a write whose connection was reset, nor of one aborted after it was sent', async () => {
    const abort = new AbortController()
    const { omnium, tenant, call } = await start((request, response, socket) => {
      if (request.method === 'PATCH') abort.abort()
      else if (request.method === 'POST') socket.resetAndDestroy()
      else sendJson(response, 404, {})
    })

    expect(await caught(omnium.createCustomer(call, 'B2C', CUSTOMER))).toMatchObject({
      code: 'target-reset',
      unknownEnd: true,
      outage: false,
    })
    const aborted = aCall({ tenant, signal: abort.signal })
    expect(await caught(omnium.patchCustomer(aborted, 'B2C', { customerId: '1' }))).toMatchObject({
      code: 'aborted',
      unknownEnd: true,
    })
  })
})
