import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import type { ListEnd } from '../list-read.ts'
import type { Listed } from '../sweep.ts'
import { runs } from '../testing/runs.ts'
import { aChangingList, aQuietList, createSimulatedList, isoOf, type ListScript } from '../testing/simulated-list.ts'
import { modifiedPages, type SearchModified } from './pages.ts'

async function readAll(script: ListScript, from = 0, maxPages?: number) {
  const list = createSimulatedList(script)
  const search: SearchModified<Listed> = async ({ modifiedFrom, page, take }) => {
    const since = Date.parse(modifiedFrom)
    const { items, total } = list.page(
      ({ version }) => Date.parse(isoOf(version)) >= since,
      ({ version }) => version,
      page,
      take,
    )
    return {
      items: items.map(({ id, version, isNameless }) => ({
        ...{ id: isNameless ? '' : id, version: isNameless ? null : isoOf(version) },
      })),
      total,
    }
  }
  const ids = new Set<string>()
  const reached: { isDoubtful: boolean; missed: string[] }[] = []
  const missedBefore = (since: string) =>
    [...list.untouched].filter((id) => list.versionOf(id) >= from && isoOf(list.versionOf(id)) < since && !ids.has(id))
  let end: ListEnd | null = null
  for await (const step of modifiedPages(search, isoOf(from), maxPages === undefined ? {} : { maxPages })) {
    if (step.kind === 'end') end = step.end
    else if (step.kind === 'page') for (const { id } of step.items) ids.add(id)
    else if (step.kind === 'reached') reached.push({ isDoubtful: step.isDoubtful, missed: missedBefore(step.since) })
  }
  return { list, end: end!, reached, missed: missedBefore('9') }
}

describe('a list of Omnium', () => {
  test('is complete where nothing changes, whatever its page lengths, totals, timestamps and broken items', async () => {
    await fc.assert(
      fc.asyncProperty(aQuietList, async (script) => {
        const { missed, end, reached, list } = await readAll(script)

        expect(missed).toEqual([])
        expect(end.gap).toBe(null)
        expect(reached.filter(({ isDoubtful }) => isDoubtful)).toEqual([])
        const pages = Math.ceil(script.versions.length / Math.min(100, script.maxPageLength))
        expect(list.requests).toBeLessThanOrEqual(4 * pages + 12)
      }),
      runs(100),
    )
  })

  test('misses no unchanged item while others change, also before each time that it has reached', async () => {
    await fc.assert(
      fc.asyncProperty(aChangingList, fc.nat(20), async (script, from) => {
        const { missed, reached, list } = await readAll(script, from)

        expect(missed).toEqual([])
        expect(reached.flatMap((step) => step.missed)).toEqual([])
        expect(list.requests).toBeLessThan(2_500)
      }),
      runs(100),
    )
  })

  test('ends at its bound of pages, incomplete', async () => {
    const script = { versions: Array(500).fill(1), nameless: [], changes: [], maxPageLength: 10, maxTotal: 0 } as const
    const { end, list } = await readAll({ ...script, totals: 'absent', repeatsLastPage: false }, 0, 20)

    expect([end.gap, list.requests]).toEqual(['page-bound', 20])
  })
})
