import { afterEach, describe, expect, test } from 'vitest'
import type { FlowModesInput } from './flow-modes.ts'
import { createTestStandIns } from './testing-stand-ins.ts'

const standIns = createTestStandIns()
afterEach(standIns.closeAll)

const person = (customerUid: string, fields: object = {}) => ({ customerUid, customerType: 'PERSON', ...fields })

async function setUp(modes: FlowModesInput, count = 0) {
  const world = await standIns.flow()
  world.flow.seed(
    'acme',
    Array.from({ length: count }, (_, i) => person(String(i + 1))),
  )
  world.flow.setModes('acme', modes)
  const list = async (query = '') => (await world.call('GET', `/customers${query}`)).body
  const uids = async (query = '') =>
    (await list(query)).items.map(({ customerUid }: { customerUid: string }) => customerUid)
  return { ...world, list, uids }
}

test('modes change under /_admin at run time', async () => {
  const { admin, flow } = await setUp({})

  const put = await admin('PUT', '/tenants/acme/modes', { lastPageAgain: true })
  await admin('PUT', '/tenants/acme/modes', { maxTotal: 1 })

  expect(put.body).toMatchObject({ lastPageAgain: true, maxTotal: null })
  expect(flow.modes('acme')).toMatchObject({ lastPageAgain: true, maxTotal: 1 })
  expect((await admin('PUT', '/tenants/acme/modes', { lastPage: true })).status).toBe(400)
})

describe('lists', () => {
  test('a page number above the last page is answered with the last page', async () => {
    const { list, uids, flow } = await setUp({ lastPageAgain: true }, 5)

    expect(await uids('?pageNumber=3&pageSize=2')).toEqual(['5'])
    expect(await list('?pageNumber=9&pageSize=2')).toMatchObject({
      items: [{ customerUid: '5' }],
      paging: { pageNumber: 3, pageSize: 2, totalCount: 5 },
    })
    flow.setModes('acme', { lastPageAgain: false })
    expect(await uids('?pageNumber=9&pageSize=2')).toEqual([])
  })

  test('pages are shorter, and totals stop', async () => {
    const { list, uids, call } = await setUp({ maxPageLength: 2, maxTotal: 3 }, 5)

    expect(await list('?pageSize=100')).toMatchObject({ items: [{}, {}], paging: { pageSize: 2, totalCount: 3 } })
    expect(await uids('?pageSize=100&pageNumber=3')).toEqual(['5'])
    await call('PUT', '/customers/1', { contacts: [1, 2, 3].map(() => ({ firstname: 'A', lastname: 'B' })) })
    expect((await call('GET', '/customers/1/contacts')).body.items).toHaveLength(2)
  })

  test('one item makes no sense', async () => {
    const { list, flow, call } = await setUp({ brokenListItem: { how: 'null', id: '2' } }, 2)
    flow.putOrder('acme', { orderUid: '2' })

    expect((await list()).items).toEqual([expect.objectContaining({ customerUid: '1' }), null])
    expect((await call('GET', '/stores/store-1/orders')).body.items).toEqual([null])
    expect((await call('GET', '/customers/2')).status).toBe(200)
  })

  test('the customer that is linked to an external id is found', async () => {
    const { uids, flow } = await setUp({}, 2)
    flow.editCustomer('acme', '2', { externalId: 'ada@example.com' })

    expect(await uids('?customerExternalId=ada%40example.com')).toEqual(['2'])
    expect(await uids('?customerExternalId=2')).toEqual([])
  })
})

test('hidden customers are gone from reads by uid, lists and writes, and come back unchanged', async () => {
  const { call, uids, flow } = await setUp({ hidden: { ids: ['1'] } }, 2)

  const answers = [
    await call('GET', '/customers/1'),
    await call('PUT', '/customers/1', { firstname: 'A' }),
    await call('GET', '/customers/1/contacts'),
    await call('POST', '/customers', person('1')),
    await call('GET', '/customers/2'),
  ]

  expect(answers.map(({ status }) => status)).toEqual([404, 404, 404, 409, 200])
  expect([await uids(), await uids('?sortBy=customerUid')]).toEqual([['2'], ['2']])
  flow.setModes('acme', { hidden: null })
  expect(await uids()).toEqual(['1', '2'])
})

test('an order outside of the stores of the integration is refused, and no list holds it', async () => {
  const { call, flow } = await setUp({ stores: ['s1'] })
  for (const storeUid of ['s1', 's2']) flow.putOrder('acme', { orderUid: `o-${storeUid}`, storeUid })

  const answers = [await call('GET', '/orders/o-s1'), await call('GET', '/orders/o-s2')]
  const lists = [await call('GET', '/stores/s1/orders'), await call('GET', '/stores/s2/orders')]

  expect(answers.map(({ status }) => status)).toEqual([200, 403])
  expect(lists.map(({ body }) => body.items.length)).toEqual([1, 0])
})

test.each<[FlowModesInput['missingRoles'], readonly number[]]>([
  [[], [200, 200, 200, 200, 200]],
  [['list'], [200, 403, 200, 200, 200]],
  [['get'], [403, 200, 200, 200, 200]],
  [['write'], [200, 200, 403, 200, 200]],
  [
    ['get-orders', 'list-orders'],
    [200, 200, 200, 403, 403],
  ],
])('without the roles %o the routes of those answer 403', async (missingRoles, expected) => {
  const { call, flow } = await setUp({ missingRoles: missingRoles ?? [] }, 1)
  flow.putOrder('acme', { orderUid: 'o' })

  const answers = [
    await call('GET', '/customers/1'),
    await call('GET', '/customers'),
    await call('PUT', '/customers/1', { firstname: 'A' }),
    await call('GET', '/orders/o'),
    await call('GET', '/stores/store-1/orders'),
  ]

  expect(answers.map(({ status }) => status)).toEqual(expected)
})

test('values are stored in Flow’s own form', async () => {
  const { call, flow } = await setUp({ phoneFormat: {}, lowerCaseEmails: true, normalizeTexts: true })
  const sent = { firstname: ' Ada ', email: 'A@Example.com', mobile: '900 00 000' }
  const stored = { firstname: 'Ada', email: 'a@example.com', mobile: '+4790000000', displayName: 'Ada' }

  const created = await call('POST', '/customers', person('1', sent))
  const version = flow.customer('acme', '1')?.lastModifiedAt
  const again = await call('PUT', '/customers/1', sent)

  expect(created.body).toMatchObject(stored)
  expect(again.body).toMatchObject({ ...stored, lastModifiedAt: version })
  expect(flow.createCustomer('acme', person('2', sent))).toMatchObject(stored)
})

test.each([400, 409] as const)('a second customer with an e-mail or a phone is refused with %d', async (status) => {
  const { call } = await setUp({ uniqueEmails: status, uniquePhones: status })
  await call('POST', '/customers', person('1', { email: 'ada@example.com', mobile: '1' }))
  await call('POST', '/customers', person('2'))

  const answers = [
    await call('POST', '/customers', person('3', { email: 'ADA@example.com' })),
    await call('PUT', '/customers/2', { mobile: '1' }),
    await call('PUT', '/customers/1', { email: 'ada@example.com', firstname: 'Ada' }),
  ]

  expect(answers.map((answer) => answer.status)).toEqual([status, status, 200])
})
