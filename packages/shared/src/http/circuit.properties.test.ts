import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { aCircuit } from '../testing/a-circuit.ts'
import { patience, runs } from '../testing/runs.ts'
import { type FailureKind, IN_A_ROW, MAX_BLAMED } from './circuit.ts'

const key = fc.constantFrom(...'abcdefgh')
const event = fc.oneof(
  fc.record({
    do: fc.constant('fail' as const),
    key,
    kind: fc.constantFrom<FailureKind>('doubtful', 'doubtful', 'doubtful', 'forbidden', 'unreachable'),
    isWrite: fc.boolean(),
    isProbeHealthy: fc.boolean(),
  }),
  fc.record({ do: fc.constant('ask' as const), key, isSending: fc.boolean() }),
  fc.record({ do: fc.constantFrom('start' as const, 'end' as const), key }),
  fc.record({ do: fc.constant('answer' as const), key, isWrite: fc.boolean() }),
  fc.record({ do: fc.constant('pass' as const), ms: fc.integer({ min: 1, max: 90_000 }) }),
  fc.record({ do: fc.constant('probe' as const), isHealthy: fc.boolean() }),
)
type Event = typeof event extends fc.Arbitrary<infer E> ? E : never
type On = ReturnType<typeof aCircuit>

const happen = (on: On, it: Event): void => {
  switch (it.do) {
    case 'fail':
      on.fail(it.key, { kind: it.kind, isWrite: it.isWrite, probe: it.isProbeHealthy ? 'healthy' : 'down' })
      break
    case 'ask':
      on.ask(it.key, { isSending: it.isSending })
      break
    case 'start':
    case 'end':
      on[it.do](it.key)
      break
    case 'answer':
      on.answer(it.key, { isWrite: it.isWrite })
      break
    case 'pass':
      on.pass(it.ms)
      break
    case 'probe':
      on.probe(it.isHealthy)
  }
}
const after = (events: readonly Event[]): On => {
  const on = aCircuit()
  for (const it of events) happen(on, it)
  return on
}
/** Leads it there by keys that had not failed before. */
const halfOpened = (events: readonly Event[]): On => {
  const on = after(events)
  for (const key of [...'tuvwxyz'].flatMap((key) => [key, key, key])) if (on.circuit.phase === 'closed') on.fail(key)
  if (on.circuit.phase === 'open') on.probeWhenDue()
  return on
}
const history = fc.array(event, { maxLength: 80 })

describe('after anything that may have happened, a circuit', () => {
  it('that is open admits nobody, and names a time to ask again that is yet to come', patience, () => {
    fc.assert(
      fc.property(history, key, fc.boolean(), (events, key, isSending) => {
        const on = after(events)
        fc.pre(on.circuit.phase === 'open')

        expect(on.ask(key, { isSending })).toBeGreaterThan(on.now)
      }),
      runs(300),
    )
  })

  it('that is half-open admits no more keys than its window', patience, () => {
    fc.assert(
      fc.property(history, fc.array(fc.tuple(key, fc.boolean()), { minLength: 2, maxLength: 8 }), (events, asking) => {
        const on = halfOpened(events)
        fc.pre(on.circuit.phase === 'half-open')

        const sending = new Set([...on.circuit.trials].flatMap(([key, { hasSent }]) => (hasSent ? [key] : [])))
        for (const [key, isSending] of asking) {
          const isAdmitted = on.ask(key, { isSending }) === null
          if (isAdmitted && !sending.has(key)) expect(sending.size).toBeLessThan(on.circuit.window)
          if (sending.has(key)) expect(isAdmitted).toBe(true)
          if (isAdmitted && isSending) {
            on.start(key)
            sending.add(key)
          }
          expect(on.circuit.trials.size).toBeLessThanOrEqual(on.circuit.window)
        }
      }),
      runs(300),
    )
  })

  it('that is closed opens when keys fail to write, one after the other, that had not failed before', patience, () => {
    fc.assert(
      fc.property(history, fc.boolean(), (events, isProbeHealthy) => {
        const on = after(events)
        fc.pre(on.circuit.phase === 'closed')

        // Few of them may be blamed on the probe's word.
        for (let i = 0; i < IN_A_ROW + MAX_BLAMED && on.circuit.phase === 'closed'; i++) {
          on.fail(`fresh ${i}`, { probe: isProbeHealthy ? 'healthy' : 'down' })
        }

        expect(on.circuit.phase).toBe('open')
      }),
      runs(300),
    )
  })

  it('is not opened by a key alone that fails again and again while others are answered', patience, () => {
    fc.assert(
      fc.property(history, fc.array(fc.boolean(), { minLength: 1, maxLength: 30 }), (events, writes) => {
        const on = after(events).pass(61_000)
        fc.pre(on.circuit.phase === 'closed')
        on.answer('good')

        for (const isWrite of writes) {
          expect(on.fail('poison', { isWrite, isSuspect: true })).toContain('own')
          expect(on.circuit.phase).toBe('closed')
          on.answer('good')
        }
      }),
      runs(300),
    )
  })

  it('is not opened by keys that are known to fail, however often and however many at once', patience, () => {
    fc.assert(
      fc.property(history, fc.array(fc.nat(20), { maxLength: 60 }), (events, picks) => {
        const on = after(events).pass(61_000)
        fc.pre(on.circuit.phase === 'closed')

        for (const pick of picks) {
          on.fail(`poison ${pick}`, { isSuspect: true })
          expect(on.circuit.phase).toBe('closed')
        }
      }),
      runs(300),
    )
  })
})
