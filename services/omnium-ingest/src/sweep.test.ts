import type { SweepCursor } from '@sync/shared/contracts/sweep-cursor'
import { SyncError } from '@sync/shared/errors'
import { createKnownVersions } from '@sync/shared/kafka/known-versions'
import type { OmniumClient, OmniumQuery } from '@sync/shared/omnium/client'
import type { SweepDepth } from '@sync/shared/sweep'
import { anOmniumCustomer, aTenant } from '@sync/shared/testing/builders'
import { createFakeOmnium } from '@sync/shared/testing/fake-omnium'
import { createFakePublisher } from '@sync/shared/testing/fake-publisher'
import { describe, expect, test } from 'vitest'
import { createOmniumSweep } from './sweep.ts'

const START = Date.parse('2026-02-01T00:00:00Z')
const MINUTE = 60_000
const at = (minutes: number) => new Date(START + minutes * MINUTE).toISOString()
const unending = new AbortController().signal

function given({ mark = at(-600), search }: { mark?: string | null; search?: OmniumClient['searchCustomers'] } = {}) {
  const omnium = createFakeOmnium()
  const publisher = createFakePublisher()
  const puts: SweepCursor[] = []
  const errors: unknown[] = []
  const queries: OmniumQuery[] = []
  const stored = new Map<string, SweepCursor>()
  for (const entity of ['private-customers', 'business-customers', 'orders'] as const) {
    if (mark !== null) stored.set(entity, { tenant: 'acme', source: 'omnium', entity, mark, sweptAt: mark })
  }
  const searchCustomers: OmniumClient['searchCustomers'] = (call, kind, query) => {
    if (kind === 'B2C') queries.push(query)
    return (search ?? omnium.searchCustomers)(call, kind, query)
  }
  const sweep = createOmniumSweep({
    ...{
      publisher,
      known: createKnownVersions(),
      overlapMs: 2 * MINUTE,
      now: () => START,
      deepLookbackMs: 360 * MINUTE,
    },
    omnium: { ...omnium, searchCustomers },
    cursors: {
      get: async (_tenant, _source, entity) => stored.get(entity) ?? null,
      put: async (cursor) => {
        puts.push(cursor)
        stored.set(cursor.entity, cursor)
      },
    },
    logger: { error: (fields: unknown) => void errors.push(fields) },
  })
  return {
    ...{ omnium, publisher, puts, stored, errors, queries },
    put: (id: number | string, minutes: number) =>
      omnium.put('B2C', anOmniumCustomer({ customerId: String(id), modified: at(minutes) })),
    run: (depth: SweepDepth = 'mark', tenant = aTenant()) => sweep.sweepTenant(tenant, unending, depth),
    found: () => publisher.values('omnium.notifications.v1').map(({ id }) => id),
  }
}
const everyId = (n: number) => new Set(Array.from({ length: n }, (_, i) => String(i)))

test('private customers, business customers and orders that changed since their marks are announced', async () => {
  const { omnium, put, run, publisher, stored } = given({ mark: at(-10) })
  put('private', -3)
  put('in the overlap', -12)
  put('old', -13)
  omnium.put('B2B', anOmniumCustomer({ customerId: 'business', modified: at(-2) }))
  omnium.putOrder({ id: 'order', modified: at(-1) })

  await run()

  expect(publisher.values('omnium.notifications.v1')).toMatchObject([
    { id: 'in the overlap', entity: 'customer', kind: 'B2C', via: 'sweep', version: at(-12) },
    { id: 'private', entity: 'customer', kind: 'B2C', version: at(-3) },
    { id: 'business', entity: 'customer', kind: 'B2B', version: at(-2) },
    { id: 'order', entity: 'order', kind: null, version: at(-1) },
  ])
  expect([...stored.values()].map(({ mark, sweptAt }) => [mark, sweptAt])).toEqual([
    [at(-3), at(0)],
    [at(-2), at(0)],
    [at(-1), at(0)],
  ])
})

