import { describe, expect, it } from 'vitest'
import { aCircuit, aHalfOpen, WAIT_MS } from '../testing/a-circuit.ts'

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

  it('gives the turn of a trial that has not sent anything to a key that would', () => {
    const on = aHalfOpen('a', 'b', 'c')
    on.ask('slow')

    expect(on.ask('other')).not.toBeNull()
    expect(on.ask('other', { isSending: true })).toBeNull()
    on.start('other')
    expect(on.ask('slow', { isSending: true })).not.toBeNull()
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
