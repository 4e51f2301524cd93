import { describe, expect, it } from 'vitest'
import { givenBelief } from '../testing/given-belief.ts'
import { answer } from '../testing/simulated-peers.ts'
import type { AbsenceEvidence } from './evidence.ts'

const given = () => {
  const world = givenBelief()
  const { omnium, flow, callOf, ended, codeOf } = world
  /** As a handler: reads the customer, and asks for the proof when it is not found. */
  const prove = async (id: string, evidence?: AbsenceEvidence) => {
    const found = await ended(omnium.getCustomer(callOf(id), 'B2C', id))
    if (!('value' in found) || found.value !== null) return found
    const end = await ended(omnium.proveAbsent(callOf(id), 'B2C', id, evidence))
    return 'error' in end ? { error: end.error } : 'proven'
  }
  const proveOrder = async (id: string) => {
    const call = callOf(id)
    if ((await codeOf(flow.getOrder(call, id))) !== null) return 'found'
    return (await codeOf(flow.proveAbsent(call, 'order', id))) ?? 'proven'
  }
  return { ...world, prove, proveOrder }
}

describe('an absence', () => {
  it('is proven by the same “not found” answer again 10 s later, and by a Search that finds nothing', async () => {
    const { prove, time, take } = given()

    const first = await prove('1')
    expect(first).toMatchObject({ error: { code: 'absence-pending' } })
    expect((first as { error: { retryAfterMs: number } }).error.retryAfterMs).toBeGreaterThan(9_000)
    await time.advance(9_000)
    expect(await prove('1')).toMatchObject({ error: { code: 'absence-pending' } })
    take()
    await time.advance(1_000)

    expect(await prove('1')).toBe('proven')
    expect(take()).toEqual(['GET B2C/1', 'POST B2C/Search', 'GET B2C/c1', 'POST B2C/Search'])
  })

  it('is proven at once with the delete event of the peer', async () => {
    const { prove, take } = given()

    expect(await prove('1', { deleteEvent: true })).toBe('proven')
    expect(take()).toEqual(['GET B2C/1', 'POST B2C/Search', 'GET B2C/c1', 'POST B2C/Search'])
  })

  it('needs no second proof within a minute', async () => {
    const { prove, time, take } = given()
    await prove('1', { deleteEvent: true })
    take()
    await time.advance(50_000)

    expect(await prove('1')).toBe('proven')
    expect(take()).toEqual(['GET B2C/1'])
  })

  it('begins anew when the id was found in between', async () => {
    const { prove, peers, time } = given()
    await prove('1')
    await time.advance(10_000)
    peers.stored.B2C.set('1', { customerId: '1' })
    await prove('1')
    peers.stored.B2C.delete('1')

    expect(await prove('1')).toMatchObject({ error: { code: 'absence-pending' } })
  })

  it('is searched for together with those that are asked for meanwhile', async () => {
    const { prove, time, take } = given()
    const ids = Array.from({ length: 150 }, (_, i) => `n${i}`)
    await Promise.all(ids.map((id) => prove(id)))
    await time.advance(10_000)
    take()

    expect(new Set(await Promise.all(ids.map((id) => prove(id))))).toEqual(new Set(['proven']))
    expect(take().filter((request) => request === 'POST B2C/Search').length).toBeLessThanOrEqual(4)
  })

  it('waits for an outage that begins before the second “not found” answer', async () => {
    const { prove, peers, time } = given()
    await prove('1')
    peers.gateway = () => answer(404)
    await time.advance(10_500)

    expect(await prove('c1')).toMatchObject({ error: { outage: true } })
  })
})

describe('reads that disagree', () => {
  it('are made again with a growing delay, and after an hour the record is parked', async () => {
    const { prove, peers, circuits, time } = given()
    peers.ghosts.B2C.add('1')
    const waits: number[] = []
    let code = ''
    for (let tries = 0; tries < 50 && code !== 'inconsistent-reads'; tries++) {
      const { error } = (await prove('1', { deleteEvent: true })) as {
        error: { code: string; retryAfterMs?: number }
      }
      code = error.code
      if (error.retryAfterMs !== undefined) waits.push(error.retryAfterMs)
      await time.advance(error.retryAfterMs ?? 0)
    }

    expect(waits.slice(0, 9)).toEqual([2, 4, 8, 16, 32, 64, 128, 256, 300].map((s) => s * 1_000))
    expect(waits.reduce((sum, ms) => sum + ms, 0)).toBeGreaterThanOrEqual(3_600_000 - 100_000)
    expect(code).toBe('inconsistent-reads')
    expect(circuits.state('acme', 'omnium')).toBe('closed')
  })

  it('are over when Search finds nothing any more', async () => {
    const { prove, peers, time } = given()
    peers.ghosts.B2C.add('1')
    expect(await prove('1', { deleteEvent: true })).toMatchObject({ error: { code: 'reads-disagree' } })
    peers.ghosts.B2C.clear()
    await time.advance(2_000)

    expect(await prove('1', { deleteEvent: true })).toBe('proven')
  })
})

describe('a proof whose reads are refused', () => {
  it('is impossible: the control read', async () => {
    const { prove, peers } = given()
    peers.gateway = ({ path }) => (path.endsWith('/Search') ? answer(403) : undefined)

    expect(await prove('1', { deleteEvent: true })).toMatchObject({ error: { code: 'absence-unconfirmed' } })
  })

  it('is impossible: the Search, where a control read works without it', async () => {
    const { prove, peers, codeOf, omnium, callOf } = given()
    await codeOf(omnium.getCustomer(callOf('c1'), 'B2C', 'c1'))
    peers.gateway = ({ path }) => (path.endsWith('/Search') ? answer(403) : undefined)

    expect(await prove('1', { deleteEvent: true })).toMatchObject({ error: { code: 'absence-unconfirmed' } })
  })
})

describe('an order of Flow, which no list names', () => {
  it('is proven to be absent once another order was read', async () => {
    const { proveOrder, peers, time } = given()
    expect(await proveOrder('1')).toBe('absence-pending')
    peers.stored['flow-order'].set('o7', { orderUid: 'o7' })
    expect(await proveOrder('o7')).toBe('found')
    await time.advance(60_000)

    expect(await proveOrder('1')).toBe('proven')
  })

  it('is never skipped where no order was ever read', async () => {
    const { proveOrder, time } = given()
    const ends = new Set<unknown>()
    for (let minutes = 0; minutes <= 61; minutes++) {
      ends.add(await proveOrder('1'))
      await time.advance(60_000)
    }

    expect([...ends]).toEqual(['absence-pending', 'absence-unconfirmed'])
  })
})
