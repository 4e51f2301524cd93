import { describe, expect, it } from 'vitest'
import { givenBelief } from '../testing/given-belief.ts'
import { answer } from '../testing/simulated-peers.ts'

const CONTROL = ['POST B2C/Search', 'GET B2C/c1']

describe('a “not found” answer', () => {
  it('is believed after a read of an id that the list names, by the same route', async () => {
    const { omnium, callOf, codeOf, take } = givenBelief()

    expect(await codeOf(omnium.getCustomer(callOf('1'), 'B2C', '1'))).toBeNull()

    expect(take()).toEqual(['GET B2C/1', ...CONTROL])
  })

  it.each([
    ['B2B', ['GET B2B/1', 'POST B2B/Search', 'GET B2B/c1']],
    ['order', ['GET order/1', 'POST order/Search', 'GET order/o1']],
    ['customer', ['GET customer/1', 'GET customer/', 'GET customer/c1']],
  ] as const)('of the route %s is confirmed by this route', async (route, requests) => {
    const { flow, omnium, callOf, codeOf, take } = givenBelief()
    const call = callOf('1')
    const read = {
      B2B: () => omnium.getCustomer(call, 'B2B', '1'),
      order: () => omnium.getOrder(call, '1'),
      customer: () => flow.getCustomer(call, '1'),
    }[route]

    expect(await codeOf(read())).toBeNull()
    expect(take()).toEqual(requests)
  })

  it('shares its control read with all that arrive within 10 s after its start', async () => {
    const { omnium, callOf, codeOf, ended, time, take } = givenBelief()
    const read = (id: string) => omnium.getCustomer(callOf(id), 'B2C', id)
    await Promise.all(['1', '2', '3'].map((id) => ended(read(id))))
    await time.advance(9_800)
    await codeOf(read('4'))
    expect(take().filter((request) => request === CONTROL[1])).toHaveLength(1)

    await time.advance(200)
    await codeOf(read('5'))

    expect(take()).toEqual(['GET B2C/5', ...CONTROL])
  })

  it('needs a control read that began after it', async () => {
    const { omnium, callOf, codeOf, time, take } = givenBelief()
    await codeOf(omnium.getCustomer(callOf('c1'), 'B2C', 'c1'))
    await time.advance(1)

    await codeOf(omnium.getCustomer(callOf('1'), 'B2C', '1'))

    expect(take()).toEqual(['GET B2C/c1', 'GET B2C/1', ...CONTROL])
  })

  it('is believed where the list of that kind is empty', async () => {
    const { omnium, peers, callOf, codeOf, take } = givenBelief()
    peers.stored.B2B.clear()

    expect(await codeOf(omnium.getCustomer(callOf('1'), 'B2B', '1'))).toBeNull()
    expect(take()).toEqual(['GET B2B/1', 'POST B2B/Search'])
  })

  it('is believed by another id where the listed one was deleted just before', async () => {
    const { omnium, peers, callOf, codeOf, take } = givenBelief()
    let isFirst = true
    peers.gateway = ({ path }) => {
      if (!isFirst || !path.endsWith('/c1')) return undefined
      isFirst = false
      return answer(404)
    }

    expect(await codeOf(omnium.getCustomer(callOf('1'), 'B2C', '1'))).toBeNull()
    expect(take().at(-1)).toBe('GET B2C/c2')
  })

  it('does not take an id that was just answered “not found” for the control read', async () => {
    const { omnium, peers, callOf, codeOf, take } = givenBelief()
    peers.stored.B2C.delete('c1')
    peers.ghosts.B2C.add('c1')

    expect(await codeOf(omnium.getCustomer(callOf('c1'), 'B2C', 'c1'))).toBeNull()

    expect(take().at(-1)).toBe('GET B2C/c2')
  })

  it('does not outlive a caller that is aborted, but its control read does', async () => {
    const { omnium, callOf, codeOf, ended, time, take } = givenBelief()
    const abort = new AbortController()
    const first = ended(omnium.getCustomer(callOf('1', { signal: abort.signal }), 'B2C', '1'))
    const second = codeOf(omnium.getCustomer(callOf('2'), 'B2C', '2'))
    await time.advance(45)
    abort.abort()

    expect(await first).toMatchObject({ error: { code: 'aborted' } })
    expect(await second).toBeNull()
    expect(take().filter((request) => request === 'GET B2C/c1')).toHaveLength(1)
  })

  it('needs no control read within a minute after its proof', async () => {
    const { omnium, callOf, codeOf, time, take } = givenBelief()
    await codeOf(omnium.getCustomer(callOf('1'), 'B2C', '1'))
    await codeOf(omnium.proveAbsent(callOf('1'), 'B2C', '1', { deleteEvent: true }))
    await time.advance(50_000)
    take()

    await codeOf(omnium.getCustomer(callOf('1'), 'B2C', '1'))
    expect(take()).toEqual(['GET B2C/1'])

    await time.advance(60_000)
    await codeOf(omnium.getCustomer(callOf('1'), 'B2C', '1'))
    expect(take()).toEqual(['GET B2C/1', ...CONTROL])
  })

  it('needs one again once the id was created', async () => {
    const { omnium, peers, callOf, codeOf, time, take } = givenBelief()
    await codeOf(omnium.getCustomer(callOf('1'), 'B2C', '1'))
    await codeOf(omnium.createCustomer(callOf('1'), 'B2C', { customerId: '1' }))
    peers.stored.B2C.delete('1')
    await time.advance(11_000)
    take()

    await codeOf(omnium.getCustomer(callOf('1'), 'B2C', '1'))

    expect(take()).toEqual(['GET B2C/1', ...CONTROL])
  })
})

