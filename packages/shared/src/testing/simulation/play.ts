import { expect } from 'vitest'
import { type Arrived, carryOut, type Step } from './script.ts'
import { createWorld, PLACES, type World, type WorldOptions } from './world.ts'

const read = (world: World) => world.brokers.logs.filter(({ records }) => records.length > 0)
const isCommitted = (world: World) =>
  read(world).every(
    ({ topic, partition, records, committed }) =>
      committed !== null &&
      !world.brokers.isOfFormerLog({ topic, partition, metadata: committed.metadata }) &&
      committed.offset > records.at(-1)!.offset,
  )

/** All trouble ends, and time goes on until everything is committed. */
const settle = async (world: World): Promise<void> => {
  for (const calls of Object.values(world.brokers.faults)) calls.length = 0
  for (let place = 0; place < PLACES; place++) world.heal(place)
  if (world.running.length === 0) await world.start(0)
  for (const tenant of ['acme', 'bolt']) world.circuits.become(tenant, 'closed')
  let isQuiet = false
  for (let turns = 0; turns < 10_000 && !isQuiet; turns++) {
    const wasCommitted = isCommitted(world)
    // The outcomes of what was committed at a join follow, and the verify records of writes that a rebalance aborted.
    await world.time.pass(2_000)
    isQuiet = wasCommitted && isCommitted(world)
  }
}

const expectEnds = (world: World, arrived: readonly Arrived[], isCounted: boolean) => {
  const { letters, endsOf, ledger } = world.referee
  const nameOf = (topic: unknown, partition: unknown, offset: unknown) => `${topic}/${partition}/${offset}`
  const parked = new Map(
    letters.map(({ headers, key, value }) => [
      nameOf(headers['dl-topic'], headers['dl-partition'], headers['dl-offset']),
      { key, value },
    ]),
  )
  const isInItsLog = ({ record }: Arrived) => world.brokers.log(record.topic, record.partition).records.includes(record)
  for (const { record, isPoison } of arrived.filter(isInItsLog)) {
    const origin = nameOf(record.topic, record.partition, record.offset)
    const ends = endsOf(origin)
    expect(ends.length, origin).toBeGreaterThan(0)
    // A record of the former log may have had the same origin.
    expect(
      ledger.handovers.some((each) => each.record === record && each.end !== null),
      `the end of ${origin}`,
    ).toBe(true)
    if (isCounted) expect(ends.filter(({ isAcknowledged }) => isAcknowledged).length, origin).toBeGreaterThan(0)
    const isSuperseded = ends.some(({ end }) => end?.reason === 'superseded')
    if (!isPoison) expect(parked.has(origin), origin).toBe(false)
    else if (!isSuperseded) expect(parked.get(origin), origin).toEqual({ key: record.key, value: record.value })
  }
}

/** Carries out the steps, ends all trouble, and expects that nothing was done that must not be and that all has ended. */
export const play = async (options: WorldOptions, steps: readonly Step[]): Promise<void> => {
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
    await world.end()
  }
}
