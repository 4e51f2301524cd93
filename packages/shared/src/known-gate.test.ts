import { expect, test } from 'vitest'
import { createKnownGate } from './known-gate.ts'

const AT = Date.parse('2026-02-01T00:00:00Z')
const now = () => AT
/** From before the gate is closed. */
const OLD = '2026-01-31T23:00:00Z'
const RECEIVED = '2026-01-31T23:00:01.000Z'
const LATER = '2026-02-01T00:00:05.000Z'
const given = (patienceMs?: number) => {
  const gate = createKnownGate({ now, ...(patienceMs !== undefined && { patienceMs }) })
  const mustWait = (key: string, version: string | null = OLD) =>
    gate.mustWait(key, `object of ${key}`, version, RECEIVED)
  return { ...gate, gate, mustWait, stillWaits: (key: string, at: string) => gate.stillWaits(`object of ${key}`, at) }
}
const settled = () => new Promise(setImmediate)

test('a key that was gained waits until it is known, one that was kept does not', async () => {
  const { gate, mustWait } = given()
  const { promise: learned, resolve } = Promise.withResolvers<void>()

  gate.closeFor((key) => key === 'kept', learned)
  expect([mustWait('kept'), mustWait('gained')]).toEqual([false, true])
  resolve()
  await settled()

  expect(mustWait('gained')).toBe(false)
})

test('a key that was kept by the last join and gained by the one before still waits', async () => {
  const { gate, mustWait } = given()
  const first = Promise.withResolvers<void>()

  gate.closeFor(() => false, first.promise)
  gate.closeFor(() => true, Promise.resolve())
  await settled()
  expect(mustWait('gained')).toBe(true)
  first.resolve()
  await settled()

  expect(mustWait('gained')).toBe(false)
})

test.each([
  ['what cannot be learned', () => Promise.reject(new Error('reading failed'))],
  ['what takes too long', () => new Promise<void>(() => {})],
])('nobody waits for ever for %s', async (_case, learn) => {
  const { gate, mustWait } = given(20)

  gate.closeFor(() => false, learn())

  await expect.poll(() => mustWait('a')).toBe(false)
})

test('a change that was made since does not wait: what was written before is older', () => {
  const { gate, mustWait } = given()
  gate.closeFor(() => false, new Promise(() => {}))

  expect(mustWait('a', '2026-02-01T00:00:01Z')).toBe(false)
  expect(mustWait('a', '2026-02-01T00:00:00Z')).toBe(true)
  expect(mustWait('a', null)).toBe(true)
})

test('an object that had to wait still waits for what came by then, and not for what came since', async () => {
  const { gate, mustWait, stillWaits } = given()
  const { promise: learned, resolve } = Promise.withResolvers<void>()
  gate.closeFor(() => false, learned)
  expect(stillWaits('a', RECEIVED)).toBe(false)

  mustWait('a')
  expect([stillWaits('a', RECEIVED), stillWaits('a', LATER), stillWaits('b', RECEIVED)]).toEqual([true, false, false])
  resolve()
  await settled()

  expect(stillWaits('a', RECEIVED)).toBe(false)
})
