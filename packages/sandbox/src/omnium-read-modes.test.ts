import { afterEach, describe, expect, test } from 'vitest'
import type { OmniumModesInput } from './omnium-modes.ts'
import { createCaller } from './testing-call.ts'
import { createTestStandIns, TOKEN_PATH } from './testing-stand-ins.ts'

const standIns = createTestStandIns()
afterEach(standIns.closeAll)

const PRIVATE = '/api/PrivateCustomers'
const BUSINESS = '/api/BusinessCustomers'

async function setUp(modes: OmniumModesInput) {
  const world = await standIns.omniumWithModes(modes)
  const idsOf = (body: { result: ({ customerId?: string; id?: string } | string | null)[] }) =>
    body.result.map((item) => (typeof item === 'object' ? (item?.customerId ?? item?.id) : item))
  const search = async (path: string, body: object = {}) => (await world.call('POST', `${path}/Search`, body)).body
  return { ...world, idsOf, search }
}

describe('an API user with stores of its own', () => {
  test('is refused customers and orders of other stores, and no list holds them', async () => {
    const { call, omnium, idsOf, search } = await setUp({ storesOf: { 'acme-id': ['s1'] } })
    omnium.seed('acme', 'B2B', [
      { customerId: 'own', storeIds: ['s0', 's1'] },
      { customerId: 'other', storeIds: ['s2'] },
      { customerId: 'none' },
    ])
    omnium.createOrder('acme', { id: 'o1', storeId: 's1' })
    omnium.createOrder('acme', { id: 'o2', storeId: 's2' })

    const statuses = async () => [
      (await call('GET', `${BUSINESS}/own`)).status,
      (await call('GET', `${BUSINESS}/other`)).status,
      (await call('GET', `${BUSINESS}/none`)).status,
      (await call('GET', '/api/Orders/o1')).status,
      (await call('GET', '/api/Orders/o2')).status,
      (await call('PATCH', `${BUSINESS}/PatchBusinessCustomer`, { customerId: 'other', name: 'x' })).status,
      (await call('POST', `${BUSINESS}/Update`, { customerId: 'other', name: 'x' })).status,
      (await call('DELETE', `${BUSINESS}/other`)).status,
    ]
    expect(await statuses()).toEqual([200, 403, 200, 200, 403, 403, 403, 403])
    expect(idsOf(await search(BUSINESS)).toSorted()).toEqual(['none', 'own'])
    expect(idsOf((await call('GET', `${BUSINESS}/GetAll`)).body).toSorted()).toEqual(['none', 'own'])
    expect(idsOf((await call('POST', `${BUSINESS}/Scroll`, {})).body).toSorted()).toEqual(['none', 'own'])
    expect(idsOf(await search('/api/Orders'))).toEqual(['o1'])
    expect(omnium.customer('acme', 'B2B', 'other')?.name).toBeUndefined()

    omnium.setModes('acme', { requireStoreIds: true })
    expect(await statuses()).toEqual([200, 403, 403, 200, 403, 403, 403, 403])
    omnium.setModes('acme', { storesOf: { 'another-id': [] } })
    expect((await call('GET', `${BUSINESS}/other`)).status).toBe(200)
  })
})

test.each<[OmniumModesInput['missingRoles'], readonly number[]]>([
  [[], [200, 200, 201, 200, 200, 200]],
  [['search'], [200, 403, 201, 200, 403, 200]],
  [['get'], [403, 200, 201, 403, 200, 200]],
  [['write'], [200, 200, 403, 200, 200, 200]],
  [['get-private'], [403, 200, 201, 200, 200, 200]],
  [['search-business'], [200, 200, 201, 200, 403, 200]],
  [['search-orders'], [200, 200, 201, 200, 200, 403]],
])('without the roles %o the routes of those answer 403', async (missingRoles, expected) => {
  const { call, omnium } = await setUp({ missingRoles: missingRoles ?? [] })
  omnium.seed('acme', 'B2C', [{ customerId: '1' }])
  omnium.seed('acme', 'B2B', [{ customerId: '1' }])

  const answers = [
    await call('GET', `${PRIVATE}/1`),
    await call('POST', `${PRIVATE}/Search`, {}),
    await call('POST', PRIVATE, { customerId: '2' }),
    await call('GET', `${BUSINESS}/1`),
    await call('POST', `${BUSINESS}/Scroll`, {}),
    await call('POST', '/api/Orders/Search', {}),
  ]

  expect(answers.map(({ status }) => status)).toEqual(expected)
})

test('hidden customers are gone from reads by id, searches and updates, and come back unchanged', async () => {
  const { call, omnium, idsOf, search } = await setUp({ hidden: { ids: ['1'] } })
  omnium.seed('acme', 'B2C', [{ customerId: '1', firstName: 'A' }, { customerId: '2' }])

  const answers = [
    await call('GET', `${PRIVATE}/1`),
    await call('GET', `${PRIVATE}/2`),
    await call('PATCH', `${PRIVATE}/PatchPrivateCustomer`, { customerId: '1', firstName: 'B' }),
    await call('POST', `${PRIVATE}/Update`, { customerId: '1' }),
    await call('DELETE', `${PRIVATE}/1`),
    await call('POST', PRIVATE, { customerId: '1' }),
  ]
  expect(answers.map(({ status }) => status)).toEqual([404, 200, 404, 404, 404, 409])
  expect(idsOf(await search(PRIVATE))).toEqual(['2'])
  expect(idsOf(await search(PRIVATE, { customerIds: ['1'] }))).toEqual([])

  omnium.setModes('acme', { hidden: null })
  expect((await call('GET', `${PRIVATE}/1`)).body).toMatchObject({ firstName: 'A' })
})

