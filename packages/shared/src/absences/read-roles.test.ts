import { describe, expect, it } from 'vitest'
import { classifyFailure } from '../errors.ts'
import { outcomeOf } from '../failure-outcome.ts'
import type { HttpAnswer, TargetRequest } from '../http/request.ts'
import { givenBelief } from '../testing/given-belief.ts'
import { answer, html } from '../testing/simulated-peers.ts'
import type { Route } from './route.ts'

type RouteName = Route | 'flow-order'
const PATHS: Record<RouteName, string> = {
  B2C: '/api/PrivateCustomers/',
  B2B: '/api/BusinessCustomers/',
  order: '/api/Orders/',
  customer: '/customers/',
  'flow-order': '/orders/',
}
const isReadBy = (route: RouteName, { method, path }: TargetRequest) => method === 'GET' && path.includes(PATHS[route])

const given = () => {
  const world = givenBelief()
  const { peers, flow, omnium, callOf, ended, circuits } = world
  const read = (route: RouteName, id: string, key = id) => {
    const call = callOf(key)
    if (route === 'customer') return ended(flow.getCustomer(call, id))
    if (route === 'flow-order') return ended(flow.getOrder(call, id))
    return ended(route === 'order' ? omnium.getOrder(call, id) : omnium.getCustomer(call, route, id))
  }
  /** What the peer answers to by-id reads of the route, in the place of the customer. */
  const answerReads = (route: RouteName, answerOf: (id: string) => HttpAnswer | undefined) => {
    peers.gateway = (request) =>
      isReadBy(route, request) ? answerOf(request.path.slice(request.path.lastIndexOf('/') + 1)) : undefined
  }
  const states = () => circuits.list().map(({ state }) => state)
  return { ...world, read, answerReads, states }
}

const ROUTES = [
  ['B2C', 'omnium', 'get-customer', 'Customer read', 'B2B'],
  ['B2B', 'omnium', 'get-customer', 'Customer read', 'B2C'],
  ['order', 'omnium', 'get-order', 'Order read', 'B2C'],
  ['customer', 'flow', 'get-customer', 'Customer read', 'B2C'],
  ['flow-order', 'flow', 'get-order', 'Order read', 'customer'],
] as const

describe.each(ROUTES)('a missing role for the by-id reads of the route %s', (route, target, operation, role, other) => {
  it('makes their records wait, opens no circuit, and is named once', async () => {
    const { read, answerReads, roles, states, time } = given()
    answerReads(route, () => answer(403))

    for (let i = 0; i < 12; i++) {
      const end = await read(route, `c${i}`)
      expect(end).toMatchObject({ error: { code: 'role-missing' } })
      const { error } = end as { error: Error }
      expect(classifyFailure(error)).toBe('outage')
      expect(outcomeOf(error)).toMatchObject({ kind: 'retry', reason: 'role-missing' })
      expect(error.message).toContain(role)
      await time.advance(3_000)
    }
    expect(await read(other, 'c1')).toMatchObject({ value: {} })

    expect(new Set(states())).toEqual(new Set(['closed']))
    expect(roles.list()).toEqual([{ tenant: 'acme', target, operation, role, sinceMs: expect.any(Number) }])
  })

  it('sends nothing for the records that wait, and lets them go on after the role is back', async () => {
    const { read, answerReads, peers, roles, time, take } = given()
    peers.stored['flow-order'].set('o1', { orderUid: 'o1' })
    answerReads(route, () => answer(403))
    await read(route, 'c1')
    take()

    for (let i = 0; i < 30; i++) expect(await read(route, `x${i}`)).toMatchObject({ error: { code: 'role-missing' } })
    expect(take()).toEqual([])
    peers.gateway = () => undefined
    await time.advance(11_000)

    expect(roles.list()).toEqual([])
    expect(await read(route, route.endsWith('order') ? 'o1' : 'c1')).toMatchObject({ value: {} })
    expect(time.nextAt()).toBeNull()
  })

  it('is told from one customer or order that is refused alone', async () => {
    const { read, answerReads, roles, states } = given()
    answerReads(route, (id) => (id.startsWith('far') ? answer(403) : undefined))

    for (let i = 0; i < 12; i++) {
      const end = await read(route, `far${i}`)
      expect(end).toMatchObject({ error: { code: 'target-failed', status: 403, outage: false } })
      expect(outcomeOf((end as { error: Error }).error)).toMatchObject({ kind: 'retry', reason: 'target-failed' })
    }

    expect(new Set(states())).toEqual(new Set(['closed']))
    expect(roles.list()).toEqual([])
  })
})

