import type { FlowClient } from '@sync/shared/flow/client'
import type { FlowListPlace } from '@sync/shared/flow/pages'
import type { Call } from '@sync/shared/http/call'
import type { OmniumClient } from '@sync/shared/omnium/client'
import type { ModifiedQuery } from '@sync/shared/omnium/pages'
import type { OmniumKind } from '@sync/shared/omnium/schema'
import { aTenant } from '@sync/shared/testing/builders'
import { describe, expect, it } from 'vitest'
import { allOfFlow, allOfOmnium, type IncompleteList, type ListedPage, type OmniumPlace } from './source-list.ts'

const call: Call = { tenant: aTenant(), key: 'acme:list', signal: new AbortController().signal, fence: () => {} }

/** Reads pages until the list ends or `pages` pages were read, and answers where an interrupted read goes on. */
async function readPages<Place>(
  list: (onIncomplete: (list: IncompleteList) => void) => AsyncGenerator<ListedPage<{ id: string }, Place>>,
  pages = Number.POSITIVE_INFINITY,
) {
  const incomplete: IncompleteList[] = []
  const ids: string[] = []
  let place: Place | null = null
  let read = 0
  for await (const page of list((found) => incomplete.push(found))) {
    ids.push(...page.customers.map(({ id }) => id))
    // The progress of a backfill is a file.
    place = JSON.parse(JSON.stringify(page.place)) as Place
    if (++read >= pages) break
  }
  return { ids, incomplete, place, pages: read }
}

describe('the customers of Flow', () => {
  /** Pages of two customers. An empty id cannot be read. */
  const flowWith = (...ids: readonly string[]) => {
    const items = ids.map((customerUid, index) => ({
      customerUid,
      lastModifiedAt: `2026-01-01T10:00:${String(59 - index).padStart(2, '0')}Z`,
    }))
    const listCustomers: FlowClient['listCustomers'] = async (_call, { pageNumber }) => ({
      items: items.slice((pageNumber - 1) * 2, pageNumber * 2) as never,
      paging: { totalCount: items.length } as never,
    })
    return { listCustomers } as unknown as FlowClient
  }
  const listOf = (flow: FlowClient, from: FlowListPlace | null = null) =>
    async function* (onIncomplete: (list: IncompleteList) => void) {
      for await (const page of allOfFlow({ flow } as never, call, { from }, onIncomplete)) {
        yield { ...page, customers: page.customers.map(({ customerUid }) => ({ id: customerUid })) }
      }
    }
  const twoWithoutId = [
    { list: 'customers of flow', why: '6 items are listed, 2 of them without an id that can be read' },
  ]

  it('are incomplete if an item cannot be read', async () => {
    const { ids, incomplete } = await readPages(listOf(flowWith('1', '', '3', '', '5', '6')))

    expect(ids).toEqual(['1', '3', '5', '6'])
    expect(incomplete).toEqual(twoWithoutId)
  })

  it.each([1, 2, 3])(
    'keep the count of items without an id when the read was interrupted at page %i',
    async (pages) => {
      const flow = flowWith('1', '', '3', '', '5', '6')
      const { place } = await readPages(listOf(flow), pages)

      const { incomplete } = await readPages(listOf(flow, place))

      expect(incomplete).toEqual(twoWithoutId)
    },
  )
})

describe('the customers of Omnium', () => {
  interface Item {
    readonly customerId: string
    readonly modified: string
  }
  const at = (second: number, customerId: string): Item => ({
    customerId,
    modified: new Date(Date.UTC(2026, 0, 1, 10, 0, second)).toISOString(),
  })
  const between = (first: number, last: number) =>
    Array.from({ length: last - first + 1 }, (_, index) => at(first + index, `c${first + index}`))
  /** The totals count `extra` items more than Omnium lists. */
  const omniumWith = (items: Readonly<Record<OmniumKind, readonly Item[]>>, extra = 0) => {
    const searchCustomers = async (_call: Call, kind: OmniumKind, { modifiedFrom, page, take }: ModifiedQuery) => {
      const matching = items[kind].filter(({ modified }) => modified >= modifiedFrom)
      return { result: matching.slice(page * take, (page + 1) * take), totalHits: matching.length + extra }
    }
    return { searchCustomers } as unknown as OmniumClient
  }
  const listOf =
    (omnium: OmniumClient, from: OmniumPlace | null = null) =>
    (onIncomplete: (list: IncompleteList) => void) =>
      allOfOmnium({ omnium } as never, call, from, onIncomplete)

  const B2C = [...between(1, 150), at(40, ''), at(100, ''), at(180, ''), ...between(181, 260)].sort((a, b) =>
    a.modified < b.modified ? -1 : 1,
  )
  const withoutId = '233 items are listed, 3 of them without an id that can be read'

  it.each([1, 2, 3, 4])(
    'keep the count of items without an id when the read was interrupted at page %i',
    async (pages) => {
      const omnium = omniumWith({ B2C, B2B: between(1, 3) })
      const { place } = await readPages(listOf(omnium), pages)

      const { incomplete } = await readPages(listOf(omnium, place))

      expect(incomplete).toEqual([{ list: 'private customers of omnium', why: withoutId }])
    },
  )

  it('keep that the private customers were incomplete when the read was interrupted at the business customers', async () => {
    const omnium = omniumWith({ B2C: [at(1, 'c1'), at(2, '')], B2B: between(1, 250) })
    const { place } = await readPages(listOf(omnium), 4)
    expect(place?.kind).toBe('B2B')

    const { incomplete } = await readPages(listOf(omnium, place))

    expect(incomplete).toEqual([{ list: 'private customers of omnium', why: expect.stringContaining('1 of them') }])
  })

  it('keep the total that Omnium counts beyond the listed items', async () => {
    const omnium = omniumWith({ B2C: between(1, 250), B2B: [] }, 7)
    const { place } = await readPages(listOf(omnium), 2)

    const { incomplete } = await readPages(listOf(omnium, place))

    const why = '250 items are listed, but the total is 257'
    expect(incomplete[0]).toEqual({ list: 'private customers of omnium', why })
  })

  it('are listed again from a modification time of which some customers could not be listed', async () => {
    const tooMany = Array.from({ length: 10_200 }, (_, index) => at(1, `same ${index}`))
    const omnium = omniumWith({ B2C: [at(0, 'first'), ...tooMany, ...between(2, 400)], B2B: [] })
    const whole = await readPages(listOf(omnium))
    const { place } = await readPages(listOf(omnium), whole.pages - 3)

    const { incomplete } = await readPages(listOf(omnium, place))

    expect(whole.incomplete.map(({ why }) => why)).toEqual(['more than 10,000 items share one modification time'])
    expect(incomplete).toEqual(whole.incomplete)
  })
})
