import { describe, expect, it } from 'vitest'
import type { Route } from '../absences/route.ts'
import { SyncError } from '../errors.ts'
import { aCircuit } from '../testing/a-circuit.ts'
import { aCall, aTenant } from '../testing/builders.ts'
import { createManualTime } from '../testing/manual-time.ts'
import { IN_A_ROW } from './circuit.ts'
import { createCircuits } from './circuits.ts'

const TENANT = aTenant()
const down = (fields = {}) => new SyncError('target-failed', 'reading a customer from omnium: 404', fields)

const KEYS = ['acme:1', 'acme:2', 'acme:3']

const given = () => {
  const time = createManualTime()
  const probes: (readonly Route[])[] = []
  const broken = new Set<Route>()
  const circuits = createCircuits({
    async probe(_tenant, _target, _signal, routes) {
      probes.push(routes)
      if (routes.some((route) => broken.has(route))) throw down()
    },
    now: time.now,
    random: () => 0.5,
    schedule: time.schedule,
  })
  const read = (key: string, route: Route, error?: Error) => {
    const send = async () => {
      if (error !== undefined) throw error
    }
    return circuits.guard(aCall({ tenant: TENANT, key }), 'omnium', false, send, route).then(
      () => 'ok' as const,
      (failure: SyncError) => failure,
    )
  }
  return { circuits, time, probes, broken, read, state: () => circuits.state('acme', 'omnium') }
}

describe('a probe', () => {
  it('reads by the route of the requests that failed, until that route works', async () => {
    const { time, probes, broken, read, state } = given()
    broken.add('B2B')

    for (const key of KEYS) expect(await read(key, 'B2B', down())).toMatchObject({ outage: true })
    await time.advance(60_000)
    expect(state()).toBe('open')
    broken.clear()
    await time.advance(60_000)

    expect(state()).toBe('half-open')
    expect(new Set(probes.map(String))).toEqual(new Set(['B2B']))
  })

  it('reads by each of several routes that failed', async () => {
    const { time, probes, broken, read } = given()
    broken.add('B2B')
    broken.add('order')
    for (const key of KEYS) await Promise.all([read(key, 'B2B', down()), read(key, 'order', down())])

    await time.advance(60_000)

    expect(probes.at(-1)?.toSorted()).toEqual(['B2B', 'order'])
  })

  it('does not read by a route that was answered since', async () => {
    const { probes, read, time } = given()
    await read('acme:1', 'B2B', down())
    await read('acme:2', 'B2B')
    await time.advance(10_001)

    await read('acme:3', 'B2C', down())

    expect(probes.map(String)).toEqual(['B2B', 'B2C'])
  })
})

describe('an answer of another route', () => {
  it('does not show that a failure is the record’s own', () => {
    const on = aCircuit()
    on.answer('b', { isWrite: false, route: 'B2C' })

    expect(on.fail('a', { isWrite: false, route: 'B2B', probe: 'down' })).toBe('probe, outage')
  })

  it('leaves the doubts about a route', () => {
    const on = aCircuit()
    for (let i = 0; i < 2 * IN_A_ROW && on.circuit.phase === 'closed'; i++) {
      on.fail(`a${i}`, { route: 'B2B' })
      for (const j of [1, 2, 3]) on.answer(`other ${i} ${j}`, { route: 'B2C' })
    }

    expect(on.circuit).toMatchObject({ phase: 'open', cause: 'several-keys' })
  })

  it('does not close a circuit that a route had opened', () => {
    const on = aCircuit()
    for (const key of 'abc') on.fail(key, { isWrite: false, route: 'B2B', probe: 'down' })
    on.probeWhenDue()
    expect(on.circuit.phase).toBe('half-open')

    on.ask('d')
    for (let i = 0; i < 20; i++) on.answer('d', { isWrite: false, route: 'B2C' })
    expect(on.circuit).toMatchObject({ phase: 'half-open', window: 1 })
    on.answer('d', { isWrite: false, route: 'B2B' })
    expect(on.circuit.phase).toBe('closed')
  })
})

describe('a key that is alone on its route', () => {
  it('is not to blame while keys of other routes fail, because the target may be down for all', () => {
    const on = aCircuit()
    on.fail('b', { route: 'B2C' })
    for (let i = 0; i < 20; i++) on.answer(`c${i}`, { isWrite: false, route: 'B2C' })

    expect(on.fail('a', { route: 'B2B' })).toBe('probe, brownout')
  })

  it('is to blame when others of its route work, whatever other routes do', () => {
    const on = aCircuit()
    on.fail('b', { route: 'B2C' })
    for (let i = 0; i < 20; i++) on.answer(`c${i}`, { route: 'B2B' })

    expect(on.fail('a', { route: 'B2B' })).toBe('probe, own')
  })

  it('is not to blame while a read has shown that writes of another key do not work, however long ago', () => {
    const on = aCircuit()
    on.fail('b', { route: 'B2C', kind: 'route-down' })
    const later = () => on.pass(30_000).fail('a', { route: 'B2B', isSuspect: true })

    expect([later(), later()]).toEqual(['probe, brownout', 'probe, brownout'])
    on.answer('b', { route: 'B2C' })

    expect(later()).toBe('probe, own')
  })
})

describe('a failure that a control read has judged', () => {
  it('opens the circuit for three keys when the route is down, whatever else was answered', async () => {
    const { probes, read, state } = given()

    for (const key of KEYS) {
      expect(state()).toBe('closed')
      await read('acme:9', 'B2C')
      expect(await read(key, 'B2B', down({ blame: 'route' }))).toMatchObject({ outage: true, brownout: false })
    }

    expect(state()).toBe('open')
    expect(probes).toEqual([])
  })

  it('is the record’s own, however many records have one', async () => {
    const { probes, read, state } = given()

    for (let i = 0; i < 20; i++) {
      const error = new SyncError('html-response', 'reading a customer from omnium: html', { blame: 'record' })
      expect(await read(`acme:${i}`, 'B2C', error)).toMatchObject({ code: 'html-response', outage: false })
    }

    expect(state()).toBe('closed')
    expect(probes).toEqual([])
  })
})
