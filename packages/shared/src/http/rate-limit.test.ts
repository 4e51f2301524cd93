import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { createManualTime, settle } from '../testing/manual-time.ts'
import { createRateLimiter } from './rate-limit.ts'
import type { Slot } from './slot.ts'
import { shareSlots } from './slot-share.ts'

const never = new AbortController().signal

const aLimiter = ({ requestsPerSecond = 10, maxInFlight = 100, own = [0], all = 1 } = {}) => {
  const time = createManualTime()
  const limitOf = (rate: number) => ({
    requestsPerSecond: rate,
    slots: shareSlots({ slots: maxInFlight, before: 0, own, all }),
  })
  const limiter = createRateLimiter({
    ...limitOf(requestsPerSecond),
    ...{ now: time.now, schedule: time.schedule, random: () => 0.5 },
    pausedError: (retryAfterMs) => new Error(`paused for ${retryAfterMs} ms`),
  })
  const startedAt = time.now()
  /** What got its turn: its name, and after how many ms. */
  const turns: { name: string; atMs: number; slot: Slot }[] = []
  const ask = (name: string, { signal = never, isRetryTopic = false, takesMs = -1 } = {}) =>
    limiter.acquire({ tokens: 1, signal, isRetryTopic }).then(async (slot) => {
      turns.push({ name, atMs: time.now() - startedAt, slot })
      const turn = await slot.enter(signal)
      const end = () => {
        turn.end()
        slot.release()
      }
      if (takesMs >= 0) time.schedule(end, takesMs)
      else turn.end()
    })
  const refuse = (sentAtMs = time.now(), retryAfterMs = 2_000) =>
    limiter.answered({ sentAtMs, nowMs: time.now(), isThrottled: true, retryAfterMs })
  const configure = (rate: number) => limiter.configure(limitOf(rate))
  return { limiter, time, turns, ask, refuse, configure, names: () => turns.map(({ name }) => name).join('') }
}

describe('the rate limiter', () => {
  it('lets a record at rest read and write without a wait', async () => {
    const { ask, names } = aLimiter({ requestsPerSecond: 1 })

    void ask('a')
    void ask('b')
    void ask('c')
    await settle()

    expect(names()).toBe('ab')
  })

  it('is first come, first served, at its rate', async () => {
    const { ask, turns, time } = aLimiter({ requestsPerSecond: 10 })

    for (const name of 'abcdef') void ask(name)
    await time.advance(1_000)

    expect(turns.map(({ name, atMs }) => `${name}${atMs}`)).toEqual(['a0', 'b0', 'c50', 'd150', 'e250', 'f350'])
  })

  it('has no more in flight than it may', async () => {
    const { ask, turns, names } = aLimiter({ requestsPerSecond: 1_000, maxInFlight: 2 })
    for (const name of 'abc') void ask(name)
    await settle()
    expect(names()).toBe('ab')

    turns[0]?.slot.release()
    turns[0]?.slot.release()
    await settle()

    expect(names()).toBe('abc')
  })

  it('forgets those that are aborted while they wait', async () => {
    const { ask, names, time } = aLimiter({ requestsPerSecond: 1 })
    const abort = new AbortController()
    void ask('a')
    void ask('b')
    const aborted = ask('c', { signal: abort.signal }).catch(() => 'aborted')
    void ask('d')

    abort.abort()

    expect(await aborted).toBe('aborted')
    await time.advance(1_000)
    expect(names()).toBe('abd')
    await expect(ask('e', { signal: abort.signal })).rejects.toThrow()
  })

  it('makes those that wait pay for what does not', async () => {
    const { ask, limiter, turns, time } = aLimiter({ requestsPerSecond: 10 })
    limiter.debit()
    limiter.debit()
    limiter.debit()

    void ask('a')
    await time.advance(1_000)

    expect(turns[0]?.atMs).toBe(150)
  })

  it('lets less be in use at once after a 429, and more with every second in which that is not enough', async () => {
    const { ask, refuse, time, turns } = aLimiter({ requestsPerSecond: 10_000, maxInFlight: 8 })
    const inUse = () => turns.filter(({ atMs }) => atMs === time.now() - startedAt).length
    const startedAt = time.now()
    refuse()
    for (let i = 0; i < 60; i++) void ask('x', { takesMs: 1_000 })
    await time.advance(0)
    const counts = [inUse()]
    for (let i = 0; i < 5; i++) {
      await time.advance(1_000)
      counts.push(inUse())
    }

    expect(counts).toEqual([4, 5, 6, 7, 8, 8])
  })

  it('sends nothing while most answers are 429, and fails what waits so that it occupies no handler', async () => {
    const { ask, refuse, time, names } = aLimiter({ maxInFlight: 1 })
    void ask('a')
    const waiting = Promise.allSettled([ask('b'), ask('c', { isRetryTopic: true })])
    await settle()

    for (let i = 0; i < 3; i++) refuse()
    const asked = ask('d')

    expect(await waiting).toMatchObject([
      { reason: new Error('paused for 2500 ms') },
      { reason: new Error('paused for 2500 ms') },
    ])
    await expect(asked).rejects.toThrow('paused for 2500 ms')
    await time.advance(1_000)
    await expect(ask('e')).rejects.toThrow('paused for 1250 ms')
    expect(names()).toBe('a')
  })

  it('sends nothing in a slot that is held through a pause', async () => {
    const { limiter, refuse, time } = aLimiter()
    const slot = await limiter.acquire({ tokens: 2, isRetryTopic: false, signal: never })

    for (let i = 0; i < 3; i++) refuse()

    await expect(slot.enter(never)).rejects.toThrow('paused')
    await time.advance(2_000)
    await expect(slot.enter(never)).resolves.toBeDefined()
  })

  it('uses one slot a quarter of the time when that is its part, and pays for a request that ran over', async () => {
    const { ask, turns, time } = aLimiter({ requestsPerSecond: 1_000, maxInFlight: 1, own: [0, 1, 2], all: 12 })
    for (let i = 0; i < 100; i++) void ask('x', { takesMs: 100 })
    await time.advance(20_000)
    const quick = turns.length
    const { ask: askSlow, turns: slow, time: slowTime } = aLimiter({ maxInFlight: 1, own: [0, 1, 2], all: 12 })
    for (let i = 0; i < 20; i++) void askSlow('x', { takesMs: 2_000 })
    await slowTime.advance(80_000)

    // A quarter of 20 s for requests of 100 ms, and of 80 s for requests of 2 s.
    expect(quick).toBeGreaterThanOrEqual(40)
    expect(quick).toBeLessThanOrEqual(52)
    expect(slow.length).toBeGreaterThanOrEqual(9)
    expect(slow.length).toBeLessThanOrEqual(11)
  })

  it('takes a new limit at once, and holds back without stranding at none', async () => {
    const { ask, configure, turns, time, names } = aLimiter({ requestsPerSecond: 1 })
    for (const name of 'abcd') void ask(name)
    await settle()

    configure(0)
    await time.advance(5_000)
    expect(names()).toBe('ab')
    configure(100)
    await time.advance(20)

    expect(names()).toBe('abcd')
    expect(turns[3]?.atMs).toBeLessThan(5_021)
  })

  it('never sends more in any second than its rate and its burst', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.integer({ min: 1, max: 60 }),
        fc.array(fc.integer({ min: 0, max: 400 }), { maxLength: 60 }),
        async (requestsPerSecond, gaps) => {
          const { ask, turns, time } = aLimiter({ requestsPerSecond, maxInFlight: 1_000 })
          for (const gap of gaps) {
            void ask('x')
            await time.advance(gap)
          }
          await time.advance(120_000)

          const most = requestsPerSecond + Math.max(2, requestsPerSecond / 4)
          for (const { atMs } of turns) {
            const within = turns.filter((other) => other.atMs >= atMs && other.atMs < atMs + 1_000)
            expect(within.length).toBeLessThanOrEqual(Math.ceil(most))
          }
          expect(turns).toHaveLength(gaps.length)
        },
      ),
      { numRuns: 25 },
    )
  })
})

