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

describe('outages of any kind', () => {
  const outage = fc.record({
    afterMs: fc.integer({ min: 0, max: 30 * SECOND }),
    lastsMs: fc.integer({ min: SECOND, max: 10 * MINUTE }),
    says: fc.constantFrom<Exclude<Says, null>>('failing', 'forbidden', 'unreachable', 'throttled'),
    isOfWrites: fc.boolean(),
  })

  it(
    'let only probes through while the circuit is open, and end with it closed and all keys done',
    patience,
    async () => {
      await fc.assert(
        fc.asyncProperty(
          seeds,
          fc.array(outage, { minLength: 1, maxLength: 2 }),
          gaps(20 * SECOND),
          async (seed, outages, waits) => {
            let endsAt = 0
            const times = outages.map(({ afterMs, lastsMs, ...rest }) => {
              const fromMs = endsAt + afterMs
              endsAt = fromMs + lastsMs
              return { fromMs, toMs: endsAt, ...rest }
            })
            const world = simulateKeys(seed, ({ isWrite, atMs }) => {
              const now = times.find(({ fromMs, toMs }) => atMs >= fromMs && atMs < toMs)
              return now === undefined || (now.isOfWrites && !isWrite) ? null : now.says
            })
            for (const [index, waitMs] of waits.entries()) {
              world.enter(`key${index}`)
              await world.time.advance(waitMs)
            }
            await world.time.advance(Math.max(0, endsAt - world.time.now()) + 2 * MINUTE)

            await expectClosed(world)
            const ends = waits.map((_, index) => world.ends.get(`key${index}`)?.how)
            expect(ends).not.toContain(undefined)
            // An outage of writes alone is taken for the own failure of few records, each time.
            const unsure = outages.filter(({ isOfWrites }) => isOfWrites).length
            expect(ends.filter((how) => how === 'parked').length).toBeLessThanOrEqual(unsure * (MAX_BLAMED + 2))
          },
        ),
        runs(25),
      )
    },
  )

  it('are nothing to other tenants and to the other target', patience, async () => {
    const places = [
      ['acme', 'flow'],
      ['bolt', 'omnium'],
      ['bolt', 'flow'],
    ] as const
    await fc.assert(
      fc.asyncProperty(seeds, outage, gaps(5 * SECOND), async (seed, { says }, waits) => {
        const world = simulateKeys(seed, ({ tenant, target }) =>
          tenant === 'acme' && target === 'omnium' ? says : null,
        )
        for (const [index, waitMs] of waits.entries()) {
          world.enter(`down${index}`)
          for (const [tenant, target] of places) world.enter(`${tenant}${target}${index}`, tenant, target)
          await world.time.advance(waitMs)
        }
        await world.time.advance(SECOND)

        for (const [tenant, target] of places) {
          expect(world.circuits.state(tenant, target)).toBe('closed')
          for (const index of waits.keys()) {
            const end = world.ends.get(`${tenant}${target}${index}`)
            expect(end?.how).toBe('done')
            expect(end?.afterMs).toBeLessThan(SECOND)
          }
        }
        expect([...world.ends.keys()].filter((key) => key.startsWith('down'))).toEqual([])
      }),
      runs(25),
    )
  })
})
