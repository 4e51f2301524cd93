import { describe, expect, it } from 'vitest'
import { type BrownoutRun, type Failure, simulateBrownout } from '../testing/simulation/brownout.ts'

const KEYS = 200
const SEEDS = [1, 2, 3, 4]
const DEADLINE_MS = 5_000
const FAILURES: readonly (readonly Failure[])[] = [
  ['status-500'],
  ['broken'],
  ['timeout'],
  ['lost'],
  ['status-500', 'broken', 'timeout', 'lost'],
]
const failing =
  (share: number, kinds: readonly Failure[]) =>
  (random: () => number): Failure | null =>
    random() < share ? kinds[Math.floor(random() * kinds.length)]! : null

/** The mean time of a backlog, as a multiple of the time that it takes with a healthy target. Simulated time. */
const slowdown = async (share: number, kinds: readonly Failure[]): Promise<number> => {
  let [healthyMs, took] = [0, 0]
  for (const seed of SEEDS) {
    healthyMs += await simulateBrownout({ seed, keys: KEYS, ends: () => null }).finish()
    const run = simulateBrownout({ seed, keys: KEYS, ends: failing(share, kinds) })
    took += await run.finish()
    expect([...run.parked]).toEqual([])
    expect(run.done.size).toBe(KEYS)
  }
  return took / healthyMs
}
const sentBetween = ({ requests }: BrownoutRun, fromMs: number, toMs: number) =>
  requests.filter(({ key, atMs }) => key !== 'sync-probe' && atMs > fromMs && atMs <= toMs).length

describe('a target that fails at random', { timeout: 120_000 }, () => {
  it.each(FAILURES.map((kinds) => [kinds]))(
    'in 20 %% of the requests makes a backlog take at most twice as long: %j',
    async (kinds) => {
      expect(await slowdown(0.2, kinds)).toBeLessThanOrEqual(2)
    },
  )

  it.each(FAILURES.map((kinds) => [kinds]))('in 40 %% makes it take at most four times as long: %j', async (kinds) => {
    expect(await slowdown(0.4, kinds)).toBeLessThanOrEqual(4)
  })

  it.each([1, 2])('parks no record, even with %i attempts in all', async (maxAttempts) => {
    const ends = failing(0.4, FAILURES.at(-1)!)
    const run = simulateBrownout({ seed: 1, keys: 100, maxAttempts, ends })
    await run.finish()

    expect([...run.parked]).toEqual([])
  })
})

describe('other failures', { timeout: 60_000 }, () => {
  it('of an outage stop all requests within two seconds, park nothing, and end with everything done', async () => {
    for (const kind of ['status-500', 'broken'] as const) {
      for (const maxAttempts of [1, 3]) {
        const isDown = (atMs: number) => atMs >= 1_000 && atMs < 60_000
        const ends = (_random: () => number, atMs: number) => (isDown(atMs) ? kind : null)
        const run = simulateBrownout({ seed: 7, keys: KEYS, maxAttempts, ends })
        await run.time.advance(59_000)
        expect(sentBetween(run, 3_000, 60_000)).toBe(0)

        await run.finish()

        expect([...run.parked]).toEqual([])
        expect(run.done.size).toBe(KEYS)
      }
    }
  })

  it('of one record’s own park it, beside others and in a brownout that has lasted for an hour', async () => {
    for (const share of [0, 0.05]) {
      const brownout = failing(share, ['status-500'])
      const run = simulateBrownout({
        ...{ seed: 3, keys: 100 },
        ends: (random, _atMs, key, isWrite) => (key === 'key50' && isWrite ? 'status-500' : brownout(random)),
      })
      await run.finish(2 * 3_600_000)

      expect([...run.parked]).toEqual(['key50'])
      expect(run.done.size).toBe(99)
    }
  })

  it('of fifteen creates that lose their first replies are over within ten seconds', async () => {
    const lost = new Set<string>()
    const ends = (_random: () => number, _atMs: number, key: string, isWrite: boolean) => {
      if (!isWrite || lost.has(key)) return null
      lost.add(key)
      return 'lost' as const
    }
    const run = simulateBrownout({ seed: 5, keys: 15, deadlineMs: DEADLINE_MS, ends })

    expect(await run.finish()).toBeLessThan(10_000)
    expect(run.done.size).toBe(15)
  })
})
