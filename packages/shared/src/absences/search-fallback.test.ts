import { describe, expect, it } from 'vitest'
import type { TargetRequest } from '../http/request.ts'
import { givenBelief } from '../testing/given-belief.ts'
import { answer, html } from '../testing/simulated-peers.ts'

const PHONE = '+47 900/1'
const isRefused = ({ path, method }: TargetRequest) => method === 'GET' && /^[^?]*%2[BF]/i.test(path)

const given = (refusal = html(404)) => {
  const world = givenBelief()
  const { peers, omnium, callOf, ended } = world
  peers.stored.B2C.set(PHONE, { customerId: PHONE, firstName: 'A' })
  peers.gateway = (request) => (isRefused(request) ? refusal : undefined)
  const read = (id: string, kind: 'B2C' | 'B2B' = 'B2C') => ended(omnium.getCustomer(callOf(id), kind, id))
  return { ...world, read }
}

describe('a customer whose id a proxy refuses in a path', () => {
  it.each([
    ['an HTML response', html(404)],
    ['an HTML response with 200', html(200)],
    ['an HTML response with 502', html(502)],
    ['a 404 of its own', answer(404, { message: 'bad path' })],
  ])('is read through Search: %s', async (_what, refusal) => {
    const { read, circuits } = given(refusal)

    expect(await read(PHONE)).toMatchObject({ value: { customerId: PHONE, firstName: 'A' } })
    expect(circuits.state('acme', 'omnium')).toBe('closed')
  })

  it('is read through Search alone for an hour, as either kind', async () => {
    const { read, time, take } = given()
    await read(PHONE)
    take()
    await time.advance(3_500_000)
    await read(PHONE)
    expect(take()).toEqual(['POST B2C/Search'])
    expect(await read(PHONE, 'B2B')).toEqual({ value: null })
    expect(take()[0]).toBe('POST B2B/Search')

    await time.advance(100_000)
    await read(PHONE)
    expect(take()[0]).toBe(`GET B2C/${encodeURIComponent(PHONE)}`)
  })

  it('is not there as the kind as which Search does not find it', async () => {
    const { read } = given()

    expect(await read(PHONE, 'B2B')).toEqual({ value: null })
  })

  it('does not delay other customers, however many there are', async () => {
    const { read, peers, circuits } = given()
    for (let i = 0; i < 20; i++) peers.stored.B2C.set(`+${i}`, { customerId: `+${i}` })

    for (let i = 0; i < 20; i++) expect(await read(`+${i}`)).toMatchObject({ value: { customerId: `+${i}` } })

    expect(circuits.state('acme', 'omnium')).toBe('closed')
  })

  it('fails as its record’s own failure when Search does not help, with the circuit closed', async () => {
    const { read, circuits } = given()

    for (let i = 0; i < 8; i++) {
      expect(await read(`+${i}`)).toMatchObject({ error: { code: 'html-response', outage: false } })
    }
    expect(circuits.state('acme', 'omnium')).toBe('closed')
  })

  it('is not there when the gateway says so in JSON and Search agrees', async () => {
    const { read } = given(answer(404))

    expect(await read('+1')).toEqual({ value: null })
  })

  it('is never chosen for the control read while there is another one', async () => {
    const { read, peers, take } = given()
    const others = [...peers.stored.B2C]
    peers.stored.B2C.clear()
    for (const [id, row] of [['+1', { customerId: '+1' }] as const, ...others]) peers.stored.B2C.set(id, row)

    expect(await read('1')).toEqual({ value: null })
    expect(take()).toContain('GET B2C/c1')
  })

  it('fails by itself where there is no Search by id: in Flow, and of orders', async () => {
    const { peers, flow, omnium, callOf, ended, circuits } = given()
    peers.stored.customer.set(PHONE, { customerUid: PHONE })
    const own = { error: { code: 'html-response', outage: false } }

    expect(await ended(flow.getCustomer(callOf(PHONE), PHONE))).toMatchObject(own)
    expect(await ended(omnium.getOrder(callOf(PHONE), PHONE))).toMatchObject(own)
    expect(circuits.list().map(({ state }) => state)).toEqual(['closed', 'closed'])
  })
})

