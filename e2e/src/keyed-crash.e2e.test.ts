import { setTimeout as delay } from 'node:timers/promises'
import { afterEach, describe, expect, it } from 'vitest'
import { eventually } from './eventually.ts'
import { outOfOrder, overlaps, repeats, turns, wentBack } from './keyed-check.ts'
import { type KeyedWorld, startKeyedWorld, TENANT } from './keyed-world.ts'
import { newSeed, seeded } from './seeded.ts'
import type { ServiceProcess } from './service-process.ts'

let world: KeyedWorld
afterEach(() => world?.stop())

const KEYS = Array.from({ length: 60 }, (_, i) => `key-${i}`)
const SLOW = Array.from({ length: 20 }, (_, i) => `slow-${i}`)
const kept = { wentBack: [], outOfOrder: [], overlaps: [] }
const broken = () => {
  const { calls } = world.sink
  return { wentBack: wentBack(calls, world.load.partitionOf), outOfOrder: outOfOrder(calls), overlaps: overlaps(calls) }
}
const ownerOf = (partition: number) => {
  const last = world.sink.calls.findLast((call) => world.load.partitionOf(TENANT, call.key) === partition)
  return last?.pid
}
const partitionsOf = (pid: number) =>
  Array.from({ length: world.partitions }, (_, i) => i).filter((partition) => ownerOf(partition) === pid)

describe('members that are killed at random moments and come back under their name', () => {
  it('lose nothing, keep the order of every key, and repeat a record once for each crash at most', async () => {
    const seed = newSeed()
    const random = seeded(seed)
    world = await startKeyedWorld({ file: 'keyed-crash' })
    const { sink, load } = world
    sink.behave(({ key }) => ({ latencyMs: key?.startsWith('slow') ? 1_500 : 5 + random() * 40 }))
    const members = new Map<string, ServiceProcess>()
    for (const name of ['a', 'b', 'c']) members.set(name, await world.join(name))
    const flow = load.flow({ tenant: TENANT, keys: KEYS, seed })
    await eventually('effects of all three', () => new Set(sink.calls.map(({ pid }) => pid)).size === 3)

    // One of each is under way and two wait for it, while what comes after them ends and is looked at for a commit.
    for (let round = 0; round < 3; round++) await load.write(TENANT, SLOW)
    const slowOnes = () => new Set(sink.calls.map(({ key }) => key).filter((key) => key.startsWith('slow'))).size
    await eventually('the slow ones under way', () => slowOnes() >= SLOW.length)

    const kills: number[] = []
    for (let i = 0; i < 3; i++) {
      // The first time there has been a commit since.
      await delay((i === 0 ? 1_050 : 0) + random() * (i === 0 ? 300 : 1_500))
      const name = [...members.keys()][Math.floor(random() * members.size)]!
      kills.push(performance.now())
      expect(await world.leave(members.get(name)!, 'SIGKILL')).toBe('SIGKILL')
      members.set(name, await world.join(name))
    }
    await flow.stop()
    await world.untilApplied()
    await world.untilCommitted()

    const again = repeats(sink.calls)
    const settledMs = Math.round(sink.calls.at(-1)!.arrivedAt - kills.at(-1)!)
    console.log(
      `killing: ${load.written.length} records, ${again.length} repeated, all done ${settledMs} ms after the last`,
    )
    expect({ seed, ...broken() }).toEqual({ seed, ...kept })
    // A crash, and the join of who comes back.
    expect({ seed, tooOften: again.filter((each) => each.length > 1 + 2 * kills.length) }).toEqual({
      seed,
      tooOften: [],
    })
    const owners = [...turns(sink.calls, load.partitionOf).values()]
    expect({ seed, tooMany: owners.filter((each) => each.length > 1 + 2 * kills.length) }).toEqual({
      seed,
      tooMany: [],
    })
    expect(await world.parked()).toEqual([])
  })
})