describe('live work and work from the retry topic', () => {
  it.each([
    [16, 14],
    [3, 1],
    [2, 1],
    [1, 1],
  ])('of %d slots the retry topic uses %d at most', async (maxInFlight, expected) => {
    const { ask, names, time } = aLimiter({ requestsPerSecond: 10_000, maxInFlight })

    for (let i = 0; i < 40; i++) void ask('r', { isRetryTopic: true })
    await time.advance(1_000)

    expect(names()).toBe('r'.repeat(expected))
  })

  it('live work comes first, and each is first come, first served', async () => {
    const { ask, turns, time } = aLimiter({ requestsPerSecond: 1_000, maxInFlight: 1 })
    const asked: string[] = []
    for (let i = 0; i < 4; i++) {
      for (const kind of ['r', 'l']) {
        asked.push(`${kind}${i}`)
        void ask(`${kind}${i}`, { isRetryTopic: kind === 'r', takesMs: 10 })
      }
    }
    await time.advance(1_000)

    expect(turns.map(({ name }) => name)).toEqual(['r0', 'l0', 'l1', 'l2', 'l3', 'r1', 'r2', 'r3'])
  })

  it.each([1, 2, 3, 16])('neither waits for ever beside the other, with %d slots', async (maxInFlight) => {
    const { ask, turns, time } = aLimiter({ requestsPerSecond: 10_000, maxInFlight })
    const crowd = (name: string, isRetryTopic: boolean) => {
      const again = (): void => void ask(name, { isRetryTopic, takesMs: 10 }).then(() => time.schedule(again, 10))
      for (let i = 0; i < 2 * maxInFlight; i++) again()
    }
    crowd('l', false)
    crowd('r', true)
    await time.advance(2_000)

    const retried = turns.filter(({ name }) => name === 'r').length / turns.length
    expect(retried).toBeGreaterThan(0.05)
    expect(retried).toBeLessThan(0.5)
  })

  it('live work waits for one request at most while the retry topic has a backlog', async () => {
    const { ask, turns, time } = aLimiter({ requestsPerSecond: 10_000, maxInFlight: 4 })
    for (let i = 0; i < 500; i++) void ask('r', { isRetryTopic: true, takesMs: 100 })
    await time.advance(1_050)
    const askedAtMs = 1_050

    void ask('l', { takesMs: 100 })
    void ask('m', { takesMs: 100 })
    await time.advance(1_000)

    const waits = turns.filter(({ name }) => name !== 'r').map(({ atMs }) => atMs - askedAtMs)
    expect(waits).toEqual([0, 0])
  })
})
