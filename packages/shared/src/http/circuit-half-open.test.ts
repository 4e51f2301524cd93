import { describe, expect, it } from 'vitest'
import { aCircuit, WAIT_MS } from '../testing/a-circuit.ts'
import { FULL_WINDOW, IN_A_ROW } from './circuit.ts'

const OPENERS = ['a', 'b', 'c']
/** Opened by failed reads, or by failed writes while reads work; then the probe is healthy. */
const aHalfOpen = ({ isWrite = false } = {}) => {
  const on = aCircuit()
  for (let i = 0; on.circuit.phase === 'closed'; i++)
    on.fail(OPENERS[i % 3]!, { isWrite, probe: isWrite ? 'healthy' : 'down' })
  return on.probeWhenDue()
}
/** So many fresh keys are admitted now. */
const admits = (on: ReturnType<typeof aCircuit>): number => {
  let count = 0
  while (count < 100 && on.ask(`fresh ${on.events} ${count}`, { isSending: true }) === null) {
    on.start(`fresh ${on.events} ${count}`)
    count++
  }
  return count
}

const failUntilOpen = (on: ReturnType<typeof aCircuit>): number => {
  let failures = 0
  while (on.circuit.phase !== 'open' && failures < 2 * IN_A_ROW) on.fail(`fresh ${failures++}`, { isWrite: false })
  return failures
}

describe('a half-open circuit', () => {
  it('admits one key, and those that opened it only after a while without others', () => {
    const on = aHalfOpen()
    expect(on.ask('a')).toBe(on.circuit.graceUntilMs)
    on.pass(500)
    expect(on.ask('a')).toBeNull()

    expect(on.ask('fresh')).not.toBeNull()
  })

  it('admits twice as many keys with each success, and half with each failure', () => {
    const on = aHalfOpen()
    on.ask('x')
    on.answer('x', { isWrite: false }).answer('x', { isWrite: false }).answer('x', { isWrite: false })
    expect(on.circuit.window).toBe(8)

    on.fail('x', { isWrite: false })

    expect(on.circuit.window).toBe(4)
    expect(admits(on)).toBe(4)
  })

  it('is closed when the window is no limit any more', () => {
    const on = aHalfOpen()
    on.ask('x')
    for (let window = 2; window < FULL_WINDOW; window *= 2) on.answer('x', { isWrite: false })
    expect(on.circuit.phase).toBe('half-open')

    expect(on.answer('x', { isWrite: false }).circuit.phase).toBe('closed')
  })

  it('is closed when most of ten requests succeeded', () => {
    const on = aHalfOpen()
    for (let i = 0; i < 4; i++) {
      on.answer(`good ${i}`, { isWrite: false })
      on.fail(`bad ${i}`, { isWrite: false })
    }
    expect(on.circuit.phase).toBe('half-open')

    expect(on.answer('x', { isWrite: false }).answer('y', { isWrite: false }).circuit.phase).toBe('closed')
  })

  it('is closed when a key succeeded and no key asks for more', () => {
    const on = aHalfOpen()
    on.ask('x')

    expect(on.start('x').answer('x', { isWrite: false }).end('x').pass(1_000).circuit.phase).toBe('closed')
  })

  it('grows by a write alone when only writes had failed', () => {
    const on = aHalfOpen({ isWrite: true })
    on.ask('x')

    expect(on.answer('x', { isWrite: false }).circuit.window).toBe(1)
    expect(on.answer('x').circuit.window).toBe(2)
  })

  it('is closed when keys read and no key writes, so that what only reads is not held up for good', () => {
    const on = aHalfOpen({ isWrite: true })

    for (const key of ['r1', 'r2', 'r3', 'r4', 'r5']) {
      on.ask(key)
      on.answer(key, { isWrite: false }).pass(1_000)
    }

    expect(on.circuit.phase).toBe('closed')
  })

  it('opens again by the limits alone, and waits longer', () => {
    const on = aHalfOpen()

    expect(failUntilOpen(on)).toBeGreaterThan(1)

    expect(on.circuit).toMatchObject({ phase: 'open', retryAtMs: on.now + 2 * WAIT_MS })
  })

  it('opens again without a longer wait when keys were answered meanwhile: the target is not down all the time', () => {
    const on = aHalfOpen()
    on.answer('x', { isWrite: false })

    failUntilOpen(on)

    expect(on.circuit).toMatchObject({ phase: 'open', retryAtMs: on.now + WAIT_MS })
  })

  it('has room for the next key at once when one fails', () => {
    const on = aHalfOpen()
    on.ask('x')
    on.fail('x', { isWrite: false })

    expect(on.ask('fresh')).toBeNull()
  })

  it('gives the turn of a trial that sends nothing to the next key, but not while a request is under way', () => {
    const on = aHalfOpen()
    on.ask('quiet')
    on.start('quiet').pass(60_000)
    expect(on.ask('next')).not.toBeNull()
    on.end('quiet').pass(1_000)

    expect(on.ask('next')).toBeNull()
  })

  it('gives the turn of a trial that has not sent anything to a key that would', () => {
    const on = aHalfOpen()
    on.ask('slow')

    expect(on.ask('other')).not.toBeNull()
    expect(on.ask('other', { isSending: true })).toBeNull()
    on.start('other')
    expect(on.ask('slow', { isSending: true })).not.toBeNull()
  })
})