test('a record without an id, which nobody can ask for, keeps nothing from the others', async () => {
  const { omnium, put, run, found, stored } = given()
  const { searchCustomers } = omnium
  omnium.searchCustomers = async (...asked) => {
    const { result, totalHits } = await searchCustomers(...asked)
    return { result: [{ customerId: '', modified: at(-4) }, ...result], totalHits }
  }
  put('private', -3)

  await run()

  expect(found()).toEqual(['private'])
  expect(stored.get('private-customers')).toMatchObject({ mark: at(-3) })
})

test('without a mark it begins a quarter of an hour before now; with nothing new the mark stays', async () => {
  const { put, run, found, stored } = given({ mark: null })
  put('yesterday', -1440)

  await run()
  await run()

  expect(found()).toEqual([])
  expect(stored.get('orders')).toMatchObject({ mark: at(-17), sweptAt: at(0) })
})

test('an outage of days is caught up by moving modifiedFrom on, never by page', async () => {
  const { put, run, found, queries } = given({ mark: at(-2_000) })
  for (let i = 0; i < 1_050; i++) put(i, i - 1_100)

  await run()

  expect(new Set(found()).size).toBe(1_050)
  expect(queries.slice(0, -1).every(({ page, take }) => page === 0 && take === 100)).toBe(true)
  expect(queries.at(-1)?.page).toBe(1)
})

test('a long catch-up that fails goes on where it was', async () => {
  const { put, run, found, omnium, puts, queries } = given({ mark: at(-6000) })
  for (let i = 0; i < 1_500; i++) put(i, i - 5_000)
  let calls = 0
  omnium.fail({
    when: ({ kind }) => kind === 'B2C' && ++calls === 12,
    error: new SyncError('target-failed', 'searching customers in omnium: 500', { target: 'omnium' }),
  })

  await expect(run()).rejects.toMatchObject({ code: 'target-failed' })
  const marks = puts.filter(({ entity }) => entity === 'private-customers')
  queries.length = 0
  await run()

  expect(new Set(found())).toEqual(everyId(1_500))
  expect(marks.at(-1)?.mark).toBe(at(990 - 5_000))
  expect(marks.every(({ sweptAt }) => sweptAt === at(-6000))).toBe(true)
  expect(queries[0]?.modifiedFrom).toBe(at(988 - 5_000))
})

test('one list that fails does not keep the others from being swept', async () => {
  const { omnium, run, found } = given({ mark: at(-10) })
  omnium.fail({ when: ({ kind }) => kind === 'B2C', error: new SyncError('target-failed', 'searching: 500') })
  omnium.fail({ when: ({ kind }) => kind === 'B2B', error: new SyncError('target-failed', 'searching: 500') })
  omnium.putOrder({ id: 'order', modified: at(-1) })

  await expect(run()).rejects.toThrow(AggregateError)

  expect(found()).toEqual(['order'])
})