test('a share of the customers can be hidden at once', async () => {
  const { omnium, search } = await setUp({})
  const ids = Array.from({ length: 100 }, (_, i) => `c${i}`)
  omnium.seed(
    'acme',
    'B2C',
    ids.map((customerId) => ({ customerId })),
  )

  omnium.setModes('acme', { hidden: { share: 0.5 } })

  const { totalHits } = await search(PRIVATE)
  expect(totalHits).toBeGreaterThan(30)
  expect(totalHits).toBeLessThan(70)
})

describe('lists', () => {
  test('have shorter pages and a smaller total than there are customers', async () => {
    const { call, omnium, search } = await setUp({ maxPageLength: 2, maxTotal: 3 })
    const ids = ['1', '2', '3', '4', '5']
    omnium.seed(
      'acme',
      'B2B',
      ids.map((customerId) => ({ customerId, modified: `2026-01-0${customerId}` })),
    )
    const page = (body: object) => search(BUSINESS, { sortOrder: 'ModifiedAscending', ...body })

    expect(await page({ take: 4 })).toMatchObject({ result: [{ customerId: '1' }, { customerId: '2' }], totalHits: 3 })
    expect(await page({ take: 4, page: 1 })).toMatchObject({ result: [{ customerId: '3' }, { customerId: '4' }] })
    expect((await page({ take: 1 })).result).toHaveLength(1)
    expect((await call('GET', `${BUSINESS}/GetAll?page=3`)).body).toMatchObject({ result: [{}], totalHits: 3 })
    const scroll = await call('POST', `${BUSINESS}/Scroll`, { take: 4 })
    expect(scroll.body).toMatchObject({ result: [{}, {}], totalHits: 3 })

    omnium.setModes('acme', { pagesBegin: 'asked' })
    expect(await page({ take: 4, page: 1 })).toMatchObject({ result: [{ customerId: '5' }] })
  })

  test('hold one item that makes no sense', async () => {
    const { call, omnium, search } = await setUp({ brokenListItem: { how: 'no-id', id: '2' } })
    omnium.seed('acme', 'B2B', [
      { customerId: '1', name: 'A' },
      { customerId: '2', name: 'B' },
    ])
    omnium.createOrder('acme', { id: '2' })

    const lists = [
      await search(BUSINESS, { sortOrder: 'CreatedAscending' }),
      (await call('GET', `${BUSINESS}/GetAll?sortOrder=CreatedAscending`)).body,
      (await call('POST', `${BUSINESS}/Scroll`, { sortOrder: 'CreatedAscending' })).body,
    ]

    for (const { result } of lists) {
      expect(result).toMatchObject([{ customerId: '1' }, { name: 'B' }])
      expect(result[1]).not.toHaveProperty('customerId')
    }
    expect((await search('/api/Orders')).result[0]).not.toHaveProperty('id')
    expect((await call('GET', `${BUSINESS}/2`)).body.customerId).toBe('2')
  })

  test('the id of a scroll changes from page to page', async () => {
    const { call, omnium } = await setUp({ scrollIdChanges: true })
    omnium.seed(
      'acme',
      'B2B',
      ['1', '2', '3'].map((customerId) => ({ customerId })),
    )

    const first = (await call('POST', `${BUSINESS}/Scroll`, { take: 1 })).body
    const second = (await call('GET', `${BUSINESS}/Scroll/${first.scrollId}`)).body
    const third = (await call('GET', `${BUSINESS}/Scroll/${second.scrollId}`)).body

    expect(new Set([first.scrollId, second.scrollId, third.scrollId]).size).toBe(3)
    expect(third.result).toHaveLength(1)
    expect((await call('GET', `${BUSINESS}/Scroll/${first.scrollId}`)).status).toBe(404)
  })
})

describe('tokens', () => {
  test('a new token ends the one before it, of the same API user alone', async () => {
    const { call, omnium, url } = await setUp({ newestTokenOnly: true })
    omnium.configureTenant('acme', { apiUsers: [{ clientId: 'b-id', clientSecret: 'acme-secret', apiUser: 'b' }] })
    const token = async (clientId: string) =>
      (await createCaller(url)('POST', TOKEN_PATH.replace('acme-id', clientId))).body.accessToken
    omnium.seed('acme', 'B2C', [{ customerId: '1' }])
    const read = async (accessToken?: string) => (await call('GET', `${PRIVATE}/1`, undefined, accessToken)).status

    const ofOther = await token('b-id')
    expect(await read()).toBe(200)
    const newer = await token('acme-id')

    expect([await read(), await read(newer), await read(ofOther)]).toEqual([401, 200, 200])
    omnium.setModes('acme', { newestTokenOnly: false })
    await token('acme-id')
    expect(await read(newer)).toBe(200)
  })

  test.each([
    ['right', 864_000],
    [1, 1],
    [-5, -5],
    ['soon', 'soon'],
    [null, null],
    ['absent', undefined],
  ])('the lifetime %s is told as %s', async (expiresIn, told) => {
    const { url } = await setUp({ expiresIn })

    expect((await createCaller(url)('POST', TOKEN_PATH)).body.expiresIn).toBe(told)
  })
})
