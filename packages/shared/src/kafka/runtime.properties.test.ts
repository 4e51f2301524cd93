import fc from 'fast-check'
import { afterEach, describe, expect, it, vi } from 'vitest'
import { patience, timedRuns } from '../testing/runs.ts'
import { play } from '../testing/simulation/play.ts'
import {
  type Arrived,
  arrival,
  carryOut,
  circuit,
  fault,
  passing,
  process,
  rebalance,
  recreation,
  type Step,
} from '../testing/simulation/script.ts'
import { createWorld } from '../testing/simulation/world.ts'

const script = (...weighted: fc.WeightedArbitrary<Step>[]) =>
  fc.array(fc.oneof(...weighted), { maxLength: 40, size: 'max' })
const options = fc.record({
  seed: fc.nat(1e6),
  maxMetadataLength: fc.constantFrom(4_096, 4_096, 40),
  slowPart: fc.constantFrom(0.1, 0.1, 0.9),
  limits: fc.record({
    maxInFlight: fc.constantFrom(4, 1, 2, 20),
    maxPendingRecords: fc.constantFrom(24, 8, 1_000),
    maxDistance: fc.constantFrom(40, 8, 1_000),
    deferAfterMs: fc.constantFrom(8_000, 1_500, 60_000),
  }),
})

describe('the runtime keeps order and exclusion per key, commits nothing that has not ended, and loses nothing', () => {
  afterEach(() => void vi.useRealTimers())

  it('through failures, outages, rebalances and crashes', patience, async () => {
    const steps = script(
      { weight: 10, arbitrary: arrival },
      { weight: 8, arbitrary: passing(5, 50, 300, 1_000, 4_000, 15_000) },
      { weight: 2, arbitrary: rebalance },
      { weight: 2, arbitrary: circuit },
      { weight: 2, arbitrary: fault },
      { weight: 2, arbitrary: process },
    )
    await fc.assert(fc.asyncProperty(options, steps, play), timedRuns(40))
  })

  it(
    'and wakes all that waits for a circuit when it closes, or one after the other when it is half-open',
    patience,
    async () => {
      const keys = fc.uniqueArray(fc.nat(5), { minLength: 1 })
      await fc.assert(
        fc.asyncProperty(
          fc.nat(1e6),
          keys,
          fc.boolean(),
          fc.integer({ min: 500, max: 2_500 }),
          async (seed, keys, isHalf, ms) => {
            const world = await createWorld({
              seed,
              slowPart: 0,
              limits: { maxPendingRecords: 1_000, maxInFlight: 50 },
            })
            const arrived: Arrived[] = []
            const anArrival = {
              do: 'arrive',
              topic: 'flow.customers.v1',
              tenant: 'acme',
              count: 1,
              group: 'customer',
            } as const
            const fate = { tries: [], always: 'ok', kind: 'fine', gap: 0 } as const
            try {
              world.circuits.become('acme', 'open')
              for (const key of keys) await carryOut(world, { ...anArrival, ...fate, key }, arrived)
              await world.time.pass(ms)
              expect(world.referee.ledger.handovers.filter(({ end }) => end !== null)).toEqual([])

              world.circuits.become('acme', isHalf ? 'half-open' : 'closed')
              // Each key takes less than half a second; who is not woken asks after five.
              await world.time.pass(isHalf ? 500 * keys.length : 500)

              expect(world.referee.ledger.handovers.map(({ end }) => end?.outcome)).toEqual(keys.map(() => 'done'))
            } finally {
              await world.end()
            }
          },
        ),
        timedRuns(15),
      )
    },
  )

  it('while partitions go to and fro and processes come and go', patience, async () => {
    const steps = script(
      { weight: 6, arbitrary: arrival },
      { weight: 8, arbitrary: passing(5, 50, 300, 1_000, 3_000, 5_000) },
      { weight: 6, arbitrary: rebalance },
      { weight: 4, arbitrary: process },
    )
    await fc.assert(fc.asyncProperty(options, steps, play), timedRuns(80))
  })

  it('while topics are deleted and created again, and their new logs are longer or shorter', patience, async () => {
    // Two logs have records of the same origin, of which the end must be the same.
    const plain = arrival.map((it) => ({ ...it, kind: 'fine', tries: [] }) as Step)
    // A member that could not look up the owners claims only what it has read. Kafka deletes such a claim with the topic.
    const noLookUp = fault.filter((it) => it.do === 'fault' && it.call !== 'look-up')
    const steps = script(
      { weight: 8, arbitrary: plain },
      { weight: 8, arbitrary: passing(5, 50, 300, 1_000, 3_000, 5_000) },
      { weight: 2, arbitrary: recreation },
      { weight: 3, arbitrary: rebalance },
      { weight: 1, arbitrary: noLookUp },
      { weight: 2, arbitrary: process },
    )
    const roomy = options.map((each) => ({ ...each, maxMetadataLength: 4_096, hasReadLane: true }))
    await fc.assert(fc.asyncProperty(roomy, steps, play), timedRuns(25))
  })
})
