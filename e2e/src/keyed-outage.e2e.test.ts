import { afterEach, expect, it } from 'vitest'
import { eventually } from './eventually.ts'
import { behind, overlaps, wentBack } from './keyed-check.ts'
import { type KeyedWorld, LONG_SESSION, startKeyedWorld, TENANT } from './keyed-world.ts'
import { newSeed, seeded } from './seeded.ts'
import type { ServiceProcess } from './service-process.ts'

let world: KeyedWorld
afterEach(() => world?.stop())

interface Ready {
  readonly circuits: readonly { readonly tenant: string; readonly state: string; readonly cause: string | null }[]
}
const circuitOf = async (member: ServiceProcess) => {
  const { circuits } = (await (await fetch(`${member.adminUrl}/ready`)).json()) as Ready
  return circuits.find(({ tenant }) => tenant === TENANT)
}

it('a target that is down for longer than any retry budget costs no record: all are applied after it, in order', async () => {
  const seed = newSeed()
  const random = seeded(seed)
  world = await startKeyedWorld({
    file: 'keyed-outage',
    // Over in seconds; with fewer, one key's can be over before enough others have failed to open the circuit.
    env: { RETRY_MAX_ATTEMPTS: '4', KEYED_NEWEST: '1', ...LONG_SESSION },
  })
  const { sink, load } = world
  const member = await world.join('a')
  const keys = Array.from({ length: 200 }, (_, i) => `key-${i}`)
  const healthy = () => sink.behave(() => ({ latencyMs: 5 + random() * 20 }))
  healthy()
  const flow = load.flow({ tenant: TENANT, keys, seed, tickMs: 20 })
  await eventually('effects', () => sink.calls.length > 50)

  sink.behave(() => ({ status: 503 }))
  await eventually('an open circuit', async () => (await circuitOf(member))?.state === 'open')
  const asked = sink.requests()
  await eventually('it being looked at again', () => sink.requests() > asked + 1)
  await sink.close()
  await eventually('the target being unreachable', async () => (await circuitOf(member))?.cause === 'unreachable')
  sink.behave(() => ({ hang: true }))
  await sink.listen()
  const hung = sink.requests()
  await eventually('a request that hangs', () => sink.requests() > hung)
  await eventually('its deadline', async () => (await circuitOf(member))?.cause === 'failing')
  const downFor = load.written.length
  healthy()
  await flow.stop()

  const newest = load.newest(TENANT)
  await eventually('the newest of every key', () => behind(newest, (key) => sink.stored(TENANT, key)).length === 0)
  await world.untilCommitted()
  console.log(
    `an outage: ${load.written.length} records, ${downFor} of them by its end, ${sink.calls.length} writes sent`,
  )
  expect({ seed, wentBack: wentBack(sink.calls, load.partitionOf), overlaps: overlaps(sink.calls) }).toEqual({
    seed,
    wentBack: [],
    overlaps: [],
  })
  expect(await world.parked()).toEqual([])
})

it('a target that fails at random in two of five requests leaves its circuit closed most of the time, and parks no record', async () => {
  const seed = newSeed()
  const random = seeded(seed)
  world = await startKeyedWorld({
    file: 'keyed-brownout',
    // Over at once, if failures of the brownout counted. The first failure of all counts, because no other key has failed yet.
    env: { RETRY_MAX_ATTEMPTS: '3', KEYED_NEWEST: '1', ...LONG_SESSION },
  })
  const { sink, load } = world
  const member = await world.join('a')
  const keys = Array.from({ length: 200 }, (_, i) => `key-${i}`)
  sink.behave(() => (random() < 0.4 ? { status: 500 } : { latencyMs: 5 + random() * 20 }))
  const flow = load.flow({ tenant: TENANT, keys, seed, tickMs: 20 })
  await eventually('effects of the backlog', () => sink.calls.length > 1_000)
  const open: string[] = []
  for (let i = 0; i < 20; i++) {
    const asked = sink.requests()
    const state = (await circuitOf(member))?.state ?? 'closed'
    if (state !== 'closed') open.push(state)
    await eventually('more requests', () => sink.requests() > asked + 20)
  }
  await flow.stop()

  const newest = load.newest(TENANT)
  await eventually('the newest of every key', () => behind(newest, (key) => sink.stored(TENANT, key)).length === 0)
  await world.untilCommitted()
  expect({ seed, parked: await world.parked() }).toEqual({ seed, parked: [] })
  expect(open.length).toBeLessThan(10)
})
