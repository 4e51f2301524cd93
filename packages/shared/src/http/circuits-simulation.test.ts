import { describe, expect, it } from 'vitest'
import { SyncError } from '../errors.ts'
import { aCall, aTenant } from '../testing/builders.ts'
import { createManualTime } from '../testing/manual-time.ts'
import { type Circuits, createCircuits } from './circuits.ts'

const TENANT = aTenant()
const down = () => new SyncError('target-failed', 'updating a customer in omnium: 503', { status: 503 })

/** A runtime in small: keys that are read and written through the circuits until they are done or parked. */
const MAX_ATTEMPTS = 5
interface World {
  readonly circuits: Circuits
  readonly time: ReturnType<typeof createManualTime>
  readonly attempts: Map<string, number>
  readonly ends: Map<string, { how: 'done' | 'parked'; atMs: number }>
  enter(key: string): void
}

const simulate = (isBad: (key: string, isWrite: boolean, atMs: number) => boolean): World => {
  const time = createManualTime(0)
  let seed = 1
  const random = () => {
    seed = (seed * 48_271) % 2_147_483_647
    return seed / 2_147_483_647
  }
  const exchange = (key: string, isWrite: boolean) =>
    new Promise<void>((resolve, reject) => {
      time.schedule(() => (isBad(key, isWrite, time.now()) ? reject(down()) : resolve()), 20)
    })
  const circuits = createCircuits({
    probe: () => exchange('sync-probe', false),
    now: time.now,
    random,
    schedule: time.schedule,
  })
  const attempts = new Map<string, number>()
  const ends: World['ends'] = new Map()
  const waiting = new Map<string, () => void>()

  const wait = (key: string, ms: number, isWoken: boolean) => {
    const go = () => {
      cancel()
      waiting.delete(key)
      void run(key)
    }
    const cancel = time.schedule(go, Math.max(1, ms))
    if (isWoken) waiting.set(key, go)
  }
  const run = async (key: string): Promise<void> => {
    const admission = circuits.admit('acme', 'omnium', key)
    if (!admission.admitted) return wait(key, admission.retryAtMs - time.now(), true)
    const call = aCall({ tenant: TENANT, key })
    try {
      await circuits.guard(call, 'omnium', false, () => exchange(key, false))
      await circuits.guard(call, 'omnium', true, () => exchange(key, true))
      ends.set(key, { how: 'done', atMs: time.now() })
    } catch (error) {
      const isOwn = error instanceof SyncError && !error.outage
      if (isOwn) attempts.set(key, (attempts.get(key) ?? 0) + 1)
      const tried = attempts.get(key) ?? 0
      if (tried >= MAX_ATTEMPTS) ends.set(key, { how: 'parked', atMs: time.now() })
      else wait(key, isOwn ? random() * 500 * 2 ** (tried - 1) : random() * 1_000, false)
    }
  }
  circuits.onChange((_tenant, _target, state) => {
    if (state !== 'open') for (const go of [...waiting.values()]) go()
  })
  return { circuits, time, attempts, ends, enter: (key) => void run(key) }
}
const hows = ({ ends }: World, keys: readonly string[]) => [...new Set(keys.map((key) => ends.get(key)?.how))]
const named = (name: string, count: number) => Array.from({ length: count }, (_, i) => `${name}${i}`)
const MINUTE_MS = 60_000
const HOUR_MS = 60 * MINUTE_MS

describe('records and circuits together', () => {
  it('park one poison record and hold nobody up for it', async () => {
    const world = simulate((key, isWrite) => key === 'poison' && isWrite)
    const good = named('good', 200)
    world.enter('poison')
    for (const key of good) {
      world.enter(key)
      await world.time.advance(50)
    }

    await world.time.advance(MINUTE_MS)

    expect(world.ends.get('poison')?.how).toBe('parked')
    expect(hows(world, good)).toEqual(['done'])
    expect(Math.max(...good.map((key) => world.ends.get(key)?.atMs ?? 0))).toBeLessThan(12_000)
  })

  it('park a poison record that comes alone', async () => {
    const world = simulate((key, isWrite) => key === 'poison' && isWrite)
    world.enter('poison')

    await world.time.advance(MINUTE_MS)

    expect(world.ends.get('poison')?.how).toBe('parked')
  })

  it.each([[true], [false]])(
    'park five poison records at the tail of traffic within minutes (writes: %s)',
    async (w) => {
      const world = simulate((key, isWrite) => key.startsWith('poison') && isWrite === w)
      const good = named('good', 50)
      const poison = named('poison', 5)
      for (const key of [...good, ...poison]) world.enter(key)

      await world.time.advance(3 * MINUTE_MS)

      expect(hows(world, good)).toEqual(['done'])
      expect(hows(world, poison)).toEqual(['parked'])
    },
  )

  it('do not stop the tenant for twenty poison records among good ones', async () => {
    const world = simulate((key, isWrite) => key.startsWith('poison') && isWrite)
    const poison = named('poison', 20)
    const good = named('good', 600)
    for (const key of poison) world.enter(key)
    for (const key of good) {
      world.enter(key)
      await world.time.advance(500)
    }

    await world.time.advance(MINUTE_MS)

    expect(hows(world, poison)).toEqual(['parked'])
    const waits = good.map((key, i) => (world.ends.get(key)?.atMs ?? Number.POSITIVE_INFINITY) - i * 500)
    expect(Math.max(...waits)).toBeLessThan(3_000)
  })

  it('go on as before after an outage of hours, with nobody blamed', async () => {
    const world = simulate((_key, _isWrite, atMs) => atMs > 1_000 && atMs < 3 * HOUR_MS)
    const keys = named('key', 300)
    for (const key of keys) {
      world.enter(key)
      await world.time.advance(10)
    }

    await world.time.advance(3 * HOUR_MS + 2 * MINUTE_MS)

    expect(hows(world, keys)).toEqual(['done'])
    expect(world.attempts.size).toBeLessThanOrEqual(2)
  })

  it('blame few for an outage of hours in which reads work', async () => {
    const world = simulate((_key, isWrite, atMs) => isWrite && atMs > 1_000 && atMs < 3 * HOUR_MS)
    const keys = named('key', 300)
    for (const key of keys) {
      world.enter(key)
      await world.time.advance(10)
    }

    await world.time.advance(3 * HOUR_MS + 5 * MINUTE_MS)

    const parked = keys.filter((key) => world.ends.get(key)?.how === 'parked')
    expect(parked.length).toBeLessThanOrEqual(5)
    expect(world.attempts.size).toBeLessThanOrEqual(7)
    expect(
      hows(
        world,
        keys.filter((key) => !parked.includes(key)),
      ),
    ).toEqual(['done'])
  })

  it('blame few for that too when only some keys are there to fail', async () => {
    const world = simulate((_key, isWrite, atMs) => isWrite && atMs < 3 * HOUR_MS)
    const keys = named('key', 12)
    for (const key of keys) world.enter(key)

    await world.time.advance(3 * HOUR_MS + 5 * MINUTE_MS)

    expect(world.attempts.size).toBeLessThanOrEqual(5)
    expect(keys.filter((key) => world.ends.get(key)?.how === 'done').length).toBeGreaterThanOrEqual(7)
    expect([...world.ends.values()]).toHaveLength(12)
  })
})
