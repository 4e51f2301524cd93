import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { patience, runs } from '../testing/runs.ts'
import { expectClosed, type Says, simulateKeys } from '../testing/simulation/keys-and-circuits.ts'
import { MAX_BLAMED } from './circuit.ts'

const SECOND = 1_000
const MINUTE = 60 * SECOND
const seeds = fc.nat(1e6)
/** Times (ms) between one key's coming and the next one's. */
const gaps = (most: number) => fc.array(fc.integer({ min: 0, max: most }), { minLength: 1, maxLength: 25, size: 'max' })
/** No others at all, or some. */
const perhaps = (some: fc.Arbitrary<number[]>) => fc.oneof(fc.constant<number[]>([]), some)

describe('poison records', () => {
  const poison = fc.record({
    says: fc.constantFrom<Says>('failing', 'forbidden'),
    of: fc.constantFrom('reads', 'writes', 'both'),
  })
  const simulate = async (seed: number, bad: readonly { says: Says; of: string }[], waits: readonly number[]) => {
    const world = simulateKeys(seed, ({ key, isWrite }) => {
      const { says = null, of } = bad[Number(key.slice('poison'.length))] ?? {}
      if (!key.startsWith('poison')) return null
      return of === 'both' || (of === 'writes') === isWrite ? says : null
    })
    for (const index of bad.keys()) world.enter(`poison${index}`)
    for (const [index, waitMs] of waits.entries()) {
      await world.time.advance(waitMs)
      world.enter(`good${index}`)
    }
    await world.time.advance(5 * MINUTE)
    const good = waits.map((_, index) => world.ends.get(`good${index}`))
    expect(good.map((end) => end?.how)).toEqual(good.map(() => 'done'))
    expect(bad.map((_, index) => world.ends.get(`poison${index}`)?.how)).toEqual(bad.map(() => 'parked'))
    await expectClosed(world)
    return Math.max(0, ...good.map((end) => end!.afterMs))
  }

  it(
    'that are few never stop the tenant for long: the good ones are done soon, the poison is parked',
    patience,
    async () => {
      const few = fc.array(poison, { minLength: 1, maxLength: 2 })
      await fc.assert(
        fc.asyncProperty(seeds, few, gaps(5 * SECOND), async (seed, bad, waits) => {
          expect(await simulate(seed, bad, waits)).toBeLessThan(10 * SECOND)
        }),
        runs(15),
      )
    },
  )

  it(
    'that are several, and alone in the end, are parked too, and the good ones are done before long',
    patience,
    async () => {
      const several = fc.array(poison, { minLength: 3, maxLength: MAX_BLAMED })
      await fc.assert(
        fc.asyncProperty(seeds, several, perhaps(gaps(5 * SECOND)), async (seed, bad, waits) => {
          expect(await simulate(seed, bad, waits)).toBeLessThan(20 * SECOND)
        }),
        runs(15),
      )
    },
  )
})
