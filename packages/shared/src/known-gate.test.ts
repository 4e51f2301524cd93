import { expect, test } from 'vitest'
import { createKnownGate } from './known-gate.ts'

const unending = new AbortController().signal
const AT = Date.parse('2026-02-01T00:00:00Z')
const now = () => AT
/** From before the gate is closed. */
const OLD = '2026-01-31T23:00:00Z'
/** Whether a call of a key has passed by now. */
const isThrough = async (passing: Promise<void>) => {
  let passed = false
  void passing.then(() => (passed = true))
  await new Promise(setImmediate)
  return passed
}

test('a key that was gained waits until it is known, one that was kept does not', async () => {
  const gate = createKnownGate({ now })
  const { promise: learned, resolve } = Promise.withResolvers<void>()

  gate.closeFor((key) => key === 'kept', learned)
  const gained = gate.pass({ key: 'gained', signal: unending }, OLD)
  expect(await isThrough(gate.pass({ key: 'kept', signal: unending }, OLD))).toBe(true)
  expect(await isThrough(gained)).toBe(false)
  resolve()

  await gained
  await gate.pass({ key: 'gained', signal: unending }, OLD)
})

test('a key that was kept by the last join and gained by the one before still waits', async () => {
  const gate = createKnownGate({ now })
  const first = Promise.withResolvers<void>()

  gate.closeFor(() => false, first.promise)
  gate.closeFor(() => true, Promise.resolve())
  const gained = gate.pass({ key: 'gained', signal: unending }, OLD)
  expect(await isThrough(gained)).toBe(false)
  first.resolve()

  await gained
})

test('nobody waits for ever, for what cannot be learned, or past the end of the call', async () => {
  const gate = createKnownGate({ now, patienceMs: 20 })
  const call = new AbortController()

  gate.closeFor(() => false, new Promise(() => {}))
  const passing = gate.pass({ key: 'a', signal: call.signal }, OLD)
  call.abort()
  await passing
  await gate.pass({ key: 'b', signal: unending }, OLD)
  gate.closeFor(() => false, Promise.reject(new Error('reading failed')))

  await gate.pass({ key: 'c', signal: unending }, OLD)
})

test('a change that was made since does not wait: what was written before is older', async () => {
  const gate = createKnownGate({ now })
  gate.closeFor(() => false, new Promise(() => {}))

  await gate.pass({ key: 'a', signal: unending }, '2026-02-01T00:00:01Z')
  expect(await isThrough(gate.pass({ key: 'a', signal: unending }, '2026-02-01T00:00:00Z'))).toBe(false)
  expect(await isThrough(gate.pass({ key: 'a', signal: unending }, null))).toBe(false)
})
