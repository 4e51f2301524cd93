import { describe, expect, it } from 'vitest'
import { createTenants, type Tenant } from '../tenants.ts'
import { aCall } from '../testing/builders.ts'
import { type Answer, sendJson } from '../testing/http-server.ts'
import { liveTargetsOfEachTest } from '../testing/live-targets.ts'

const start = liveTargetsOfEachTest()
const withFlow = (tenant: Tenant, flow: Partial<Tenant['flow']>): Tenant => ({
  ...tenant,
  flow: { ...tenant.flow, ...flow },
})
const forToken =
  (good: string): Answer =>
  (request, response) =>
    request.headers.authorization === `Bearer ${good}`
      ? sendJson(response, 200, { customerUid: '1000', customerType: 'PERSON', items: [], paging: {} })
      : sendJson(response, 401, {})

it('an open circuit is probed with the new secret at once, and closes', async () => {
  const { tenantsChanged, flow, tenant, circuits, time } = await start({
    flow: forToken('new'),
    lists: 'as the peer answers',
  })
  const get = (of: Tenant) => flow.getCustomer(aCall({ tenant: of }), '1000')
  await expect(get(tenant)).rejects.toMatchObject({ code: 'target-unauthorized', outage: true })
  expect(circuits.list()).toMatchObject([{ state: 'open', cause: 'unauthorized' }])

  const changed = withFlow(tenant, { token: 'new' })
  tenantsChanged(createTenants([changed]))
  // Its next probe by itself would be 750 ms later.
  await time.advance(1)
  await expect.poll(() => circuits.state(tenant.uid, 'flow')).toBe('closed')

  await expect(get(changed)).resolves.toMatchObject({ customerUid: '1000' })
})

it('those that wait for the rate limit are served by the new one', async () => {
  const { tenantsChanged, flow, flowServer, tenant, time } = await start({
    flow: forToken('flow-secret'),
    requestsPerSecond: 0.1,
  })
  const asked = Array.from({ length: 5 }, () => flow.getCustomer(aCall({ tenant }), '1000'))
  await Promise.all(asked.slice(0, 2))
  expect(flowServer.requests).toHaveLength(2)

  tenantsChanged(createTenants([withFlow(tenant, { requestsPerSecond: 1_000 })]))
  await time.advance(10)
  await Promise.all(asked)

  expect(flowServer.requests).toHaveLength(5)
})

it('a tenant that is no more has no circuit, no series of a metric, and is not probed', async () => {
  const { tenantsChanged, flow, flowServer, tenant, circuits, time, metrics } = await start({
    flow: forToken('never'),
    lists: 'as the peer answers',
  })
  await expect(flow.getCustomer(aCall({ tenant }), '1000')).rejects.toThrow()
  expect((await metrics.render()).text).toContain('sync_circuit_state{target="flow",tenant="acme"} 2')
  const before = flowServer.requests.length

  tenantsChanged(createTenants([]))
  await time.advance(60_000)

  expect(circuits.list()).toEqual([])
  expect((await metrics.render()).text).not.toContain('tenant="acme"')
  expect(flowServer.requests).toHaveLength(before)
})

describe('a role that is missing for by-id reads', () => {
  const forRole =
    (good: string): Answer =>
    (request, response) => {
      const isAllowed = request.headers.authorization === `Bearer ${good}` || request.url.includes('?')
      sendJson(response, isAllowed ? 200 : 403, { customerUid: '1000', customerType: 'PERSON', items: [], paging: {} })
    }

  it('is probed with the new secret at once', async () => {
    const { tenantsChanged, flow, tenant, roles, time } = await start({ flow: forRole('new') })
    const get = (of: Tenant) => flow.getCustomer(aCall({ tenant: of }), '1000')
    await expect(get(tenant)).rejects.toMatchObject({ code: 'role-missing' })
    expect(roles.list()).toMatchObject([{ tenant: 'acme', operation: 'get-customer' }])

    const changed = withFlow(tenant, { token: 'new' })
    tenantsChanged(createTenants([changed]))
    await time.advance(1)
    await expect.poll(() => roles.list()).toEqual([])

    await expect(get(changed)).resolves.toMatchObject({ customerUid: '1000' })
  })

  it('is forgotten with its tenant, and a read that ends later does not bring it back', async () => {
    const latch = Promise.withResolvers<void>()
    const { tenantsChanged, flow, flowServer, tenant, roles, time } = await start({
      async flow(request, response, socket) {
        if (request.url.endsWith('/late')) await latch.promise
        await forRole('none')(request, response, socket)
      },
    })
    const get = (id: string) => flow.getCustomer(aCall({ tenant }), id)
    const late = get('late')
    await expect(get('1000')).rejects.toMatchObject({ code: 'role-missing' })
    await expect.poll(() => flowServer.requests.some(({ url }) => url.endsWith('/late'))).toBe(true)

    tenantsChanged(createTenants([]))
    latch.resolve()

    await expect(late).rejects.toMatchObject({ code: 'role-missing' })
    expect([roles.list(), time.nextAt()]).toEqual([[], null])
  })
})
