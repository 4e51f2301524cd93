import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import {
  answered,
  asked,
  cleared,
  dueAtMs,
  type Failing,
  failed,
  MAX_BLAMED,
  probed,
  requestsChanged,
  SEVERAL,
  ticked,
} from './circuit.ts'
import { type Circuit, createCircuit } from './circuit-state.ts'

const random = () => 0.5
/** The waits that `random` makes of 1, 2, 4 … s. */
const WAIT_MS = 750

/** A circuit that is told what happens, one event a millisecond. */
const aCircuit = () => {
  let circuit = createCircuit(0)
  let nowMs = 0
  let events = 0
  const suspects = new Set<string>()
  const become = <T extends { next: Circuit }>(result: T): T => {
    circuit = result.next
    return result
  }
  const failing = (key: string, fields: Partial<Failing>): Failing => ({
    ...{ key, kind: 'doubtful', isWrite: true, began: events, isSuspect: suspects.has(key), nowMs, random, ...fields },
  })
  const on = {
    get circuit() {
      return circuit
    },
    get events() {
      return events
    },
    get now() {
      return nowMs
    },
    pass(ms: number) {
      nowMs += ms
      circuit = ticked(circuit, nowMs)
      return on
    },
    answer(key: string, { isWrite = true } = {}) {
      circuit = answered(circuit, key, isWrite, ++events, ++nowMs)
      return on
    },
    /** A failure, and what the probe says should it be asked. */
    fail(key: string, fields: Partial<Failing> & { probe?: 'healthy' | 'down' } = {}) {
      const { probe = 'healthy', ...rest } = fields
      nowMs++
      events++
      const it = failing(key, rest)
      const { verdict } = become(failed(circuit, it))
      if (verdict !== 'probe') return count(key, verdict)
      if (probe === 'down') {
        circuit = probed(circuit, { isHealthy: false, cause: 'failing' }, nowMs, random)
        return 'probe, outage'
      }
      return `probe, ${count(key, become(cleared(circuit, it)).verdict)}`
    },
    ask(key: string) {
      return become(asked(circuit, { key, isSuspect: suspects.has(key), nowMs })).retryAtMs
    },
    probe(isHealthy: boolean, fields = {}) {
      circuit = probed(circuit, isHealthy ? { isHealthy } : { isHealthy, cause: 'failing', ...fields }, nowMs, random)
      return on
    },
    /** Waits for the probe to be due, and lets it find the target healthy or not. */
    probeWhenDue(isHealthy = true) {
      on.pass(Math.max(0, circuit.retryAtMs - nowMs))
      return on.probe(isHealthy)
    },
    start(key: string) {
      circuit = requestsChanged(circuit, key, 1, nowMs)
      return on
    },
    end(key: string) {
      circuit = requestsChanged(circuit, key, -1, nowMs)
      return on
    },
  }
  const count = (key: string, verdict: 'own' | 'outage') => {
    if (verdict === 'own') suspects.add(key)
    return verdict
  }
  return on
}
/** Several keys failed to write, the probe is healthy, and one key at a time may try. */
const aHalfOpen = (...keys: string[]) => {
  const on = aCircuit()
  for (const key of keys) on.fail(key)
  return on.probeWhenDue()
}

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
    ['throttled', 'throttled'],
    ['forbidden', 'forbidden'],
  ] as const)('opens at once when the target is %s', (kind, cause) => {
    const on = aCircuit().answer('other')

    expect(on.fail('a', { kind, began: 0 })).toBe('outage')
    expect(on.circuit).toMatchObject({ phase: 'open', cause, retryAtMs: on.now + WAIT_MS })
  })

  it('opens for as long as a Retry-After says', () => {
    const on = aCircuit()

    on.fail('a', { kind: 'throttled', retryAfterMs: 20_000 })

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
    expect([on.fail('b'), on.fail('c', { kind: 'throttled', retryAfterMs: 90_000 })]).toEqual(['outage', 'outage'])
    expect(on.circuit.retryAtMs).toBe(on.now + 90_000)
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

  it('waits twice as long after each failed probe, for a minute at most, until a key is answered', () => {
    const on = aCircuit()
    on.fail('a', { probe: 'down' })

    const waits = Array.from({ length: 9 }, () => {
      on.probeWhenDue(false)
      return on.circuit.retryAtMs - on.now
    })
    expect(waits).toEqual([1_500, 3_000, 6_000, 12_000, 24_000, 45_000, 45_000, 45_000, 45_000])
    on.probeWhenDue()
    on.fail('a', { kind: 'unreachable' })
    expect(on.circuit.retryAtMs - on.now).toBe(45_000)
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

describe('a half-open circuit', () => {
  it('admits one key at a time, those that opened it after a while without others', () => {
    const on = aHalfOpen('a', 'b', 'c')

    expect(on.ask('a')).toBe(on.now + 500)
    expect(on.ask('fresh')).toBeNull()
    expect(on.ask('fresh')).toBeNull()
    expect(on.ask('another')).toBe(on.now + 1_000)
  })

  it('is closed by the trial, if what it was opened by was a write, by a write', () => {
    const on = aHalfOpen('a', 'b', 'c')
    on.ask('fresh')

    expect(on.answer('fresh', { isWrite: false }).circuit.phase).toBe('half-open')
    expect(on.answer('fresh').circuit.phase).toBe('closed')
  })

  it('is closed by a read when reads opened it', () => {
    const on = aCircuit()
    for (const key of ['a', 'b', 'c']) on.fail(key, { isWrite: false })
    on.probeWhenDue()
    on.ask('fresh')

    expect(on.answer('fresh', { isWrite: false }).circuit.phase).toBe('closed')
  })

  it('opens for longer when a key fails that did not open it, and does not count that', () => {
    const on = aHalfOpen('a', 'b', 'c')
    on.ask('fresh')

    expect(on.fail('fresh')).toBe('outage')
    expect(on.circuit).toMatchObject({ phase: 'open', cause: 'several-keys', retryAtMs: on.now + 2 * WAIT_MS })
  })

  it('counts the failure of an opener that got its chance, and opens for longer', () => {
    const on = aHalfOpen('a', 'b', 'c')
    on.pass(500)
    expect(on.ask('c')).toBeNull()

    expect(on.fail('c')).toBe('probe, own')
    expect(on.circuit.phase).toBe('open')
  })

  it('counts the failure of a key that has failed before, and has room for the next at once', () => {
    const on = aHalfOpen('a', 'b', 'c')
    on.pass(500)
    on.ask('a')

    expect(on.fail('a')).toBe('probe, own')
    expect(on.circuit.phase).toBe('half-open')
    expect(on.ask('fresh')).toBeNull()
  })

  it('opens for the outage that the probe finds', () => {
    const on = aHalfOpen('a', 'b', 'c')
    on.pass(500)
    on.ask('a')

    expect(on.fail('a', { probe: 'down' })).toBe('probe, outage')
    expect(on.circuit).toMatchObject({ phase: 'open', cause: 'failing' })
    expect(on.probeWhenDue().circuit.phase).toBe('half-open')
  })

  it('gives the turn of a trial that sends nothing to the next key, but not while a request is under way', () => {
    const on = aHalfOpen('a', 'b', 'c')
    on.ask('quiet')
    on.start('quiet').pass(60_000)
    expect(on.ask('next')).not.toBeNull()
    on.end('quiet').pass(1_000)

    expect(on.ask('next')).toBeNull()
  })

  it('closes when nobody writes, so that what only reads is not held up for good', () => {
    const on = aHalfOpen('a', 'b', 'c')

    for (const key of ['r1', 'r2', 'r3', 'r4', 'r5']) {
      on.ask(key)
      on.answer(key, { isWrite: false }).pass(1_000)
    }

    expect(on.circuit.phase).toBe('closed')
  })
})

describe('any circuit', () => {
  const keys = fc.constantFrom('a', 'b', 'c', 'd', 'e', 'f', 'g', 'h', 'i', 'j')
  const event = fc.oneof(
    fc.record({ do: fc.constant('fail' as const), key: keys, isWrite: fc.boolean(), isProbeHealthy: fc.boolean() }),
    fc.record({ do: fc.constant('ask' as const), key: keys }),
    fc.record({ do: fc.constant('answer' as const), key: keys, isWrite: fc.boolean() }),
    fc.record({ do: fc.constant('pass' as const), ms: fc.integer({ min: 1, max: 90_000 }) }),
    fc.record({ do: fc.constant('probe' as const), isHealthy: fc.boolean() }),
  )
  type Event = typeof event extends fc.Arbitrary<infer E> ? E : never
  const apply = (on: ReturnType<typeof aCircuit>, it: Event): string | number | null => {
    switch (it.do) {
      case 'fail':
        return on.fail(it.key, { isWrite: it.isWrite, probe: it.isProbeHealthy ? 'healthy' : 'down' })
      case 'ask':
        return on.ask(it.key)
      case 'answer':
        on.answer(it.key, { isWrite: it.isWrite })
        return null
      case 'pass':
        on.pass(it.ms)
        return null
      case 'probe':
        on.probe(it.isHealthy)
        return null
    }
  }

  it('blames few keys between two answers to writes, however long that is', () => {
    fc.assert(
      fc.property(fc.array(event, { maxLength: 300 }), (events) => {
        const on = aCircuit()
        let blamed = new Set<string>()
        for (const it of events) {
          const result = apply(on, it)
          if (it.do === 'fail' && it.isWrite && typeof result === 'string' && result.includes('own')) blamed.add(it.key)
          if (it.do === 'answer' && it.isWrite) blamed = new Set()
          // Those that answers to others speak against come before several have failed.
          expect(blamed.size).toBeLessThanOrEqual(MAX_BLAMED + SEVERAL - 1)
        }
      }),
      { numRuns: 500 },
    )
  })

  it('always has something due while it is not closed, unless a trial or a probe is under way or a key may ask', () => {
    fc.assert(
      fc.property(fc.array(event, { maxLength: 100 }), (events) => {
        const on = aCircuit()
        for (const it of events) {
          apply(on, it)
          const { phase, isProbing, trial } = on.circuit
          if (phase === 'closed' || isProbing || (phase === 'half-open' && trial === null)) continue
          expect(dueAtMs(on.circuit, on.now)).not.toBeNull()
        }
      }),
    )
  })

  it('is closed again after the target is healthy, by the first key that is good', () => {
    fc.assert(
      fc.property(fc.array(event, { maxLength: 100 }), (events) => {
        const on = aCircuit()
        for (const it of events) apply(on, it)

        for (let i = 0; i < 4 && on.circuit.phase !== 'closed'; i++) {
          if (on.circuit.phase === 'open') on.probeWhenDue()
          on.pass(1_500)
          if (on.ask('good') === null) on.answer('good')
        }

        expect(on.circuit.phase).toBe('closed')
      }),
    )
  })
})
