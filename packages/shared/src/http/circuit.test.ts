import { describe, expect, it } from 'vitest'
import { aCircuit, WAIT_MS } from '../testing/a-circuit.ts'

describe('a closed circuit', () => {
  it('blames a key when another one was answered since its request began', () => {
    const on = aCircuit()
    const began = on.events
    on.answer('other')

    expect(on.fail('poison', { began })).toBe('own')
  })

  it('asks the probe when only the key itself was answered, or others before its request began', () => {
    const on = aCircuit().answer('other').answer('poison')

    expect(on.fail('poison')).toBe('probe, own')
  })

  it('opens when the probe fails too', () => {
    const on = aCircuit()

    expect(on.fail('a', { probe: 'down' })).toBe('probe, outage')
    expect(on.circuit).toMatchObject({ phase: 'open', cause: 'failing' })
  })

  it('does not take the answer to a read as evidence that writes work', () => {
    const on = aCircuit()
    const began = on.events
    on.answer('other', { isWrite: false })

    expect(on.fail('a', { began })).toBe('probe, own')
    expect(on.fail('b', { began, isWrite: false })).toBe('own')
  })

  it.each([
    ['unreachable', 'unreachable'],
    ['unauthorized', 'unauthorized'],
    ['forbidden', 'forbidden'],
  ] as const)('opens at once when the target is %s', (kind, cause) => {
    const on = aCircuit().answer('other')

    expect(on.fail('a', { kind, began: 0 })).toBe('outage')
    expect(on.circuit).toMatchObject({ phase: 'open', cause, retryAtMs: on.now + WAIT_MS })
  })

  it('opens for as long as a Retry-After says', () => {
    const on = aCircuit()

    on.fail('a', { kind: 'unreachable', retryAfterMs: 20_000 })

    expect(on.circuit.retryAtMs).toBe(on.now + 21_000)
  })

  it('opens when several keys fail to write in a row although the probe is healthy', () => {
    const on = aCircuit()

    expect([on.fail('a'), on.fail('b'), on.fail('c')]).toEqual(['probe, own', 'probe, own', 'outage'])
    expect(on.circuit).toMatchObject({ phase: 'open', cause: 'several-keys' })
  })

  it('counts several keys even if one was answered after their requests began: so does an outage start', () => {
    const on = aCircuit().answer('other')

    expect([on.fail('a', { began: 0 }), on.fail('b', { began: 0 }), on.fail('c', { began: 0 })]).toEqual([
      'own',
      'own',
      'outage',
    ])
  })

  it('starts to count anew with each answer to a write, and for reads with each answer', () => {
    const on = aCircuit()
    on.fail('a', { isWrite: false })
    on.fail('b')

    on.answer('other', { isWrite: false })
    expect([...on.circuit.doubts.keys()]).toEqual(['b'])
    on.answer('other')

    expect([on.fail('c'), on.fail('d'), on.fail('e')].at(-1)).toBe('outage')
  })

  it('does not count keys that have failed on their own account before', () => {
    const on = aCircuit()
    for (const key of ['p1', 'p2', 'p3', 'p4']) {
      const began = on.events
      on.answer('other')
      on.fail(key, { began })
      on.answer('other')
    }

    const again = ['p1', 'p2', 'p3', 'p4'].map((key) => on.fail(key))

    expect(again).toEqual(Array(4).fill('probe, own'))
    expect(on.circuit.phase).toBe('closed')
  })

  it('blames a key for what it alone is forbidden, once it was seen that others are not', () => {
    const on = aCircuit()
    on.fail('poison', { kind: 'forbidden' })
    on.probeWhenDue()
    expect(on.circuit.phase).toBe('half-open')
    on.ask('other')
    on.answer('other')

    expect(on.circuit.phase).toBe('closed')
    expect(on.fail('poison', { kind: 'forbidden', isSuspect: true })).toBe('probe, own')
    expect(on.circuit.phase).toBe('closed')
  })
})

describe('an open circuit', () => {
  it('admits nobody and counts nothing', () => {
    const on = aCircuit()
    on.fail('a', { probe: 'down' })

    expect(on.ask('b')).toBe(on.circuit.retryAtMs)
    expect([on.fail('b'), on.fail('c', { kind: 'unreachable' })]).toEqual(['outage', 'outage'])
    expect(on.ask('c')).toBe(on.circuit.retryAtMs)
  })

  it('is closed by a healthy probe, which does not begin before its time', () => {
    const on = aCircuit()
    on.fail('a', { probe: 'down' })
    on.probe(true)
    expect(on.circuit.phase).toBe('open')

    on.probeWhenDue()

    expect(on.circuit.phase).toBe('closed')
    expect(on.ask('a')).toBeNull()
  })

  it('waits twice as long after each failed probe, for twenty seconds at most, until a key is answered', () => {
    const on = aCircuit()
    on.fail('a', { probe: 'down' })

    const waits = Array.from({ length: 9 }, () => {
      on.probeWhenDue(false)
      return on.circuit.retryAtMs - on.now
    })
    expect(waits).toEqual([1_500, 3_000, 6_000, 12_000, 15_000, 15_000, 15_000, 15_000, 15_000])
    on.probeWhenDue()
    on.fail('a', { kind: 'unreachable' })
    expect(on.circuit.retryAtMs - on.now).toBe(15_000)
    on.probeWhenDue().answer('a')
    on.fail('a', { kind: 'unreachable' })

    expect(on.circuit.retryAtMs - on.now).toBe(WAIT_MS)
  })

  it('is closed by a late success of a key that did not open it, if it was opened by keys', () => {
    const on = aCircuit()
    for (const key of ['a', 'b', 'c']) on.fail(key)

    expect(on.answer('a').circuit.phase).toBe('open')
    expect(on.answer('late', { isWrite: false }).circuit.phase).toBe('open')
    expect(on.answer('late').circuit.phase).toBe('closed')
  })
})
