import { describe, expect, it } from 'vitest'
import { classifyFailure, type ErrorCode, SyncError } from '../errors.ts'
import { aCall, aTenant } from '../testing/builders.ts'
import { createManualTime, settle } from '../testing/manual-time.ts'
import { type CircuitStatus, createCircuits } from './circuits.ts'

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
  /** Three keys fail, and so does the probe. */
  const open = async (fail = down) => {
    probe.outcome = () => Promise.reject(fail())
    for (const key of ['acme:a', 'acme:b', 'acme:c']) await write(key, async () => Promise.reject(fail()))
    expect(state()).toBe('open')
  }
  return { circuits, time, transitions, probe, write, state, open }
}

const throttled = () => failure('target-throttled', { status: 429, retryAfterMs: 7_000 })

describe('the circuits', () => {
  it('stay closed whatever is answered 429, and blame no key for it', async () => {
    const { write, probe, state } = setUp()

    const errors = await Promise.all(
      Array.from({ length: 50 }, (_, i) => write(`acme:${i}`, async () => Promise.reject(throttled()))),
    )

    expect(errors.map((error) => classifyFailure(error))).toEqual(errors.map(() => 'outage'))
    expect([state(), probe.count]).toEqual(['closed', 0])
  })

  it('stay closed when the probe of a doubtful failure is answered 429, and count no attempt', async () => {
    const { write, probe, state } = setUp()
    probe.outcome = () => Promise.reject(throttled())

    const error = await write('acme:1', async () => Promise.reject(down()))

    expect(error).toMatchObject({ code: 'target-failed', outage: true })
    expect([state(), probe.count]).toEqual(['closed', 1])
  })

  it('stay open for their own cause when a probe is answered 429, until its Retry-After', async () => {
    const { circuits, time, probe, state, open } = setUp()
    await open()
    probe.outcome = () => Promise.reject(throttled())

    await time.advance(1_000)
    expect(circuits.list()).toMatchObject([{ state: 'open', cause: 'failing' }])
    const probes = probe.count
    probe.outcome = async () => {}
    await time.advance(6_000)
    expect(probe.count).toBe(probes)
    await time.advance(2_000)

    expect(state()).toBe('half-open')
  })

  it('say of a lone failure that it is the record’s own, once a read made for the purpose has succeeded', async () => {
    const { write, probe, state } = setUp()

    const error = await write('acme:1', async () => Promise.reject(down()))

    expect(error).toMatchObject({ code: 'target-failed', outage: false })
    expect(probe.count).toBe(1)
    expect(state()).toBe('closed')
  })

  it('do not say of a write that was given up early that its failure is the record’s own', async () => {
    const { write } = setUp()

    const error = await write('acme:1', async () => {
      throw Object.assign(failure('target-timeout', { unknownEnd: true }), { isGivenUp: true })
    })

    expect(error).toMatchObject({ code: 'target-timeout', outage: true, brownout: true })
  })

  it('say that the target is down when that read fails too, and let nothing through once several keys have failed', async () => {
    const { circuits, write, state, open } = setUp()
    await open()

    const error = await write('acme:1', async () => Promise.reject(down()))
    let isSent = false
    const refused = await write('acme:2', async () => {
      isSent = true
    })

    expect(error).toMatchObject({ code: 'circuit-open', outage: true })
    expect(refused).toMatchObject({ code: 'circuit-open', outage: true })
    expect([state(), isSent]).toEqual(['open', false])
    expect(circuits.admit('acme', 'omnium', 'acme:2')).toMatchObject({ admitted: false })
    expect(circuits.list()).toMatchObject([{ tenant: 'acme', target: 'omnium', state: 'open', cause: 'failing' }])
  })

  it('leave other tenants and the other target alone', async () => {
    const { circuits, open } = setUp()
    await open()

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

    expect([await first, await second]).toMatchObject([{ brownout: true }, { brownout: true }])
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
    const { circuits, time, transitions, probe, write, open } = setUp()
    const heard: string[] = []
    const end = circuits.onChange((tenant, target, state) => heard.push(`${tenant} ${target} ${state}`))
    await open(() => failure('target-unreachable'))
    probe.outcome = async () => {}

    await time.advance(2_000)
    await write('acme:1', async () => {})
    await time.advance(60_000)
    end()

    expect(new Set(heard)).toEqual(new Set(['acme omnium open', 'acme omnium half-open', 'acme omnium closed']))
    expect(transitions.map(({ state, cause }) => [state, cause])).toEqual([
      ['open', 'unreachable'],
      ['half-open', 'unreachable'],
      ['closed', null],
    ])
    expect(time.nextAt()).toBeNull()
  })

  it.each([401, 403])('count what is answered %s for one object alone as its own failure', async (status) => {
    const { write, state } = setUp()
    const refused = async () => Promise.reject(failure('target-unauthorized', { status }))

    for (let i = 0; i < 30; i++) {
      expect(await write('acme:1', refused)).toMatchObject({ code: 'target-failed', status, outage: false })
      expect(await write('acme:2', async () => {})).toBe('ok')
    }

    expect(state()).toBe('closed')
  })

  it('send a read again at once in a brownout, and a write not', async () => {
    const { circuits, write } = setUp()
    for (const key of ['acme:a', 'acme:b']) await write(key, async () => Promise.reject(down()))
    const sent = { reads: 0, writes: 0 }
    const read = circuits.guard(aCall({ tenant: TENANT, key: 'acme:1' }), 'omnium', false, async () => {
      sent.reads++
      if (sent.reads < 3) throw down()
      return 'found'
    })
    await expect(read).resolves.toBe('found')

    const failed = await write('acme:1', async () => {
      sent.writes++
      throw down()
    })

    expect(failed).toMatchObject({ brownout: true })
    expect(sent).toEqual({ reads: 3, writes: 1 })
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
    const { circuits, time, open } = setUp()
    await open()

    circuits.close()

    expect(time.nextAt()).toBeNull()
  })
})
