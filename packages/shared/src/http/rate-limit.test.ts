import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { createManualTime, settle } from '../testing/manual-time.ts'
import { createRateLimiter } from './rate-limit.ts'
import type { Slot } from './slot.ts'

const never = new AbortController().signal

const aLimiter = ({ requestsPerSecond = 10, maxInFlight = 100 } = {}) => {
  const time = createManualTime()
  const limiter = createRateLimiter({ requestsPerSecond, maxInFlight, now: time.now, schedule: time.schedule })
  const startedAt = time.now()
  /** What got its turn: its name, and after how many ms. */
  const turns: { name: string; atMs: number; slot: Slot }[] = []
  const ask = (name: string, signal = never) =>
    limiter.acquire({ tokens: 1, signal }).then((slot) => void turns.push({ name, atMs: time.now() - startedAt, slot }))
  return { limiter, time, turns, ask, names: () => turns.map(({ name }) => name).join('') }
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
    const aborted = ask('c', abort.signal).catch(() => 'aborted')
    void ask('d')

    abort.abort()

    expect(await aborted).toBe('aborted')
    await time.advance(1_000)
    expect(names()).toBe('abd')
    await expect(ask('e', abort.signal)).rejects.toThrow()
  })

  it('gives the turn of a request that was not sent to the next one', async () => {
    const { ask, turns, names } = aLimiter({ requestsPerSecond: 1 })
    for (const name of 'abc') void ask(name)
    await settle()

    turns[1]?.slot.release()
    await settle()

    expect(names()).toBe('abc')
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

  it('slows down once for all that was under way when a 429 came, and is back at its rate within a minute', async () => {
    const { ask, limiter, turns, time } = aLimiter({ requestsPerSecond: 10 })
    const sentAt = time.now()
    await time.advance(10)
    limiter.throttled(sentAt)
    limiter.throttled(sentAt)

    for (const name of 'abc') void ask(name)
    await time.advance(1_000)
    const slow = turns.map(({ atMs }) => atMs)
    await time.advance(60_000)
    turns.length = 0
    const from = time.now()
    for (const name of 'abcdefg') void ask(name)
    await time.advance(1_000)

    // Half of ten a second, and a little more with each second that passes.
    expect(slow[0]).toBeGreaterThan(200)
    expect((slow[2] ?? 0) - (slow[1] ?? 0)).toBeGreaterThan(180)
    expect(turns).toHaveLength(7)
    expect(time.now() - from).toBe(1_000)
  })

  it('takes a new limit at once, and holds back without stranding at none', async () => {
    const { ask, limiter, turns, time, names } = aLimiter({ requestsPerSecond: 1 })
    for (const name of 'abcd') void ask(name)
    await settle()

    limiter.configure({ requestsPerSecond: 0, maxInFlight: 100 })
    await time.advance(5_000)
    expect(names()).toBe('ab')
    limiter.configure({ requestsPerSecond: 100, maxInFlight: 100 })
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
