import { SyncError } from '@sync/shared/errors'
import type { OmniumClient } from '@sync/shared/omnium/client'
import { anOmniumCustomer, aTenant } from '@sync/shared/testing/builders'
import { describe, expect, test } from 'vitest'
import { at, everyId, givenSweep } from './testing/given-sweep.ts'

test('private customers, business customers and orders that changed since their marks are announced', async () => {
  const { omnium, put, run, publisher, stored } = givenSweep({ mark: at(-10) })
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
  const { omnium, put, run, found, stored } = givenSweep()
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
  const { put, run, found, stored } = givenSweep({ mark: null })
  put('yesterday', -1440)

  await run()
  await run()

  expect(found()).toEqual([])
  expect(stored.get('orders')).toMatchObject({ mark: at(-17), sweptAt: at(0) })
})

test('an outage of days is caught up by moving modifiedFrom on, never by page', async () => {
  const { put, run, found, queries } = givenSweep({ mark: at(-2_000) })
  for (let i = 0; i < 1_050; i++) put(i, i - 1_100)

  await run()

  expect(new Set(found()).size).toBe(1_050)
  expect(queries.slice(0, -1).every(({ page, take }) => page === 0 && take === 100)).toBe(true)
  expect(queries.at(-1)?.page).toBe(1)
})

test('a long catch-up that fails goes on where it was', async () => {
  const { put, run, found, omnium, puts, queries } = givenSweep({ mark: at(-6000) })
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
  const { omnium, run, found } = givenSweep({ mark: at(-10) })
  omnium.fail({ when: ({ kind }) => kind === 'B2C', error: new SyncError('target-failed', 'searching: 500') })
  omnium.fail({ when: ({ kind }) => kind === 'B2B', error: new SyncError('target-failed', 'searching: 500') })
  omnium.putOrder({ id: 'order', modified: at(-1) })

  await expect(run()).rejects.toThrow(AggregateError)

  expect(found()).toEqual(['order'])
})

describe('many records of one timestamp', () => {
  test.each([99, 100, 101, 200, 250])('%i are all found, and those around them', async (n) => {
    const { put, run, found, stored } = givenSweep()
    put('before', -31)
    for (let i = 0; i < n; i++) put(i, -30)
    put('after', -29)

    await run()

    expect(new Set(found())).toEqual(new Set(['before', ...everyId(n), 'after']))
    expect(found()).toHaveLength(n + 2)
    expect(stored.get('private-customers')).toMatchObject({ mark: at(-29) })
  })

  test('one that leaves the timestamp meanwhile hides no other', async () => {
    const { put, run, found, omnium } = givenSweep()
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
    const { run, found, errors, stored } = givenSweep({ search })

    await run()

    expect(found()).toHaveLength(10_101)
    expect(found()).toContain('after')
    const gap = { gap: 'timestamp-too-full', seen: 10_101, total: 10_301 }
    expect(errors).toEqual([{ tenant: 'acme', entity: 'private-customers', ...gap }])
    expect(stored.get('private-customers')).toMatchObject({ sweptAt: at(-600) })
  })
})

test('a record that changes while paging is met at the end', async () => {
  const { put, run, omnium, publisher } = givenSweep()
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
  const { put, run, found, stored } = givenSweep()
  put('from the future', 525_600)

  await run()
  put('b', -1)
  await run()

  expect(stored.get('private-customers')).toMatchObject({ mark: at(0) })
  expect(found()).toEqual(['from the future', 'b'])
})

describe('a deep sweep', () => {
  test('finds what Omnium has listed long after it dated it, and leaves the marks alone', async () => {
    const { put, run, found, puts } = givenSweep({ mark: at(-10) })
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
  const { omnium, run, found, stored } = givenSweep()
  omnium.put('B2B', anOmniumCustomer({ customerId: 'ours', modified: at(-1), modifiedBy: 'flow-sync' }))
  omnium.put('B2B', anOmniumCustomer({ customerId: 'the mapper’s', modified: at(-1), modifiedBy: 'flow-mapper' }))
  omnium.put('B2B', anOmniumCustomer({ customerId: 'theirs', modified: at(-2), modifiedBy: 'web-shop' }))
  const { omnium: fields } = aTenant()
  const apiUsers = { 'customer-mapper': { clientId: 'm', clientSecret: 's', apiUser: 'flow-mapper' } }

  await run('mark', aTenant({ omnium: { ...fields, apiUser: 'flow-sync', apiUsers } }))

  expect(found()).toEqual(['theirs'])
  expect(stored.get('business-customers')).toMatchObject({ mark: at(-1) })
})