describe('where each id of a kind is one that a proxy refuses in a path', () => {
  const onlySuchCompanies = (refusal = html(404), ids = [PHONE]) => {
    const world = given(refusal)
    const { peers, omnium, callOf, ended } = world
    peers.stored.B2B.clear()
    for (const id of ids) peers.stored.B2B.set(id, { customerId: id, name: id })
    return { ...world, readCompany: (id: string) => ended(omnium.getCustomer(callOf(id), 'B2B', id)) }
  }

  it.each([
    ['an HTML response', html(404)],
    ['an HTML response with 502', html(502)],
    ['a 404 of its own', answer(404)],
  ])('the companies are read through Search, and no circuit opens: %s', async (_what, refusal) => {
    for (const ids of [[PHONE], ['+1', '+2', '+3', '+4', '+5', '+6']]) {
      const { readCompany, read, circuits } = onlySuchCompanies(refusal, ids)

      for (const id of ids) expect(await readCompany(id)).toMatchObject({ value: { name: id } })
      expect(await read('c1')).toMatchObject({ value: { customerId: 'c1' } })
      expect(circuits.state('acme', 'omnium')).toBe('closed')
    }
  })

  it('a company that Search does not find fails by itself, or does not exist', async () => {
    const refused = onlySuchCompanies()
    expect(await refused.readCompany('+9')).toMatchObject({ error: { code: 'html-response', outage: false } })
    const missing = onlySuchCompanies(answer(404))
    expect(await missing.readCompany('+9')).toEqual({ value: null })
    expect(await missing.readCompany('plain')).toEqual({ value: null })
    const proof = missing.omnium.proveAbsent(missing.callOf('+9'), 'B2B', '+9', { deleteEvent: true })
    expect(await missing.codeOf(proof)).toBe('absence-pending')
    expect(missing.circuits.state('acme', 'omnium')).toBe('closed')
  })

  it('an HTML response to an id that needs no encoding is an outage', async () => {
    const { readCompany, peers } = onlySuchCompanies()
    peers.gateway = ({ method }) => (method === 'GET' ? html(502) : undefined)

    expect(await readCompany('plain')).toMatchObject({ error: { outage: true } })
  })

  it('an order that the list names is not taken for absent', async () => {
    const { peers, omnium, callOf, ended, time, circuits } = given(answer(404))
    peers.stored.order.set('2026/17', { id: '2026/17' })
    const prove = async () => {
      await ended(omnium.getOrder(callOf('2026/17'), '2026/17'))
      return ended(omnium.proveAbsent(callOf('2026/17'), 'order', '2026/17'))
    }
    await prove()
    await time.advance(11_000)

    expect(await prove()).toMatchObject({ error: { code: 'reads-disagree' } })
    peers.stored.order.delete('o1')
    await time.advance(11_000)
    expect(await prove()).toMatchObject({ error: { code: 'absence-pending' } })
    expect(circuits.state('acme', 'omnium')).toBe('closed')
  })
})

describe('a customer of Flow whose id a proxy refuses in a path with a 404 of its own', () => {
  const refusal = answer(404, { message: 'bad path' })
  const prove = async ({ flow, callOf, ended }: ReturnType<typeof given>) => {
    await ended(flow.getCustomer(callOf(PHONE), PHONE))
    return ended(flow.proveAbsent(callOf(PHONE), 'customer', PHONE))
  }

  it('is not taken for absent while the list of Flow names the customer', async () => {
    const world = given(refusal)
    world.peers.stored.customer.set(PHONE, { customerUid: PHONE, externalId: PHONE })
    await prove(world)
    await world.time.advance(11_000)

    expect(await prove(world)).toMatchObject({ error: { code: 'reads-disagree' } })
    world.peers.stored.customer.delete(PHONE)
    await world.time.advance(2_000)
    expect(await prove(world)).toEqual({ value: undefined })
  })

  it('is taken for absent without the list where our API user may not read the list', async () => {
    const world = given(refusal)
    await world.ended(world.flow.getCustomer(world.callOf('c1'), 'c1'))
    world.peers.gateway = ({ path }) => (path.includes('/customers?') ? answer(403) : undefined)
    await prove(world)
    await world.time.advance(11_000)

    expect(await prove(world)).toEqual({ value: undefined })
  })
})

it('an HTML response to everything is an outage', async () => {
  const { read, peers, circuits } = given()
  peers.gateway = () => html(404)

  expect(await read(PHONE)).toMatchObject({ error: { outage: true } })
  expect(await read('c1')).toMatchObject({ error: { outage: true } })
  expect(await read('c2')).toMatchObject({ error: { outage: true } })
  expect(circuits.state('acme', 'omnium')).toBe('open')
})
