import fc from 'fast-check'
import { afterEach, describe, expect, it, vi } from 'vitest'
import { patience, runs } from '../testing/runs.ts'
import {
  type Arrived,
  arrival,
  carryOut,
  circuit,
  fault,
  passing,
  process,
  rebalance,
  type Step,
} from '../testing/simulation/script.ts'
import { createWorld, PLACES, type World, type WorldOptions } from '../testing/simulation/world.ts'

const read = (world: World) => world.brokers.logs.filter(({ records }) => records.length > 0)
const isCommitted = (world: World) =>
  read(world).every(({ records, committed }) => (committed?.offset ?? 0) > records.at(-1)!.offset)

/** All trouble ends, and time goes on until everything is committed. */
const settle = async (world: World): Promise<void> => {
  for (const calls of Object.values(world.brokers.faults)) calls.length = 0
  for (let place = 0; place < PLACES; place++) world.heal(place)
  if (world.running.length === 0) await world.start(0)
  for (const tenant of ['acme', 'bolt']) world.circuits.become(tenant, 'closed')
  for (let turns = 0; turns < 10_000 && !isCommitted(world); turns++) await world.time.pass(2_000)
  // The outcomes of what was committed at a join follow.
  await world.time.pass(2_000)
}

const expectEnds = (world: World, arrived: readonly Arrived[], isCounted: boolean) => {
  const { letters, endsOf } = world.referee
  const nameOf = (topic: unknown, partition: unknown, offset: unknown) => `${topic}/${partition}/${offset}`
  const parked = new Map(
    letters.map(({ headers, key, value }) => [
      nameOf(headers['dl-topic'], headers['dl-partition'], headers['dl-offset']),
      { key, value },
    ]),
  )
  for (const { record, isPoison } of arrived) {
    const origin = nameOf(record.topic, record.partition, record.offset)
    const ends = endsOf(origin)
    expect(ends.length, origin).toBeGreaterThan(0)
    if (isCounted) expect(ends.filter(({ isAcknowledged }) => isAcknowledged).length, origin).toBeGreaterThan(0)
    const isSuperseded = ends.some(({ end }) => end?.reason === 'superseded')
    if (!isPoison) expect(parked.has(origin), origin).toBe(false)
    else if (!isSuperseded) expect(parked.get(origin), origin).toEqual({ key: record.key, value: record.value })
  }
}

const simulate = async (options: WorldOptions, steps: readonly Step[]): Promise<void> => {
  const world = await createWorld(options)
  const { violations } = world.referee.ledger
  const arrived: Arrived[] = []
  try {
    for (const it of steps) {
      await carryOut(world, it, arrived)
      expect(violations).toEqual([])
    }
    await settle(world)

    expect(violations).toEqual([])
    expect(read(world).map(({ topic, partition, committed }) => [topic, partition, committed?.offset])).toEqual(
      read(world).map(({ topic, partition, end }) => [topic, partition, end]),
    )
    // What was ended right before a join is committed without its outcome, which the end of the process may take along.
    expectEnds(world, arrived, !steps.some((it) => it.do === 'crash' || it.do === 'stop'))
  } finally {
    for (const place of world.running) world.crash(place)
    await world.time.pass(10)
    world.time.end()
  }
}

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
    await fc.assert(fc.asyncProperty(options, steps, simulate), runs(40))
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
              for (const place of world.running) world.crash(place)
              await world.time.pass(10)
              world.time.end()
            }
          },
        ),
        runs(15),
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
    await fc.assert(fc.asyncProperty(options, steps, simulate), runs(80))
  })
})
