import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { aCircuit } from '../testing/a-circuit.ts'
import { dueAtMs, MAX_BLAMED } from './circuit.ts'

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
          // And those against whom the answers to others spoke, before several had failed.
          expect(blamed.size).toBeLessThanOrEqual(MAX_BLAMED + 2)
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
          const { phase, isProbing, trials } = on.circuit
          if (phase === 'closed' || isProbing || (phase === 'half-open' && trials.size === 0)) continue
          expect(dueAtMs(on.circuit, on.now)).not.toBeNull()
        }
      }),
    )
  })

  it('is closed again after the target is healthy, by a key that is good', () => {
    fc.assert(
      fc.property(fc.array(event, { maxLength: 100 }), (events) => {
        const on = aCircuit()
        for (const it of events) apply(on, it)

        for (let i = 0; i < 8 && on.circuit.phase !== 'closed'; i++) {
          if (on.circuit.phase === 'open') on.probeWhenDue()
          on.pass(1_500)
          if (on.ask('good') === null) on.answer('good')
        }

        expect(on.circuit.phase).toBe('closed')
      }),
    )
  })
})
