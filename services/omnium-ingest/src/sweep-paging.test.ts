import type { OmniumClient } from '@sync/shared/omnium/client'
import { anOmniumCustomer } from '@sync/shared/testing/builders'
import { createFakeOmnium } from '@sync/shared/testing/fake-omnium'
import { describe, expect, test } from 'vitest'
import { at, everyId, givenSweep } from './testing/given-sweep.ts'

describe('a list that Omnium pages in its own way', () => {
  type Search = OmniumClient['searchCustomers']
  /** A search over private customers, each page changed. */
  const listing = (change: (search: Search, ...asked: Parameters<Search>) => ReturnType<Search>) => {
    const all = createFakeOmnium()
    const search: Search = (call, kind, query) =>
      kind === 'B2C' ? change(all.searchCustomers, call, kind, query) : all.searchCustomers(call, kind, query)
    const world = givenSweep({ search })
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
    const { put, run, queries } = givenSweep()
    for (let i = 0; i < 3; i++) put(i, -30 + i)

    await run()

    expect(queries.map(({ page, take }) => [page, take])).toEqual([
      [0, 100],
      [1, 3],
    ])
  })
})