describe('a by-id read that is answered 403', () => {
  it('is refused alone where another id can be read, although the peer answers 403 for ids that do not exist', async () => {
    const { read, answerReads, roles } = given()
    answerReads('B2B', (id) => (id === 'c2' ? undefined : answer(403)))

    expect(await read('B2B', 'far')).toMatchObject({ error: { code: 'target-failed', outage: false } })
    expect(roles.list()).toEqual([])
  })

  it('is refused alone where an id was read before that no list names first', async () => {
    const { read, answerReads, roles } = given()
    await read('B2B', 'c3')
    answerReads('B2B', (id) => (id === 'c3' ? undefined : answer(403)))

    expect(await read('B2B', 'far')).toMatchObject({ error: { code: 'target-failed', outage: false } })
    expect(roles.list()).toEqual([])
  })

  it('shows a missing role also where the list is empty, or refused as well', async () => {
    const { read, peers, answerReads, roles } = given()
    peers.stored.B2B.clear()
    answerReads('B2B', () => answer(403))
    expect(await read('B2B', 'new')).toMatchObject({ error: { code: 'role-missing' } })

    peers.gateway = ({ path, method }) =>
      path.endsWith('Customers/Search') || method === 'GET' ? answer(403) : undefined
    expect(await read('B2C', 'c1')).toMatchObject({ error: { code: 'role-missing' } })
    expect(roles.list().filter(({ operation }) => operation === 'get-customer')).toHaveLength(1)
  })

  it('shares its probe with those that are answered at the same time', async () => {
    const { read, answerReads, take } = given()
    answerReads('B2B', (id) => (id.startsWith('far') ? answer(403) : undefined))

    await Promise.all(['far1', 'far2', 'far3'].map((id) => read('B2B', id)))

    expect(take()).toHaveLength(4)
  })

  it('fails as the probe does, where the target is down by then', async () => {
    const { read, peers, roles } = given()
    peers.gateway = () => answer(peers.asked.length === 1 ? 403 : 503)

    expect(await read('B2B', 'c1')).toMatchObject({ error: { code: 'target-failed', status: 503, outage: true } })
    expect(roles.list()).toEqual([])
  })
})

describe('a role that is known to be missing', () => {
  it.each([
    ['5xx', answer(503)],
    ['an HTML response', html(200)],
  ])('no longer holds the reads back once a probe is answered otherwise: %s', async (_what, other) => {
    const { read, answerReads, roles, time, take } = given()
    answerReads('B2B', () => answer(403))
    await read('B2B', 'c1')
    answerReads('B2B', () => other)
    await time.advance(11_000)
    take()

    await read('B2B', 'c1')

    expect(take()[0]).toBe('GET B2B/c1')
    expect(roles.list()).toEqual([])
  })

  it('leaves the turns of a half-open circuit to requests that are sent', async () => {
    const { read, peers, circuits, time } = given()
    let isDown = false
    peers.gateway = (request) => {
      if (isReadBy('B2B', request)) return answer(403)
      return isDown ? answer(503) : undefined
    }
    await read('B2B', 'c1')
    isDown = true
    await Promise.all(['bad1', 'bad2', 'bad3'].map((id) => read('B2C', id)))
    isDown = false
    await time.advance(2_000)
    expect(circuits.state('acme', 'omnium')).toBe('half-open')

    expect(await read('B2B', 'c2')).toMatchObject({ error: { code: 'role-missing' } })

    expect(await read('B2C', 'c3')).toMatchObject({ value: { customerId: 'c3' } })
  })

  it('does not hold back an id that is read through Search', async () => {
    const { read, peers, roles } = given()
    peers.stored.B2B.set('+47', { customerId: '+47' })
    peers.gateway = ({ path }) => (path.includes('%2B') ? html(404) : undefined)
    expect(await read('B2B', '+47')).toMatchObject({ value: { customerId: '+47' } })
    peers.gateway = (request) => (isReadBy('B2B', request) ? answer(403) : undefined)
    await read('B2B', 'c1')

    expect(await read('B2B', '+47')).toMatchObject({ value: { customerId: '+47' } })
    expect(roles.list()).toHaveLength(1)
  })

  it('stays missing while probes are answered 429', async () => {
    const { read, answerReads, roles, time } = given()
    answerReads('B2B', () => answer(403))
    await read('B2B', 'c1')
    answerReads('B2B', () => answer(429))
    await time.advance(25_000)

    expect(roles.list()).toHaveLength(1)
  })

  it('is found again when it is taken away a second time', async () => {
    const { read, answerReads, peers, roles, time } = given()
    for (let times = 0; times < 2; times++) {
      answerReads('B2B', () => answer(403))
      expect(await read('B2B', 'c1')).toMatchObject({ error: { code: 'role-missing' } })
      peers.gateway = () => undefined
      await time.advance(11_000)
      expect(await read('B2B', 'c1')).toMatchObject({ value: {} })
      await time.advance(1_000)
    }

    expect(roles.list()).toEqual([])
  })
})
