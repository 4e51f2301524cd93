import { describe, expect, it } from 'vitest'
import { aCircuit, WAIT_MS } from '../testing/a-circuit.ts'
import { IN_A_ROW, MAX_BLAMED } from './circuit.ts'

const keys = (count: number, name = 'k') => Array.from({ length: count }, (_, i) => `${name}${i}`)
/** Opened by an outage: all requests fail, and so does the probe. */
const anOpen = () => {
  const on = aCircuit()
  for (const key of keys(3)) on.fail(key, { isWrite: false, probe: 'down' })
  return on
}

describe('whose failure it is', () => {
  it('is the record’s own when other keys work and the probe, asked after it, works', () => {
    const on = aCircuit()
    for (const key of keys(9)) on.answer(key)

    expect(on.fail('poison')).toBe('probe, own')
    expect(on.circuit.phase).toBe('closed')
  })

  it('is the record’s own when no other key failed and the probe works', () => {
    expect(aCircuit().fail('poison')).toBe('probe, own')
  })

  it('is nobody’s while the probe fails: an outage may begin, however well other keys worked before', () => {
    const on = aCircuit()
    for (const key of keys(50)) on.answer(key)

    expect(on.fail('a', { probe: 'down' })).toBe('probe, outage')
    expect(on.circuit.phase).toBe('closed')
  })

  it('is nobody’s when another key failed after it, although the probe works', () => {
    const on = aCircuit()
    for (const key of keys(50)) on.answer(key)

    expect(on.fail('a', { meanwhile: () => on.fail('b') })).toBe('probe, brownout')
  })

  it('is nobody’s when more than a tenth of the other keys’ requests failed, without asking the probe', () => {
    const on = aCircuit()
    for (const [i, key] of keys(20).entries()) i % 5 === 4 ? on.fail(key) : on.answer(key)

    expect(on.fail('a')).toBe('brownout')
    expect(on.circuit.phase).toBe('closed')
  })

  it('is forgotten after ten seconds', () => {
    const on = aCircuit().answer('good')
    on.fail('b')
    on.fail('c')
    on.pass(10_001)

    expect(on.fail('a')).toBe('probe, own')
  })

  it('is judged by writes for a write, and by all requests of its route for a read', () => {
    const on = aCircuit()
    for (const key of keys(20)) on.answer(key, { isWrite: false })
    on.fail('b')

    expect(on.fail('a', { isWrite: false })).toBe('probe, own')
    expect(on.fail('a')).toBe('probe, brownout')
  })

  it('is never the record’s own when nothing was sent', () => {
    expect(aCircuit().fail('a', { kind: 'unreachable' })).toBe('probe, brownout')
  })

  it('is not told by keys that fail again and again, unless failed keys recover', () => {
    const on = aCircuit()
    for (const key of keys(5)) on.answer(key)
    for (const key of keys(5, 'suspect')) on.fail(key, { isSuspect: true })
    expect(on.fail('poison', { isSuspect: true })).toBe('probe, own')

    on.recover('x').recover('y')

    expect(on.fail('poison', { isSuspect: true })).toBe('brownout')
  })

  it('is the record’s own on the probe’s word alone for few keys, until a key is answered', () => {
    const on = aCircuit()
    const fail = (key: string) => on.pass(10_001).fail(key, { isSuspect: true })

    expect(keys(MAX_BLAMED + 1).map(fail)).toEqual([...Array(MAX_BLAMED).fill('probe, own'), 'probe, brownout'])
    on.answer('good')

    expect(fail('late')).toBe('probe, own')
  })
})

describe('a closed circuit', () => {
  it('opens when at least half of the requests failed, of several keys', () => {
    const on = aCircuit()
    for (const key of keys(10)) on.answer(key, { isWrite: false })

    for (let i = 0; i < 100; i++) {
      if (i % 5 < 2) on.answer(`a${i}`, { isWrite: false })
      else on.fail(`f${i}`, { isWrite: false })
    }

    expect(on.circuit).toMatchObject({ phase: 'open', cause: 'failing' })
  })

  it('stays closed while two of five requests fail, one after the other', () => {
    const on = aCircuit()
    for (const key of keys(40)) {
      for (const i of [1, 2]) on.fail(`${key}${i}`, { isWrite: false, probe: 'down' })
      for (const i of [3, 4, 5]) on.answer(`${key}${i}`, { isWrite: false })
    }

    expect(on.circuit.phase).toBe('closed')
  })

  it('opens when three keys fail, no request succeeds between them, and the probe fails', () => {
    const on = aCircuit()

    expect(keys(2).map((key) => on.fail(key, { probe: 'down' }))).toEqual(['probe, outage', 'probe, outage'])
    expect(on.circuit.phase).toBe('closed')
    on.fail('c', { probe: 'down' })

    expect(on.circuit).toMatchObject({ phase: 'open', cause: 'failing' })
  })

  it('opens when many writes of several keys fail in a row, although reads and the probe work', () => {
    const on = aCircuit()
    for (let i = 0; i < 2 * IN_A_ROW && on.circuit.phase === 'closed'; i++) {
      on.answer(`k${i}`, { isWrite: false })
      on.fail(`k${i}`)
    }

    expect(on.circuit).toMatchObject({ phase: 'open', cause: 'several-keys', needsWrite: true })
  })

  it('is opened by one key only when the probe keeps failing', () => {
    const one = aCircuit()
    for (let i = 0; i < 50; i++) one.fail('poison')
    expect(one.circuit.phase).toBe('closed')

    const on = aCircuit()
    for (let i = 0; i < 5; i++) on.fail('only', { kind: 'unreachable', probe: 'down' })

    expect(on.circuit.phase).toBe('open')
  })

  it('is not opened by keys that are known to fail', () => {
    const on = aCircuit()
    for (let i = 0; i < 50; i++) on.fail(`p${i % 5}`, { isSuspect: true })

    expect(on.circuit.phase).toBe('closed')
  })

  it('opens when the control reads of three keys show that a route is down', () => {
    const on = aCircuit()
    for (const key of keys(3)) on.fail(key, { kind: 'route-down', isWrite: false, route: 'B2B' })

    expect(on.circuit.phase).toBe('open')
  })
})

describe('an open circuit', () => {
  it('admits nobody and counts nothing', () => {
    const on = anOpen()

    expect(on.ask('b')).toBe(on.circuit.retryAtMs)
    expect([on.fail('b'), on.fail('c', { kind: 'unreachable' })]).toEqual(['outage', 'outage'])
    expect(on.answer('late').circuit.phase).toBe('open')
  })

  it('is half-open after a healthy probe, which does not begin before its time', () => {
    const on = anOpen().probe(true)
    expect(on.circuit.phase).toBe('open')

    expect(on.probeWhenDue().circuit.phase).toBe('half-open')
  })

  it('waits twice as long after each failed probe, for twenty seconds at most', () => {
    const on = anOpen()

    const waits = Array.from({ length: 7 }, () => {
      on.probeWhenDue(false)
      return on.circuit.retryAtMs - on.now
    })

    expect(waits).toEqual([2, 4, 8, 16, 20, 20, 20].map((factor) => factor * WAIT_MS))
  })

  it('opens for as long as a Retry-After says', () => {
    const on = aCircuit()
    for (const key of keys(3)) on.fail(key, { kind: 'route-down', retryAfterMs: 20_000 })

    expect(on.circuit.retryAtMs).toBe(on.now + 21_000)
  })
})
