import type { Stack } from '@sync/sandbox/stack'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { eventually } from './eventually.ts'
import { outOfOrder, overlaps, repeats } from './keyed-check.ts'
import { type KeyedWorld, startKeyedWorld, TENANT } from './keyed-world.ts'
import { newSeed, seeded } from './seeded.ts'
import { sharedStack, startOwnStack } from './stack.ts'

describe.runIf(sharedStack().mode === 'jvm')('a broker that goes away under load and comes back', () => {
  let stack: Stack
  let world: KeyedWorld
  beforeAll(async () => {
    stack = await startOwnStack()
    world = await startKeyedWorld({ file: 'keyed-broker', stack })
  })
  afterAll(async () => {
    await world?.stop()
    await stack?.stop()
  })

  it.each(['SIGTERM', 'SIGKILL'] as const)('(%s) costs no record, no order, and no process', async (signal) => {
    const seed = newSeed()
    const random = seeded(seed)
    const { sink, load } = world
    sink.behave(() => ({ latencyMs: 10 + random() * 40 }))
    const members = [await world.join(`a-${signal}`), await world.join(`b-${signal}`)]
    const keys = Array.from({ length: 60 }, (_, i) => `${signal}-${i}`)
    const ours = () => sink.calls.filter(({ key }) => key.startsWith(signal))
    const flow = load.flow({ tenant: TENANT, keys, seed })
    await eventually('effects of both', () => new Set(ours().map(({ pid }) => pid)).size === 2 && ours().length > 500)
    // The last ones are still to be handled when the broker goes.
    await flow.stop()
    await load.write(TENANT, keys)
    await stack.kafka!.stop(signal)
    const downAt = performance.now()
    await stack.kafka!.start()
    const upAt = performance.now()
    for (let round = 0; round < 5; round++) await load.write(TENANT, keys)
    await world.untilApplied()
    await world.untilCommitted()

    const again = repeats(ours())
    const doneMs = Math.round(performance.now() - upAt)
    console.log(
      `broker ${signal}: away for ${Math.round(upAt - downAt)} ms, ${again.length} of ${ours().length} repeated, all done after ${doneMs} ms`,
    )
    expect({ seed, outOfOrder: outOfOrder(ours()), overlaps: overlaps(ours()) }).toEqual({
      seed,
      outOfOrder: [],
      overlaps: [],
    })
    expect(await world.parked()).toEqual([])
    for (const member of members) expect(await world.leave(member, 'SIGTERM')).toBe(0)
  })
})
