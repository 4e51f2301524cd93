import { afterEach, describe, expect, test } from 'vitest'
import { standInsConfig } from './stand-ins-config.ts'
import { createTestStandIns } from './testing-stand-ins.ts'

const standIns = createTestStandIns()
afterEach(standIns.closeAll)

const STRICT = {
  limits: { perApiUser: 20, perTenant: 40, batches: 4, bucket: 12_000, gain: 1_000, gainEveryMs: 10_000 },
  countDefects: true,
  writeMs: 5,
  writeConflicts: true,
  searchLagMs: 1_000,
  searchLagSeed: 1,
}

describe('the modes of a tenant', () => {
  test('are strict unless the configuration says otherwise', () => {
    const tenant = (omnium: object) => ({
      uid: 'acme',
      flow: { token: 't' },
      omnium: { clientId: 'c', clientSecret: 's', ...omnium },
    })
    const modesOf = (omnium: object) =>
      standInsConfig({ STAND_INS_TENANTS: JSON.stringify([tenant(omnium)]) }).omnium.tenants?.[0]?.modes

    expect(modesOf({})).toMatchObject(STRICT)
    expect(modesOf({ modes: { limits: { perApiUser: 3 }, searchLagMs: 0 } })).toMatchObject({
      ...STRICT,
      limits: { ...STRICT.limits, perApiUser: 3 },
      searchLagMs: 0,
    })
    expect(() => modesOf({ modes: { searchLag: 0 } })).toThrow('searchLag')
  })

  test('change under /_admin at run time, and those that are not named stay', async () => {
    const { omnium, admin } = await standIns.omnium()

    const put = await admin('PUT', '/tenants/acme/modes', { writeMs: 9 })
    await admin('PUT', '/tenants/acme', { requestsPerSecond: 5, modes: { limits: null } })

    expect(put.body).toMatchObject({ ...STRICT, searchLagMs: 0, writeMs: 9 })
    const now = (await admin('GET', '/tenants/acme/modes')).body
    expect(now).toMatchObject({ writeMs: 9, limits: null, searchLagMs: 0 })
    expect(now).toEqual(omnium.modes('acme'))
    expect((await admin('PUT', '/tenants/acme/modes', { writeMS: 1 })).status).toBe(400)
    expect((await admin('PUT', '/tenants/none/modes', { writeMs: 1 })).status).toBe(404)
    expect((await admin('GET', '/tenants/none/modes')).status).toBe(404)
  })
})

describe('the search index', () => {
  const setUp = async () => {
    let nowMs = Date.UTC(2026, 0, 1)
    const world = await standIns.omnium({ now: () => nowMs })
    world.omnium.setModes('acme', { searchLagMs: 1_000, searchLagSeed: null })
    const ids = (body: { result: { customerId?: string; id?: string }[] }) =>
      body.result.map(({ customerId, id }) => customerId ?? id)
    const post = async (path: string, body: object = {}) => ids((await world.call('POST', path, body)).body)
    return {
      ...world,
      pass: (ms: number) => {
        nowMs += ms
      },
      lists: async () => [
        await post('/api/BusinessCustomers/Search'),
        await post('/api/BusinessCustomers/Scroll'),
        ids((await world.call('GET', '/api/BusinessCustomers/GetAll')).body),
        await post('/api/Orders/Search'),
      ],
    }
  }

  test('shows a write only after its lag, and a read by id shows the write at once', async () => {
    const { call, omnium, lists, pass } = await setUp()
    await call('POST', '/api/BusinessCustomers', { customerId: '1' })
    await call('POST', '/api/Orders', { id: 'o1' })

    pass(999)
    expect(await lists()).toEqual([[], [], [], []])
    expect((await call('GET', '/api/BusinessCustomers/1')).status).toBe(200)
    expect(omnium.indexCompleteAt()).toBe(Date.UTC(2026, 0, 1) + 1_000)
    pass(1)
    expect(await lists()).toEqual([['1'], ['1'], ['1'], ['o1']])
    expect(omnium.indexCompleteAt()).toBeNull()
  })

  test('filters and sorts by what it shows, and not by the customer as stored', async () => {
    const { call, omnium, pass } = await setUp()
    omnium.seed('acme', 'B2C', [{ customerId: '1', email: 'old@example.com', modified: '2025-01-01T00:00:00Z' }])
    await call('PATCH', '/api/PrivateCustomers/PatchPrivateCustomer', { customerId: '1', email: 'new@example.com' })
    const found = async (query: object) => (await call('POST', '/api/PrivateCustomers/Search', query)).body.totalHits
    const queries = [{ email: 'old@example.com' }, { email: 'new@example.com' }, { modifiedFrom: '2026-01-01' }]

    expect(await Promise.all(queries.map(found))).toEqual([1, 0, 0])
    pass(1_000)
    expect(await Promise.all(queries.map(found))).toEqual([0, 1, 1])
  })

  test('can lag by minutes for one customer alone', async () => {
    const { call, admin, omnium, lists, pass } = await setUp()
    await admin('POST', '/tenants/acme/search-lag', { customerId: '1', ms: 300_000 })
    for (const customerId of ['1', '2']) await call('POST', '/api/BusinessCustomers', { customerId })

    pass(299_999)
    expect((await lists())[0]).toEqual(['2'])
    omnium.fixSearchLag('acme', '1', 0)
    expect((await lists())[0]).toEqual(['1', '2'])
    expect((await admin('POST', '/tenants/acme/search-lag', { customerId: '1', ms: -1 })).status).toBe(400)
  })
})