describe('many records of one timestamp', () => {
  test.each([99, 100, 101, 200, 250])('%i are all found, and those around them', async (n) => {
    const { put, run, found, stored } = given()
    put('before', -31)
    for (let i = 0; i < n; i++) put(i, -30)
    put('after', -29)

    await run()

    expect(new Set(found())).toEqual(new Set(['before', ...everyId(n), 'after']))
    expect(found()).toHaveLength(n + 2)
    expect(stored.get('private-customers')).toMatchObject({ mark: at(-29) })
  })

  test('one that leaves the timestamp meanwhile hides no other', async () => {
    const { put, run, found, omnium } = given()
    for (let i = 0; i < 250; i++) put(i, -30)
    let pages = 0
    omnium.after(({ kind }) => {
      if (kind === 'B2C' && ++pages === 3) for (let i = 0; i < 10; i++) put(i, -20)
    })

    await run()

    expect(new Set(found())).toEqual(everyId(250))
  })

  test('more than Omnium lists are reported, and do not hold up the rest', async () => {
    const sameTime = Array.from({ length: 10_300 }, (_, i) => ({ customerId: String(i), modified: at(-30) }))
    const after = { customerId: 'after', modified: at(-29) }
    const search: OmniumClient['searchCustomers'] = async (_call, kind, { take, page, modifiedFrom = '' }) => {
      if (kind === 'B2B') return { result: [], totalHits: 0 }
      expect(take * page).toBeLessThanOrEqual(10_000)
      const hits = modifiedFrom <= at(-30) ? [...sameTime, after] : [after]
      return { result: hits.slice(page * take, (page + 1) * take), totalHits: hits.length }
    }
    const { run, found, errors, stored } = given({ search })

    await run()

    expect(found()).toHaveLength(10_101)
    expect(found()).toContain('after')
    const gap = { gap: 'timestamp-too-full', seen: 10_101, total: 10_301 }
    expect(errors).toEqual([{ tenant: 'acme', entity: 'private-customers', ...gap }])
    expect(stored.get('private-customers')).toMatchObject({ sweptAt: at(-600) })
  })
})

test('a record that changes while paging is met at the end', async () => {
  const { put, run, omnium, publisher } = given()
  for (let i = 0; i < 250; i++) put(i, -300 + i)
  let pages = 0
  omnium.after(({ kind }) => {
    if (kind === 'B2C' && ++pages === 1) put('150', -1)
  })

  await run()

  const versions = publisher.values('omnium.notifications.v1').filter(({ id }) => id === '150')
  expect(versions.map(({ version }) => version)).toEqual([at(-1)])
  expect(new Set(publisher.values('omnium.notifications.v1').map(({ id }) => id))).toEqual(everyId(250))
})

test('a record dated in the future hides no later change', async () => {
  const { put, run, found, stored } = given()
  put('from the future', 525_600)

  await run()
  put('b', -1)
  await run()

  expect(stored.get('private-customers')).toMatchObject({ mark: at(0) })
  expect(found()).toEqual(['from the future', 'b'])
})

