import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import type { Call } from '../http/call.ts'
import type { ListEnd } from '../list-read.ts'
import { aTenant } from '../testing/builders.ts'
import { runs } from '../testing/runs.ts'
import { aChangingList, aQuietList, createSimulatedList, isoOf, type ListScript } from '../testing/simulated-list.ts'
import { type FlowListPlace, type FlowPagesOptions, flowPages } from './pages.ts'

const call: Call = { tenant: aTenant(), key: 'acme:list', signal: new AbortController().signal, fence: () => {} }

async function readAll(script: ListScript, options: FlowPagesOptions = {}, interruptedAfter?: number) {
  const list = createSimulatedList(script)
  const flow = {
    listCustomers: async (_call: Call, { pageNumber, pageSize }: { pageNumber: number; pageSize: number }) => {
      const { items, total } = list.page(
        () => true,
        ({ version }) => -version,
        pageNumber - 1,
        pageSize,
      )
      return {
        items: items.map(({ id, version, isNameless }) => ({
          ...{ customerUid: isNameless ? '' : id, customerType: 'PERSON' },
          lastModifiedAt: isNameless ? null : isoOf(version),
        })),
        paging: { totalCount: total },
      }
    },
  }
  const ids = new Set<string>()
  let end: ListEnd | null = null
  let from: FlowListPlace | null = null
  const read = async (maxSteps: number) => {
    let steps = 0
    for await (const step of flowPages(flow, call, { ...options, from })) {
      if (step.kind === 'end') end = step.end
      else {
        for (const { customerUid } of step.items) ids.add(customerUid)
        from = step.place
      }
      if (++steps === maxSteps) return
    }
  }
  if (interruptedAfter !== undefined) await read(interruptedAfter)
  end = null
  await read(Number.POSITIVE_INFINITY)
  return { list, ids, end: end!, missed: [...list.untouched].filter((id) => !ids.has(id)) }
}

describe('the list of Flow', () => {
  test('is complete where nothing changes, whatever its page lengths, totals, timestamps and broken items', async () => {
    await fc.assert(
      fc.asyncProperty(aQuietList, async (script) => {
        const { missed, end, list } = await readAll(script)

        expect(missed).toEqual([])
        expect(end.gap).toBe(null)
        const pages = Math.ceil(script.versions.length / Math.min(100, script.maxPageLength))
        expect(list.requests).toBeLessThanOrEqual(3 * pages + 12)
      }),
      runs(150),
    )
  })

  test('misses no unchanged customer while others change, or says that it is incomplete', async () => {
    await fc.assert(
      fc.asyncProperty(aChangingList, async (script) => {
        for (const rereadsChanged of [false, true]) {
          const { missed, end, list } = await readAll(script, { rereadsChanged })

          if (end.gap === null) expect(missed).toEqual([])
          expect(list.requests).toBeLessThan(2_500)
        }
      }),
      runs(150),
    )
  })

  test('is read until a version is passed', async () => {
    await fc.assert(
      fc.asyncProperty(aChangingList, fc.nat(900), async (script, until) => {
        const { missed, end, list } = await readAll(script, { until: isoOf(until) })

        if (end.gap === null) expect(missed.filter((id) => list.versionOf(id) >= until)).toEqual([])
      }),
      runs(150),
    )
  })

  test('goes on where it was interrupted', async () => {
    await fc.assert(
      fc.asyncProperty(aChangingList, fc.integer({ min: 1, max: 12 }), async (script, pages) => {
        const { missed, end } = await readAll(script, {}, pages)

        if (end.gap === null) expect(missed).toEqual([])
      }),
      runs(150),
    )
  })

  const pagesOfTen = { nameless: [], maxPageLength: 10, maxTotal: 0, totals: 'honest', repeatsLastPage: false } as const

  test('shows customers that moved to the front before their page was read', async () => {
    const versions = Array.from({ length: 30 }, (_, index) => 100 - index)
    const edits = Array.from({ length: 15 }, (_, index) => ({ kind: 'edit' as const, which: 12 + index }))
    const { ids, end } = await readAll({ ...pagesOfTen, versions, changes: [[], edits] })

    expect([ids.size, end.gap]).toEqual([30, null])
  })

  test('tells how many items have no id that can be read', async () => {
    const script = { versions: [3, 2, 1], nameless: [1], changes: [], maxPageLength: 2, maxTotal: 0 } as const

    const { end } = await readAll({ ...script, totals: 'honest', repeatsLastPage: false })

    expect([end.gap, end.seen, end.withoutId]).toEqual([null, 3, 1])
  })

  test('costs one request more than its pages', async () => {
    const versions = Array.from({ length: 30 }, (_, index) => 100 - index)
    const { list } = await readAll({ ...pagesOfTen, versions, changes: [] })

    expect(list.requests).toBe(4)
  })

  test('ends at its bound of pages, incomplete', async () => {
    const script = { versions: Array(500).fill(1), nameless: [], changes: [], maxPageLength: 10, maxTotal: 0 } as const
    const { end, list } = await readAll({ ...script, totals: 'absent', repeatsLastPage: false }, { maxPages: 20 })

    expect([end.gap, list.requests]).toEqual(['page-bound', 20])
  })
})
