import type { FlowClient } from '@sync/shared/flow/client'
import type { Call } from '@sync/shared/http/call'
import { aTenant } from '@sync/shared/testing/builders'
import { expect, it } from 'vitest'
import { allOfFlow, type IncompleteList } from './source-list.ts'

it('says that a list is incomplete that holds an item which cannot be read', async () => {
  const call: Call = { tenant: aTenant(), key: 'acme:list', signal: new AbortController().signal, fence: () => {} }
  const items = [{ customerUid: '1' }, { customerUid: '' }]
  const flow = {
    listCustomers: async (_call: Call, { pageNumber }: { pageNumber: number }) => ({
      items: pageNumber === 1 ? items : [],
      paging: { totalCount: 2 },
    }),
  } as unknown as FlowClient
  const incomplete: IncompleteList[] = []

  const listed: string[] = []
  for await (const { customers } of allOfFlow({ flow } as never, call, {}, (list) => incomplete.push(list))) {
    listed.push(...customers.map(({ customerUid }) => customerUid))
  }

  expect(listed).toEqual(['1'])
  expect(incomplete).toEqual([
    { list: 'customers of flow', why: '2 items are listed, 1 of them without an id that can be read' },
  ])
})
