import { describe, expect, it } from 'vitest'
import { givenBelief } from '../testing/given-belief.ts'
import { answer } from '../testing/simulated-peers.ts'
import type { AbsenceEvidence } from './evidence.ts'

const given = ({ customers = 100 } = {}) => {
  const world = givenBelief()
  const { peers, omnium, callOf, codeOf } = world
  const ids = Array.from({ length: customers }, (_, i) => `k${i}`)
  for (const id of ids) peers.stored.B2C.set(id, { customerId: id })
  const read = (id: string, absence?: AbsenceEvidence) =>
    codeOf(omnium.getCustomer(callOf(id, absence && { absence }), 'B2C', id))
  const disappear = (gone: readonly string[]) => {
    for (const id of gone) peers.stored.B2C.delete(id)
  }
  const readAll = async (all: readonly string[], absence?: AbsenceEvidence) => {
    const ends: unknown[] = []
    for (const id of all) ends.push(await read(id, absence))
    return ends
  }
  return { ...world, ids, read, readAll, disappear }
}

describe('the absence guard', () => {
  it('trips when more than 20 known ids, and more than 5 % of the reads, are answered “not found”', async () => {
    const { ids, readAll, disappear, trips, read } = given()
    await readAll(ids)
    disappear(ids.slice(0, 50))

    const ends = await readAll(ids.slice(0, 50))

    expect(ends.slice(0, 20)).toEqual(Array(20).fill(null))
    expect(ends.slice(20)).toEqual(Array(30).fill('absence-guard'))
    expect(trips).toMatchObject([{ tenant: 'acme', target: 'omnium', isTripped: true, missing: 21, reads: 121 }])
    expect(await read('never-known')).toBe('absence-guard')
    expect(await read('k60')).toMatchObject({ customerId: 'k60' })
  })

  it('trips by ids that the caller knows to be linked, in a process that has read none of them', async () => {
    const { ids, readAll, disappear } = given()
    disappear(ids)

    expect((await readAll(ids.slice(0, 21), { known: true })).at(-1)).toBe('absence-guard')
  })

  it('counts a linked customer once who is looked for as both kinds', async () => {
    const { omnium, callOf, codeOf, trips } = given()
    for (let i = 0; i < 20; i++) {
      const call = callOf(`n${i}`, { absence: { known: true } })
      for (const kind of ['B2C', 'B2B'] as const) await codeOf(omnium.getCustomer(call, kind, `n${i}`))
    }

    expect(trips).toEqual([])
  })

  it('does not trip by unknown ids, nor by one id that is read again and again', async () => {
    const { ids, readAll, read, disappear, trips } = given()
    await readAll(ids)
    await readAll(Array.from({ length: 50 }, (_, i) => `unknown${i}`))
    disappear(['k1'])
    for (let i = 0; i < 50; i++) await read('k1')

    expect(trips).toEqual([])
  })

  it('does not trip when delete events of the peer explain the answers', async () => {
    const { ids, readAll, disappear, trips } = given()
    await readAll(ids)
    disappear(ids)

    await readAll(ids, { deleteEvent: true })
    await readAll(ids)

    expect(trips).toEqual([])
  })

  it('does not trip below 5 % of the reads, nor by what is older than 10 minutes', async () => {
    const { ids, readAll, disappear, trips, time } = given({ customers: 500 })
    await readAll(ids)
    disappear(ids.slice(0, 21))
    await readAll(ids.slice(0, 21))
    await time.advance(600_000)
    await readAll(ids.slice(400, 500))
    disappear(ids.slice(40, 50))
    await readAll(ids.slice(40, 50))

    expect(trips).toEqual([])
  })

  it.each([
    ['that no control read has confirmed', 11_000],
    ['that begins right after a control read', 0],
  ])('does not trip by a gateway that answers 404, %s', async (_what, sinceControlMs) => {
    const { ids, omnium, callOf, ended, read, readAll, peers, trips, time } = given()
    await readAll(ids)
    await read('unknown')
    await time.advance(sinceControlMs)
    peers.gateway = () => answer(404)
    const ends = await Promise.all(ids.map((id) => ended(omnium.getCustomer(callOf(id), 'B2C', id))))
    peers.gateway = () => undefined
    await time.advance(60_000)

    const codes = ends.map((end) => ('error' in end ? end.error.code : end.value))
    expect(codes).toContain('target-failed')
    expect(codes).not.toContain('absence-guard')
    expect(trips).toEqual([])
    expect(await read('k1')).toMatchObject({ customerId: 'k1' })
  })

  it('does not trip by a gateway that answers 404 while absences are proven, and the failure is an outage', async () => {
    const { ids, flow, callOf, codeOf, ended, peers, trips, time } = given()
    const read = (id: string) => codeOf(flow.getCustomer(callOf(id), id))
    const prove = (id: string) => ended(flow.proveAbsent(callOf(id), 'customer', id, { known: true }))
    for (const id of ids.slice(0, 21)) expect(await read(id)).toBeNull()
    for (const id of ids.slice(0, 20)) await prove(id)
    peers.gateway = () => answer(404)

    expect(await prove('k20')).toMatchObject({ error: { code: 'target-failed', outage: true } })
    await time.advance(1)
    expect(trips).toEqual([])
  })

  it('lets no proof of before pass', async () => {
    const { ids, readAll, disappear, omnium, callOf, codeOf } = given()
    await readAll(ids)
    disappear(ids)
    await readAll(ids.slice(0, 30))

    expect(await codeOf(omnium.proveAbsent(callOf('k0'), 'B2C', 'k0', { deleteEvent: true }))).toBe('absence-guard')
  })

  it('counts anew after a release', async () => {
    const { ids, readAll, disappear, guards, trips } = given()
    await readAll(ids)
    disappear(ids)
    await readAll(ids.slice(0, 30))
    guards.apply({ ...trips[0]!, isTripped: false })

    expect(await readAll(ids.slice(30, 50))).toEqual(Array(20).fill(null))
    expect((await readAll(ids.slice(50, 51)))[0]).toBe('absence-guard')
    expect(trips).toHaveLength(2)
  })

  it('that another process has tripped is tripped here', async () => {
    const { guards, read } = given()
    const state = { tenant: 'acme', target: 'omnium', at: '2026-01-01T00:00:00Z', missing: 21, reads: 40 } as const
    guards.apply({ ...state, isTripped: true })

    expect(await read('1')).toBe('absence-guard')
    expect(guards.list()).toHaveLength(1)
    guards.apply({ ...state, isTripped: false })
    expect(await read('1')).toBeNull()
  })
})
