import { afterEach, expect, it } from 'vitest'
import type { SyncError } from '../errors.ts'
import { aCall } from '../testing/builders.ts'
import { sendJson } from '../testing/http-server.ts'
import { type LiveTargets, startLiveTargets } from '../testing/live-targets.ts'

let targets: LiveTargets | undefined
afterEach(() => targets?.close())

it('a missing role is named until a request of the same kind succeeds, and opens no circuit', async () => {
  const forbidden = new Set(['/api/PrivateCustomers/Search', '/api/BusinessCustomers/Search', '/api/Orders/Search'])
  targets = await startLiveTargets({
    lists: 'as the peer answers',
    omnium: (request, response) =>
      sendJson(response, forbidden.has(request.url) ? 403 : 200, { result: [], message: 'role missing' }),
  })
  const { omnium, roles, metrics, circuits, tenant } = targets
  const call = aCall({ tenant })
  const page = { take: 1, page: 0 }
  const codeOf = (promise: Promise<unknown>) =>
    promise.then(
      () => 'answered',
      (error: SyncError) => error.code,
    )
  const shown = async () => ((await metrics.render()).text.match(/^sync_role_missing\{.*$/gm) ?? []).toSorted()
  const search = () =>
    Promise.all([
      codeOf(omnium.searchCustomers(call, 'B2C', page)),
      codeOf(omnium.searchCustomers(call, 'B2B', page)),
      codeOf(omnium.searchOrders(call, page)),
    ])

  const atFirst = await search()

  expect(atFirst).toEqual(['role-missing', 'role-missing', 'role-missing'])
  const ofOmnium = { tenant: 'acme', target: 'omnium', sinceMs: expect.any(Number) }
  expect(roles.list()).toEqual([
    { ...ofOmnium, operation: 'search-customers', role: 'Customer read' },
    { ...ofOmnium, operation: 'search-orders', role: 'Order read' },
  ])
  expect(await shown()).toEqual([
    'sync_role_missing{target="omnium",tenant="acme",operation="search-customers"} 1',
    'sync_role_missing{target="omnium",tenant="acme",operation="search-orders"} 1',
  ])

  forbidden.delete('/api/PrivateCustomers/Search')
  forbidden.delete('/api/Orders/Search')
  await search()

  expect(roles.list()).toHaveLength(1)
  expect(await shown()).toHaveLength(1)
  expect(circuits.list()).toMatchObject([{ state: 'closed' }])

  forbidden.clear()
  await search()

  expect(roles.list()).toEqual([])
  expect(await shown()).toEqual([])
})