describe('a gateway that answers 404', () => {
  const all404 = () => answer(404, { message: 'no Route matched with those values' })

  it.each([
    ['to everything', () => true],
    ['to by-id reads alone', ({ method }: { method: string }) => method === 'GET'],
    [
      'to by-id reads of one kind',
      ({ path }: { path: string }) => path.startsWith('/api/PrivateCustomers/c') || path.endsWith('/1'),
    ],
  ])('%s is an outage: nothing is believed, and the circuit opens until the route works', async (_what, matches) => {
    const { omnium, peers, circuits, callOf, codeOf, ended, time } = givenBelief()
    peers.gateway = (request) => (matches(request) ? all404() : undefined)

    for (const key of ['1', '2', '3']) {
      const end = await ended(omnium.getCustomer(callOf(key), 'B2C', '1'))
      expect(end).toMatchObject({ error: { code: 'target-failed', outage: true } })
    }
    expect(circuits.state('acme', 'omnium')).toBe('open')

    await time.advance(60_000)
    expect(circuits.state('acme', 'omnium')).toBe('open')
    peers.gateway = () => undefined
    await time.advance(60_000)

    expect(circuits.state('acme', 'omnium')).toBe('half-open')
    expect(await codeOf(omnium.getCustomer(callOf('1'), 'B2C', '1'))).toBeNull()
  })

  it('to one kind does not count attempts of its records, however well the other kind works', async () => {
    const { omnium, peers, callOf, ended, time } = givenBelief()
    peers.gateway = ({ path, method }) => (path.includes('Business') && method === 'GET' ? all404() : undefined)
    const errors: unknown[] = []
    for (let i = 0; i < 30; i++) {
      await ended(omnium.getCustomer(callOf('c1'), 'B2C', 'c1'))
      const end = await ended(omnium.getCustomer(callOf(`b${i}`), 'B2B', `b${i}`))
      errors.push('error' in end ? end.error.outage : end.value)
      await time.advance(500)
    }

    expect(new Set(errors)).toEqual(new Set([true]))
  })

  it('is over for those who wait as soon as the route works again', async () => {
    const { omnium, peers, callOf, ended, time } = givenBelief()
    peers.gateway = all404
    await Promise.all(['1', '2', '3', '4'].map((id) => ended(omnium.getCustomer(callOf(id), 'B2C', id))))
    await time.advance(15_000)
    peers.gateway = () => undefined
    await time.advance(30_000)

    expect(await ended(omnium.getCustomer(callOf('1'), 'B2C', '1'))).toEqual({ value: null })
    expect(await ended(omnium.getCustomer(callOf('c1'), 'B2C', 'c1'))).toMatchObject({ value: { customerId: 'c1' } })
  })

  it('is not believed by a control read of just before, about an id that existed', async () => {
    const { flow, peers, callOf, ended, codeOf, time } = givenBelief()
    await ended(flow.getCustomer(callOf('1'), '1'))
    await codeOf(flow.createCustomer(callOf('new'), { customerUid: 'new', customerType: 'PERSON' }))
    await time.advance(1_000)
    peers.gateway = all404

    expect(await ended(flow.getCustomer(callOf('new'), 'new'))).toMatchObject({ error: { outage: true } })
  })

  it('does not prove an absence, although its first answer was believed by a control read of before', async () => {
    const { flow, peers, callOf, ended, codeOf, time } = givenBelief()
    await ended(flow.getCustomer(callOf('1'), '1'))
    peers.stored.customer.set('new', { customerUid: 'new', customerType: 'PERSON' })
    peers.gateway = all404
    expect(await ended(flow.getCustomer(callOf('new'), 'new'))).toEqual({ value: null })
    expect(await codeOf(flow.proveAbsent(callOf('new'), 'customer', 'new'))).toBe('absence-pending')
    await time.advance(10_000)

    expect(await ended(flow.getCustomer(callOf('new'), 'new'))).toMatchObject({ error: { outage: true } })
  })

  it('says nothing by a control read of before', async () => {
    const { omnium, peers, callOf, ended, time } = givenBelief()
    await ended(omnium.getCustomer(callOf('1'), 'B2C', '1'))
    await time.advance(10_000)
    peers.gateway = all404

    expect(await ended(omnium.getCustomer(callOf('c1'), 'B2C', 'c1'))).toMatchObject({ error: { outage: true } })
  })
})

