import type { FakeFlow } from '@sync/shared/testing/fake-flow'
import { describe, expect, test } from 'vitest'
import { at, everyId, givenSweep } from './testing/given-sweep.ts'

describe('a list that Flow pages in its own way', () => {
  type List = FakeFlow['listCustomers']
  /** Each page as the fake answers it, changed. */
  const answeredWith = (flow: FakeFlow, change: (list: List, ...asked: Parameters<List>) => ReturnType<List>) => {
    const list = flow.listCustomers
    flow.listCustomers = (...asked) => change(list, ...asked)
  }

  test('is swept to its end in pages shorter than asked for', async () => {
    const { run, put, flow, found, marks } = givenSweep({ mark: at(-600) })
    answeredWith(flow, (list, call, page) => list(call, { ...page, pageSize: Math.min(50, page.pageSize) }))
    for (let i = 0; i < 60; i++) put(i, -10 - i)

    await run()

    expect(new Set(found())).toEqual(everyId(60))
    expect(marks.at(-1)).toMatchObject({ mark: at(-10), sweptAt: at(0) })
  })

  test('is swept to its end where a page number above the last page is answered with the last page', async () => {
    const { run, put, flow, found, marks } = givenSweep({ mark: at(-600) })
    answeredWith(flow, (list, call, page) => list(call, { ...page, pageNumber: Math.min(2, page.pageNumber) }))
    for (let i = 0; i < 150; i++) put(i, -10 - i)

    await run()

    expect(new Set(found())).toEqual(everyId(150))
    expect(marks.at(-1)).toMatchObject({ mark: at(-10), sweptAt: at(0) })
    expect(flow.journal.length).toBeLessThanOrEqual(4)
  })

  test('keeps its mark while Flow lists fewer customers than its total, and says so', async () => {
    const { run, put, flow, found, marks, errors } = givenSweep({ mark: at(-600) })
    answeredWith(flow, async (list, ...asked) => ({ ...(await list(...asked)), paging: { totalCount: 11 } }))
    for (let i = 0; i < 10; i++) put(i, -10 - i)

    await run()

    expect(new Set(found())).toEqual(everyId(10))
    expect(marks).toHaveLength(1)
    expect(errors).toEqual([{ tenant: 'acme', entity: 'customers', gap: 'fewer-than-total', seen: 10, total: 11 }])
  })

  test('moves its mark where the total is too small', async () => {
    const { run, put, flow, found, marks } = givenSweep({ mark: at(-600) })
    answeredWith(flow, async (list, ...asked) => ({ ...(await list(...asked)), paging: { totalCount: 0 } }))
    for (let i = 0; i < 150; i++) put(i, -10 - i)

    await run()

    expect(new Set(found())).toEqual(everyId(150))
    expect(marks.at(-1)).toMatchObject({ mark: at(-10) })
  })

  test("moves its mark no further than Flow's own clock", async () => {
    const { run, put, flow, marks } = givenSweep({ mark: at(-600) })
    answeredWith(flow, async (list, ...asked) => ({ ...(await list(...asked)), servedAtMs: Date.parse(at(-30)) }))
    put('dated ahead of Flow', -5)

    await run()

    expect(marks.at(-1)).toMatchObject({ mark: at(-30) })
  })
})
