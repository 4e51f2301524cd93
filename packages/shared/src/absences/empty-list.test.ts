import { expect, it } from 'vitest'
import { aCall } from '../testing/builders.ts'
import { flowRoutePorts } from './flow-belief.ts'
import { omniumRoutePorts } from './omnium-belief.ts'

const call = aCall()
const unread = async () => null
const flowWith = (items: readonly { customerUid: string; customerType: string }[], totalCount: number | null) =>
  flowRoutePorts({
    listCustomers: async () => ({ items: [...items], paging: { totalCount }, servedAtMs: 0 }),
    getCustomer: unread,
    getOrder: unread,
  })
const omniumWith = (result: readonly never[], totalHits: number | null) =>
  omniumRoutePorts({
    searchCustomers: async () => ({ result, totalHits, servedAtMs: 0 }),
    searchOrders: async () => ({ result, totalHits, servedAtMs: 0 }),
    getCustomer: unread,
    getOrder: unread,
  })

it('a first page without items is an empty list only if its total does not say otherwise', async () => {
  expect(await flowWith([], 0).list(call, 'customer', 0)).toEqual([])
  expect(await flowWith([], null).list(call, 'customer', 0)).toEqual([])
  expect(await flowWith([], 7).list(call, 'customer', 1)).toEqual([])
  expect(await omniumWith([], 0).list(call, 'order', 0)).toEqual([])

  await expect(flowWith([], 7).list(call, 'customer', 0)).rejects.toMatchObject({ code: 'target-failed' })
  await expect(omniumWith([], 7).list(call, 'order', 0)).rejects.toMatchObject({ code: 'target-failed' })
  await expect(omniumWith([], 7).list(call, 'B2C', 0)).rejects.toMatchObject({ code: 'target-failed' })
})

it('a page with items names their ids', async () => {
  const items = [{ customerUid: '1', customerType: 'PERSON' }]

  expect(await flowWith(items, 7).list(call, 'customer', 0)).toEqual(['1'])
})
