import { describe, expect, it } from 'vitest'
import { type ErrorCode, SyncError } from '../errors.ts'
import { aCall, aTenant } from '../testing/builders.ts'
import { createManualTime, settle } from '../testing/manual-time.ts'
import { type CircuitStatus, type Circuits, createCircuits } from './circuits.ts'

const TENANT = aTenant()
const failure = (code: ErrorCode, fields = {}) =>
  new SyncError(code, 'updating a customer in omnium: it failed', { target: 'omnium', tenant: 'acme', ...fields })
const down = () => failure('target-failed', { status: 503 })

const setUp = () => {
  const time = createManualTime()
  const transitions: CircuitStatus[] = []
  const probe = { count: 0, outcome: async () => {} }
  const circuits = createCircuits({
    probe: (_tenant, _target, signal) => {
      signal.throwIfAborted()
      probe.count++
      return probe.outcome()
    },
    now: time.now,
    random: () => 0.5,
    schedule: time.schedule,
    onTransition: (status) => transitions.push(status),
  })
  const write = (key: string, send: () => Promise<unknown>, signal = new AbortController().signal) =>
    circuits.guard(aCall({ tenant: TENANT, key, signal }), 'omnium', true, send).then(
      () => 'ok' as const,
      (error: SyncError) => error,
    )
  const state = () => circuits.state('acme', 'omnium')
  return { circuits, time, transitions, probe, write, state }
}

describe('the circuits', () => {
  it('say of a lone failure that it is the record’s own, once a read made for the purpose has succeeded', async () => {
    const { write, probe, state } = setUp()

    const error = await write('acme:1', async () => Promise.reject(down()))

    expect(error).toMatchObject({ code: 'target-failed', outage: false })
    expect(probe.count).toBe(1)
    expect(state()).toBe('closed')
  })

  it('say that the target is down when that read fails too, and let nothing through', async () => {
    const { circuits, write, probe, state } = setUp()
    probe.outcome = () => Promise.reject(down())

    const error = await write('acme:1', async () => Promise.reject(down()))
    let isSent = false
    const refused = await write('acme:2', async () => {
      isSent = true
    })

    expect(error).toMatchObject({ outage: true })
    expect(refused).toMatchObject({ code: 'circuit-open', outage: true })
    expect([state(), isSent]).toEqual(['open', false])
    expect(circuits.admit('acme', 'omnium', 'acme:2')).toMatchObject({ admitted: false })
    expect(circuits.list()).toMatchObject([{ tenant: 'acme', target: 'omnium', state: 'open', cause: 'failing' }])
  })

  it('leave other tenants and the other target alone', async () => {
    const { circuits, write } = setUp()
    await write('acme:1', async () => Promise.reject(failure('target-unreachable')))

    expect(circuits.admit('acme', 'flow', 'acme:1')).toEqual({ admitted: true })
    expect(circuits.admit('other', 'omnium', 'other:1')).toEqual({ admitted: true })
    expect(circuits.state('other', 'omnium')).toBe('closed')
  })

  it('ask the probe once for all that fail together, and once more for what failed later than it began', async () => {
    const { write, probe } = setUp()
    const latch = Promise.withResolvers<void>()
    probe.outcome = () => latch.promise

    const first = write('acme:1', async () => Promise.reject(down()))
    await settle()
    const second = write('acme:2', async () => Promise.reject(down()))
    await settle()
    expect(probe.count).toBe(1)
    latch.resolve()

    expect([await first, await second]).toMatchObject([{ outage: false }, { outage: false }])
    expect(probe.count).toBe(2)
  })

  it('do not make an aborted call wait for the probe', async () => {
    const { write, probe } = setUp()
    probe.outcome = () => new Promise(() => {})
    const abort = new AbortController()

    const failing = write(
      'acme:1',
      async () => Promise.reject(failure('target-reset', { unknownEnd: true })),
      abort.signal,
    )
    await settle()
    abort.abort()

    expect(await failing).toMatchObject({ code: 'target-reset', unknownEnd: true, outage: true })
  })

  it('probe an open circuit by themselves and tell who waits', async () => {
    const { circuits, write, time, transitions } = setUp()
    const heard: string[] = []
    const end = circuits.onChange((tenant, target, state) => heard.push(`${tenant} ${target} ${state}`))
    await write('acme:1', async () => Promise.reject(failure('target-unreachable')))

    await time.advance(60_000)
    end()

    expect(heard).toEqual(['acme omnium open', 'acme omnium closed'])
    expect(transitions.map(({ state, cause }) => [state, cause])).toEqual([
      ['open', 'unreachable'],
      ['closed', null],
    ])
    expect(time.nextAt()).toBeNull()
  })

  it('count what is forbidden for one object as its own failure, once others were served', async () => {
    const { write, time, circuits } = setUp()
    const forbidden = async () => Promise.reject(failure('target-unauthorized', { status: 403 }))

    expect(await write('acme:1', forbidden)).toMatchObject({ code: 'target-unauthorized', outage: true })
    await time.advance(750)
    expect(circuits.admit('acme', 'omnium', 'acme:2')).toEqual({ admitted: true })
    await write('acme:2', async () => {})

    expect(await write('acme:1', forbidden)).toMatchObject({ code: 'target-failed', status: 403, outage: false })
  })

  it('take no note of what was never sent, and of a refusal only that the target is up', async () => {
    const { write, probe, state } = setUp()

    for (const code of ['fenced', 'aborted', 'target-refused'] as const) {
      expect(await write('acme:1', async () => Promise.reject(failure(code)))).toMatchObject({ code, outage: false })
    }
    const bug = await write('acme:1', async () => Promise.reject(new TypeError('bug')))

    expect(bug).toBeInstanceOf(TypeError)
    expect([state(), probe.count]).toEqual(['closed', 0])
  })

  it('stop their probes and timers when closed', async () => {
    const { circuits, write, time } = setUp()
    await write('acme:1', async () => Promise.reject(failure('target-unreachable')))

    circuits.close()

    expect(time.nextAt()).toBeNull()
  })
})

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
