import { afterEach, expect, test } from 'vitest'
import { createTestStandIns } from './testing-stand-ins.ts'

const standIns = createTestStandIns()
afterEach(standIns.closeAll)

test('a search pages through what changed in a time, both ends included, within its window', async () => {
  const { call, omnium } = await standIns.omnium()
  const day = (date: number) => new Date(Date.UTC(2026, 0, date)).toISOString()
  omnium.seed(
    'acme',
    'B2C',
    [3, 1, 2, 4].map((date) => ({ customerId: `c${date}`, modified: day(date) })),
  )
  const search = (body: object) => call('POST', '/api/PrivateCustomers/Search', body)
  const ids = async (body: object) =>
    (await search(body)).body.result.map((row: { customerId: string }) => row.customerId)

  expect(await ids({ take: 100 })).toEqual(['c4', 'c3', 'c2', 'c1'])
  const window = { modifiedFrom: day(2), modifiedTo: day(3), sortOrder: 'ModifiedAscending' }
  expect((await search({ ...window, take: 1, page: 1 })).body).toMatchObject({
    result: [{ customerId: 'c3' }],
    totalHits: 2,
  })
  expect(await ids({ take: 10, customerIds: ['c1', 'c9'] })).toEqual(['c1'])

  expect(await ids({ take: 2, sortOrder: 'CreatedAscending', modifiedFrom: day(2) })).toHaveLength(2)
  expect(await ids({ modifiedFrom: day(5) })).toEqual([])

  const refused = [
    { take: 101 },
    { take: 100, page: 101 },
    { take: 1, sortOrder: 'Sideways' },
    { modifiedFrom: 'soon' },
  ]
  for (const body of refused) expect((await search(body)).status).toBe(400)
  expect((await search({ take: 100, page: 100 })).status).toBe(200)
})

test('a scroll goes on until its result is empty', async () => {
  const { call, omnium } = await standIns.omnium()
  omnium.seed(
    'acme',
    'B2B',
    ['c1', 'c2', 'c3'].map((customerId) => ({ customerId })),
  )

  const first = await call('POST', '/api/BusinessCustomers/Scroll', { take: 2 })
  const path = `/api/BusinessCustomers/Scroll/${first.body.scrollId}`
  const sizes = [first, await call('GET', path), await call('GET', path)].map(({ body }) => body.result.length)

  expect(sizes).toEqual([2, 1, 0])
  expect((await call('GET', '/api/BusinessCustomers/Scroll/unknown')).status).toBe(404)
})

test('all business customers are listed, by page from 1 and by change', async () => {
  const { call, omnium } = await standIns.omnium()
  omnium.seed(
    'acme',
    'B2B',
    ['2026-01-01', '2026-01-02', '2026-01-03'].map((modified) => ({ customerId: modified, modified })),
  )
  const all = async (query: string) => (await call('GET', `/api/BusinessCustomers/GetAll?${query}`)).body

  const second = await all('page=2&pageSize=2&sortOrder=ModifiedAscending')
  const changed = await all('changedSince=2026-01-02&sortOrder=ModifiedAscending')

  expect(second).toMatchObject({ result: [{ customerId: '2026-01-03' }], totalHits: 3 })
  expect(changed).toMatchObject({ result: [{ customerId: '2026-01-02' }, { customerId: '2026-01-03' }], totalHits: 2 })
})

test('orders are placed, read and searched by their change', async () => {
  const { call } = await standIns.omnium()

  const placed = await call('POST', '/api/Orders', { id: 'o1', customerId: '+47 900', customerType: 'B2C' })
  const twice = await call('POST', '/api/Orders', { id: 'o1' })
  const since = { modifiedSince: placed.body.modified, take: 10, page: 0, sortOrder: 'ModifiedAscending' }
  const found = await call('POST', '/api/Orders/Search', since)

  expect([placed.status, twice.status]).toEqual([201, 409])
  expect(found.body).toMatchObject({ result: [{ id: 'o1' }], totalHits: 1 })
  expect((await call('POST', '/api/Orders', { customerId: 'c1' })).status).toBe(400)
  expect((await call('GET', '/api/Orders/o2')).status).toBe(404)
})