describe('a control read that is refused', () => {
  const noRole = ({ path }: { path: string }) => (path.endsWith('/Search') ? answer(403) : undefined)

  it('lets work go on that destroys nothing, and opens no circuit', async () => {
    const { omnium, peers, circuits, callOf, codeOf } = givenBelief()
    peers.gateway = noRole

    for (const id of ['1', '2', '3', '4']) {
      expect(await codeOf(omnium.getCustomer(callOf(id), 'B2C', id))).toBeNull()
    }
    expect(circuits.state('acme', 'omnium')).toBe('closed')
  })

  it('is replaced by a read of an id that was read lately, if there is one', async () => {
    const { omnium, peers, callOf, codeOf, ended } = givenBelief()
    peers.gateway = noRole
    await codeOf(omnium.getCustomer(callOf('c2'), 'B2C', 'c2'))
    peers.gateway = (request) => noRole(request) ?? answer(404)

    expect(await ended(omnium.getCustomer(callOf('1'), 'B2C', '1'))).toMatchObject({ error: { code: 'target-failed' } })
  })
})

describe('a write that is answered “not found”', () => {
  const writes404 = ({ method, path }: { method: string; path: string }) =>
    method !== 'GET' && !path.endsWith('/Search') ? answer(404) : undefined

  it('is an outage while a read finds the id', async () => {
    const { flow, omnium, peers, callOf, ended, take } = givenBelief()
    peers.gateway = writes404
    const writes = [
      () => omnium.updatePrivateCustomer(callOf('c1'), { customerId: 'c1' }),
      () => omnium.updateBusinessCustomer(callOf('c2'), { customerId: 'c2' }),
      () => flow.updateCustomer(callOf('c1'), 'c1', {}),
    ]

    for (const write of writes) {
      expect(await ended(write())).toMatchObject({ error: { code: 'target-failed', outage: true } })
    }
    expect(take()).toContain('GET B2C/c1')
  })

  it('counts as attempts of a record that meets it alone for an hour', async () => {
    const { flow, peers, callOf, ended, time } = givenBelief()
    peers.gateway = writes404
    const write = async () => {
      const end = await ended(flow.updateCustomer(callOf('c1'), 'c1', {}))
      return 'error' in end && end.error.outage
    }

    expect(await write()).toBe(true)
    await time.advance(3_600_000)
    expect(await write()).toBe(false)
  })

  it('opens the circuit for several keys, until a write works', async () => {
    const { omnium, peers, circuits, callOf, ended, time } = givenBelief()
    peers.gateway = writes404
    for (const id of ['c1', 'c2', 'c3']) await ended(omnium.patchCustomer(callOf(id), 'B2B', { customerId: id }))

    expect(circuits.state('acme', 'omnium')).toBe('open')
    await time.advance(2_000)
    await ended(omnium.getCustomer(callOf('c4'), 'B2B', 'c1'))
    expect(circuits.state('acme', 'omnium')).not.toBe('closed')
  })

  it('says nothing of the writes where the id of a contact was not found, because the company is not the contact', async () => {
    const { omnium, peers, circuits, callOf, codeOf } = givenBelief()
    peers.gateway = writes404

    for (const id of ['c1', 'c2', 'c3']) {
      expect(await codeOf(omnium.deleteContactPerson(callOf(id), id, 'gone'))).toBe('not-found')
    }
    expect(circuits.state('acme', 'omnium')).toBe('closed')
  })

  it('means that the id does not exist when a read says the same', async () => {
    const { omnium, callOf, codeOf, take } = givenBelief()

    expect(await codeOf(omnium.patchCustomer(callOf('1'), 'B2B', { customerId: '1' }))).toBe('not-found')
    expect(take()).toEqual(['PATCH B2B/PatchBusinessCustomer', 'GET B2B/1', 'POST B2B/Search', 'GET B2B/c1'])
  })
})
