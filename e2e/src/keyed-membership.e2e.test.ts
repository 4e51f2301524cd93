import { afterEach, describe, expect, it } from 'vitest'
import { eventually } from './eventually.ts'
import { lost, outOfOrder, overlaps, repeats, turns, wentBack } from './keyed-check.ts'
import { type KeyedWorld, startKeyedWorld, TENANT } from './keyed-world.ts'
import { newSeed, seeded } from './seeded.ts'

let world: KeyedWorld
afterEach(() => world?.stop())

const keysOf = (count: number, name = 'key') => Array.from({ length: count }, (_, i) => `${name}-${i}`)
const countOf = (text: string, part: string) => text.split(part).length - 1

describe('members that join and leave under load', () => {
  it('lose nothing, keep the order of every key, and settle at once after a leave in good order', async () => {
    const seed = newSeed()
    const random = seeded(seed)
    world = await startKeyedWorld({ file: 'keyed-membership' })
    const { sink, load } = world
    const slow = keysOf(20, 'slow')
    sink.behave(({ key }) => ({ latencyMs: key?.startsWith('slow') ? 2_000 : 20 + random() * 60 }))
    /** Requests that outlast a join by far, so that it matters who waits for their end. */
    const slowOnesUnderWay = async () => {
      const before = sink.calls.length
      await load.write(TENANT, slow)
      const sent = () => sink.calls.slice(before).filter(({ key }) => key.startsWith('slow')).length
      await eventually('slow requests under way', () => sent() >= slow.length)
    }
    const ownedBy = (pid: number) => {
      const owners = new Map(sink.calls.map((call) => [load.partitionOf(TENANT, call.key), call.pid]))
      return new Set([...owners].filter(([, owner]) => owner === pid).map(([partition]) => partition))
    }
    const effectOf = (pid: number) => eventually('its effects', () => sink.calls.some((call) => call.pid === pid))

    /** A process takes about a second to start: the slow requests are renewed until it has joined. */
    const joinWhile = async (renew: () => Promise<void>, instance: string) => {
      let isIn = false
      const joining = world.join(instance).finally(() => {
        isIn = true
      })
      while (!isIn) await Promise.race([joining, renew()])
      return joining
    }

    await world.join('a')
    const flow = load.flow({ tenant: TENANT, keys: keysOf(30), seed })
    await eventually('the first effects', () => sink.calls.length > 100)
    // By these names nothing that `a` gives away comes back to it while they join, whichever is the first.
    const joined = await Promise.all([world.join('b'), world.join('d')])
    for (const { pid } of joined) await effectOf(pid)
    await world.untilApplied()
    joined.push(await joinWhile(slowOnesUnderWay, 'c'))
    await effectOf(joined.at(-1)!.pid)
    await world.untilApplied()

    const settledMs: number[] = []
    for (const member of joined) {
      const moved = ownedBy(member.pid)
      const at = performance.now()
      const isNews = ({ pid, key, arrivedAt }: (typeof sink.calls)[number]) =>
        pid !== member.pid && arrivedAt > at && moved.has(load.partitionOf(TENANT, key))
      expect(await world.leave(member, 'SIGTERM')).toBe(0)
      if (moved.size > 0) await eventually('effects on what it had', () => sink.calls.some(isNews))
      settledMs.push(Math.round((sink.calls.find(isNews)?.arrivedAt ?? at) - at))
      await world.untilApplied()
    }
    await flow.stop()
    await world.untilApplied()
    await world.untilCommitted()

    const { calls } = sink
    const summary = `${load.written.length} records, ${repeats(calls).length} repeated, settled in ${settledMs} ms`
    console.log(`joining and leaving: ${summary}`)
    expect({
      seed,
      wentBack: wentBack(calls, load.partitionOf),
      outOfOrder: outOfOrder(calls),
      overlaps: overlaps(calls),
    }).toEqual({
      seed,
      wentBack: [],
      outOfOrder: [],
      overlaps: [],
    })
    // What ended after the first that had not is handled again by the next owner: once for each change of owner.
    const changes = 2 * joined.length
    expect(repeats(calls).filter((each) => each.length > 1 + changes)).toEqual([])
    expect([...turns(calls, load.partitionOf).values()].filter((each) => each.length > 1 + changes)).toEqual([])
  })
})

describe('a member that comes and goes at once', () => {
  it('leaves the partitions to their former owner, whose late requests are over before it sends again', async () => {
    world = await startKeyedWorld({ file: 'keyed-return' })
    const { sink, load } = world
    // Each key at its own pace, so that some requests have just been sent whenever the partitions change hands.
    const random = seeded(5)
    const pace = new Map(keysOf(60).map((key) => [key, 500 + random() * 1_000]))
    sink.behave(({ key }) => ({ latencyMs: pace.get(key ?? '') ?? 0 }))
    const a = await world.join('a')
    const keys = [...pace.keys()]
    for (let round = 0; round < 8; round++) await load.write(TENANT, keys)
    await eventually('handlers under way', () => sink.calls.length >= keys.length)

    const b = await world.join('b')
    expect(lost(load.written, sink.calls)).not.toEqual([])
    expect(await world.leave(b, 'SIGTERM')).toBe(0)
    await world.untilApplied()
    await world.untilCommitted()

    const { calls } = sink
    console.log(`coming and going: ${repeats(calls).length} of ${load.written.length} records repeated`)
    expect(overlaps(calls)).toEqual([])
    expect(outOfOrder(calls)).toEqual([])
    expect([...turns(calls, load.partitionOf).values()].filter((owners) => owners.length > 3)).toEqual([])
    expect(a.output()).not.toContain('fatal')
  })
})

describe('a handler that takes longer than the session', () => {
  it('does not cost its member the membership, and its record ends once', async () => {
    world = await startKeyedWorld({ file: 'keyed-slow', env: { KEYED_CALLS: '9' } })
    const { sink, load } = world
    sink.behave(({ key }) => ({ latencyMs: key === 'slow' ? 900 : 5 }))
    const member = await world.join('a')
    await load.write(TENANT, ['slow'])
    await eventually('the slow one being handled', () => sink.calls.length === 1)

    const flow = load.flow({ tenant: TENANT, keys: keysOf(20), seed: 1, tickMs: 50 })
    await eventually('its last step', () =>
      sink.calls.some(({ key, step, status }) => key === 'slow' && step === 9 && status === 200),
    )
    await flow.stop()
    await world.untilApplied()
    await world.untilCommitted()

    const slow = sink.calls.filter(({ key }) => key === 'slow')
    const tookMs = slow.at(-1)!.endedAt! - slow[0]!.arrivedAt
    console.log(`a handler took ${Math.round(tookMs)} ms of a session of 6000 ms`)
    expect(tookMs).toBeGreaterThan(6_000)
    expect(slow.map(({ step }) => step)).toEqual([1, 2, 3, 4, 5, 6, 7, 8, 9])
    expect(repeats(sink.calls)).toEqual([])
    expect(countOf(member.output(), 'partitions assigned')).toBe(1)
    const outcomes = await world.topics.records('sync.outcomes.v1')
    await eventually('the outcomes of all', () => outcomes.length >= load.written.length)
    const ends = outcomes.filter(({ value }) => value?.id === 'slow')
    expect(ends.map(({ value }) => value?.outcome)).toEqual(['done'])
  })
})