describe('a list that Omnium pages in its own way', () => {
  type Search = OmniumClient['searchCustomers']
  /** A search over private customers, each page changed. */
  const listing = (change: (search: Search, ...asked: Parameters<Search>) => ReturnType<Search>) => {
    const all = createFakeOmnium()
    const search: Search = (call, kind, query) =>
      kind === 'B2C' ? change(all.searchCustomers, call, kind, query) : all.searchCustomers(call, kind, query)
    const world = given({ search })
    const put = (id: number, minutes: number) =>
      all.put('B2C', anOmniumCustomer({ customerId: String(id), modified: at(minutes) }))
    return { ...world, put }
  }

  test.each([
    ['of different times', (i: number) => -70 + i],
    ['of one time', () => -30],
  ])('is swept to its end in pages shorter than asked for: 60 customers %s', async (_, minutesOf) => {
    const { put, run, found, stored } = listing((search, call, kind, query) =>
      search(call, kind, { ...query, take: Math.min(50, query.take) }),
    )
    for (let i = 0; i < 60; i++) put(i, minutesOf(i))

    await run()

    expect(new Set(found())).toEqual(everyId(60))
    expect(stored.get('private-customers')).toMatchObject({ mark: at(minutesOf(59)), sweptAt: at(0) })
  })

  test.each([0, 10, null])('is swept to its end where the total is %s', async (totalHits) => {
    const { put, run, found, stored } = listing(async (search, call, kind, query) => ({
      ...(await search(call, kind, { ...query, take: Math.min(7, query.take) })),
      totalHits,
    }))
    for (let i = 0; i < 60; i++) put(i, -70 + Math.floor(i / 20))

    await run()

    expect(new Set(found())).toEqual(everyId(60))
    expect(stored.get('private-customers')).toMatchObject({ mark: at(-68), sweptAt: at(0) })
  })

  test('keeps its mark while Omnium lists fewer customers than its total, and says so', async () => {
    const { put, run, found, stored, puts, errors } = listing(async (search, ...asked) => {
      const page = await search(...asked)
      return { ...page, totalHits: page.totalHits! + 1 }
    })
    for (let i = 0; i < 10; i++) put(i, -70 + i)

    await run()

    expect(new Set(found())).toEqual(everyId(10))
    expect(stored.get('private-customers')).toMatchObject({ mark: at(-600), sweptAt: at(-600) })
    expect(puts.map(({ entity }) => entity)).toEqual(['business-customers', 'orders'])
    const gap = { gap: 'fewer-than-total', seen: 10, total: 11 }
    expect(errors).toEqual([{ tenant: 'acme', entity: 'private-customers', ...gap }])
  })

  test('keeps its mark also where a customer that comes meanwhile makes up for the missing one', async () => {
    let pages = 0
    const { put, run, stored } = listing(async (search, ...asked) => {
      if (++pages === 2) put(10, -20)
      const page = await search(...asked)
      return { ...page, totalHits: page.totalHits! + 1 }
    })
    for (let i = 0; i < 10; i++) put(i, -70 + i)

    await run()

    expect(stored.get('private-customers')).toMatchObject({ mark: at(-600) })
  })

  test('puts its mark back where a long list turns out to be incomplete', async () => {
    const { put, run, stored, puts } = listing(async (search, ...asked) => {
      const page = await search(...asked)
      return { ...page, totalHits: page.totalHits! + 1 }
    })
    for (let i = 0; i < 1_500; i++) put(i, -590 + i / 10)

    await run()

    expect(puts.some(({ entity, mark }) => entity === 'private-customers' && mark > at(-600))).toBe(true)
    expect(stored.get('private-customers')).toMatchObject({ mark: at(-600), sweptAt: at(-600) })
  })

  test("moves its mark no further than Omnium's own clock", async () => {
    const { put, run, stored } = listing(async (search, ...asked) => ({
      ...(await search(...asked)),
      servedAtMs: Date.parse(at(-30)),
    }))
    put(1, -5)

    await run()

    expect(stored.get('private-customers')).toMatchObject({ mark: at(-30) })
  })

  test('that is quiet costs one request more than its pages', async () => {
    const { put, run, queries } = given()
    for (let i = 0; i < 3; i++) put(i, -30 + i)

    await run()

    expect(queries.map(({ page, take }) => [page, take])).toEqual([
      [0, 100],
      [1, 3],
    ])
  })
})

describe('a deep sweep', () => {
  test('finds what Omnium has listed long after it dated it, and leaves the marks alone', async () => {
    const { put, run, found, puts } = given({ mark: at(-10) })
    put('in time', -1)
    await run()
    const before = puts.length
    put('listed late', -300)
    put('too old', -361)
    await run()
    await run('deep')

    expect(found()).toEqual(['in time', 'listed late'])
    expect(puts.slice(before).map(({ mark }) => mark)).toEqual([at(-1), at(-10), at(-10)])
  })
})

test('our own writes are passed over where our user is known', async () => {
  const { omnium, run, found, stored } = given()
  omnium.put('B2B', anOmniumCustomer({ customerId: 'ours', modified: at(-1), modifiedBy: 'flow-sync' }))
  omnium.put('B2B', anOmniumCustomer({ customerId: 'the mapper’s', modified: at(-1), modifiedBy: 'flow-mapper' }))
  omnium.put('B2B', anOmniumCustomer({ customerId: 'theirs', modified: at(-2), modifiedBy: 'web-shop' }))
  const { omnium: fields } = aTenant()
  const apiUsers = { 'customer-mapper': { clientId: 'm', clientSecret: 's', apiUser: 'flow-mapper' } }

  await run('mark', aTenant({ omnium: { ...fields, apiUser: 'flow-sync', apiUsers } }))

  expect(found()).toEqual(['theirs'])
  expect(stored.get('business-customers')).toMatchObject({ mark: at(-1) })
})