describe('a member that is frozen', () => {
  it('for longer than its session, sends nothing of what is no longer its own once it wakes up', async () => {
    const seed = newSeed()
    const random = seeded(seed)
    world = await startKeyedWorld({ file: 'keyed-frozen', requestsPerSecond: 100 })
    const { sink, load } = world
    sink.behave(() => ({ latencyMs: 20 }))
    const a = await world.join('a')
    const b = await world.join('b')
    const flow = load.flow({ tenant: TENANT, keys: KEYS, seed, perTick: 1, tickMs: 50 })
    await eventually('effects of both', () => partitionsOf(a.pid).length > 0 && partitionsOf(b.pid).length > 0)
    const lostByFreezing = partitionsOf(b.pid)
    // More than their rate allows: many requests of b wait for their turn, which comes the moment it wakes up.
    for (let round = 0; round < 6; round++) await load.write(TENANT, KEYS)
    const before = sink.calls.length
    await eventually('some more effects', () => sink.calls.slice(before).filter(({ pid }) => pid === b.pid).length > 20)

    b.signal('SIGSTOP')
    const frozenAt = performance.now()
    await eventually('the other one taking over', () =>
      lostByFreezing.every((partition) => ownerOf(partition) === a.pid),
    )
    const tookOverMs = Math.round(performance.now() - frozenAt)
    await flow.stop()
    await world.untilApplied()
    await world.untilCommitted()
    const done = load.newest(TENANT)
    const calls = sink.calls.length
    b.signal('SIGCONT')
    await eventually('effects of both again', async () => {
      // One at a time, well within their rate.
      await load.write(TENANT, [KEYS[Math.floor(random() * KEYS.length)]!])
      return partitionsOf(b.pid).length > 0
    })
    await world.untilApplied()
    await world.untilCommitted()

    const notItsOwn = sink.calls.slice(calls).filter(({ pid, key, n }) => pid === b.pid && n <= (done.get(key) ?? 0))
    console.log(`freezing: taken over after ${tookOverMs} ms, ${repeats(sink.calls).length} records repeated`)
    expect({ seed, notItsOwn }).toEqual({ seed, notItsOwn: [] })
    expect({ seed, ...broken() }).toEqual({ seed, ...kept })
    const owners = turns(sink.calls, load.partitionOf)
    for (const partition of lostByFreezing) {
      const pids = owners.get(partition)!.map(({ pid }) => pid)
      expect([
        [b.pid, a.pid],
        [b.pid, a.pid, b.pid],
      ]).toContainEqual(pids)
    }
  })

  it('for less than its session, keeps what it has, and nothing but what was under way is repeated', async () => {
    const seed = newSeed()
    world = await startKeyedWorld({ file: 'keyed-nap', env: { KAFKA_SESSION_TIMEOUT_MS: '12000' } })
    const { sink, load } = world
    sink.behave(() => ({ latencyMs: 10 }))
    await world.join('a')
    const b = await world.join('b')
    const flow = load.flow({ tenant: TENANT, keys: KEYS, seed })
    await eventually('effects of both', () => new Set(sink.calls.map(({ pid }) => pid)).size === 2)

    b.signal('SIGSTOP')
    // The fence is closed by then, and the session not over.
    await delay(9_000)
    const underWay = new Set(KEYS.map((key) => sink.calls.findLast((call) => call.key === key)))
    b.signal('SIGCONT')
    const wokenAt = performance.now()
    await eventually('effects of it', () =>
      sink.calls.some(({ pid, arrivedAt }) => pid === b.pid && arrivedAt > wokenAt),
    )
    const againMs = Math.round(
      sink.calls.find(({ pid, arrivedAt }) => pid === b.pid && arrivedAt > wokenAt)!.arrivedAt - wokenAt,
    )
    await flow.stop()
    await world.untilApplied()
    await world.untilCommitted()

    const again = repeats(sink.calls)
    console.log(`a nap: ${again.length} records repeated, sending again ${againMs} ms after it`)
    expect({ seed, ...broken(), overlaps: [] }).toEqual({ seed, ...kept })
    expect([...turns(sink.calls, load.partitionOf).values()].filter((owners) => owners.length > 1)).toEqual([])
    // A rebalance before the nap may have repeated some.
    const afterIt = again.filter((each) => each.at(-1)!.arrivedAt > wokenAt)
    expect(afterIt.filter((each) => !underWay.has(each.at(-2)))).toEqual([])
  })
})
