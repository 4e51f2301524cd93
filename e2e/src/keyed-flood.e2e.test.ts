import { afterEach, expect, it } from 'vitest'
import { eventually } from './eventually.ts'
import { behind, effects, quantile, wentBack } from './keyed-check.ts'
import { type KeyedWorld, LONG_SESSION, startKeyedWorld } from './keyed-world.ts'

let world: KeyedWorld
afterEach(() => world?.stop())

const SLOW = 'acme-no'
const QUICK = 'bolt-se'
const KEYS = 8_000

it('a tenant with more than memory holds, at a target that is up but slow, does not keep others from being read', async () => {
  world = await startKeyedWorld({
    file: 'keyed-flood',
    tenants: [SLOW, QUICK],
    env: { KEYED_NEWEST: '1', MAX_PENDING_BYTES: '2097152', LOG_LEVEL: 'warn', ...LONG_SESSION },
  })
  const { sink, load } = world
  // Some sixty keys a second: the flood would take more than two minutes.
  sink.behave(({ tenant }) => ({ latencyMs: tenant === SLOW ? 1_200 : 5 }))
  await world.join('a')
  const keys = Array.from({ length: KEYS }, (_, i) => `key-${i}`)

  await load.write(SLOW, keys)
  const floodedAt = performance.now()
  const flow = load.flow({ tenant: QUICK, keys: keys.slice(0, 200), seed: 4, perTick: 1, tickMs: 20 })
  const latencies = () => {
    const done = new Map(
      effects(sink.calls).flatMap(({ tenant, key, n, executedAt }) =>
        tenant === QUICK ? [[`${key} ${n}`, executedAt] as const] : [],
      ),
    )
    return load.written.flatMap(({ tenant, key, n, at }) => {
      const executedAt = done.get(`${key} ${n}`)
      return tenant === QUICK && executedAt !== undefined ? [executedAt - at] : []
    })
  }
  await eventually('the quick one being served', () => latencies().length > 200, 60_000)
  const handled = effects(sink.calls).filter(({ tenant }) => tenant === SLOW).length
  const behindFlood = latencies()
  await flow.stop()

  console.log(
    `behind a flood: p50/p99 ${[0.5, 0.99].map((q) => Math.round(quantile(behindFlood, q)))} ms, ` +
      `200 served after ${Math.round(performance.now() - floodedAt)} ms, ${handled} of ${KEYS} of the flood handled by then`,
  )
  expect(handled).toBeLessThan(KEYS / 2)
  const outcomes = await world.topics.records('sync.outcomes.v1')
  await eventually('some of the flood being sent away', () =>
    outcomes.some(({ value }) => value?.tenant === SLOW && value.reason === 'over-share'),
  )
  sink.behave(() => ({ latencyMs: 1 }))
  for (const tenant of [SLOW, QUICK]) {
    const newest = load.newest(tenant)
    await eventually(
      `the newest of all of ${tenant}`,
      () => behind(newest, (key) => sink.stored(tenant, key)).length === 0,
      150_000,
    )
  }
  expect(wentBack(sink.calls, load.partitionOf)).toEqual([])
  expect(await world.parked()).toEqual([])
}, 300_000)
