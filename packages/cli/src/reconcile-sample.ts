import type { Call } from '@sync/shared/http/call'
import type { Targets } from '@sync/shared/http/targets'
import { persistently } from './peers.ts'
import { countOf } from './source-list.ts'

const PAGE_SIZE = 100
const MAX_PAGES = 50

/** Ids of up to `n` customers in Flow, from pages spread over all of them. */
export async function sampleOf(targets: Targets, call: Call, n: number): Promise<string[]> {
  const total = await countOf('flow', targets, call)
  const read = async (pageNumber: number, pageSize: number) => {
    const page = { pageNumber, pageSize, sortBy: 'lastModifiedAt', sortDirection: 'DESC' } as const
    return (await persistently(call.signal, () => targets.flow.listCustomers(call, page))).items
  }
  const first = await read(1, PAGE_SIZE)
  // Flow may give fewer customers per page than asked for.
  const length = Math.max(1, first.length)
  const pages = Math.ceil(total / length)
  const asked = Math.min(pages, MAX_PAGES, Math.max(1, n))
  const each = Math.ceil(n / Math.max(1, asked))
  const ids = new Set<string>()
  const others: string[] = []
  for (let i = 0; i < asked; i++) {
    const pageNumber = 1 + Math.floor((i * pages) / asked)
    const items = pageNumber === 1 ? first : await read(pageNumber, length)
    const step = Math.max(1, Math.floor(items.length / each))
    let taken = 0
    for (const [index, { customerUid }] of items.entries()) {
      if (customerUid === '') continue
      const isChosen = index % step === 0 && taken < each && ids.size < n
      if (isChosen) taken++
      if (isChosen) ids.add(customerUid)
      else others.push(customerUid)
    }
  }
  // The last page may be short.
  for (const id of others) if (ids.size < n) ids.add(id)
  return [...ids]
}
