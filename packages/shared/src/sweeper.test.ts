import { afterEach, describe, expect, test } from 'vitest'
import type { SweepCursor } from './contracts/sweep-cursor.ts'
import { SyncError } from './errors.ts'
import type { Sweep } from './sweep.ts'
import { createSweeper, type Sweeper } from './sweeper.ts'
import { createTenants, type Tenants } from './tenants.ts'
import { aTenant } from './testing/builders.ts'

const NOW = Date.parse('2026-02-01T00:00:00Z')
const TENANTS = createTenants([aTenant({ uid: 'a' }), aTenant({ uid: 'b' })])

const opened: Sweeper[] = []
afterEach(async () => {
  for (const sweeper of opened.splice(0)) await sweeper.stop()
})

/** All promises that are under way without a timer have ended. */
const settled = () => new Promise(setImmediate)

function given({
  tenants = TENANTS,
  owned = new Set(['a', 'b']),
  intervalMs = 60_000,
  sweepTenant = async () => {},
}: {
  tenants?: Tenants
  owned?: Set<string>
  intervalMs?: number
  sweepTenant?: Sweep['sweepTenant']
} = {}) {
  const swept: string[] = []
  const sweptAt = new Map<string, number | null>()
  const errors: unknown[] = []
  const cursors = new Map<string, SweepCursor>()
  const ticks: (() => void)[] = []
  const waits: number[] = []
  let now = NOW
  const sweeper = createSweeper({
    sweep: {
      source: 'flow',
      entities: ['customers'],
      sweepTenant: (tenant, signal) => {
        swept.push(tenant.uid)
        return sweepTenant(tenant, signal)
      },
    },
    cursors: { get: async (tenant) => cursors.get(tenant) ?? null },
    tenants: () => tenants,
    owns: (key) => owned.has(key),
    intervalMs,
    lastSwept: (tenant, entity, at) => sweptAt.set(`${tenant} ${entity}`, at),
    logger: { error: (fields: unknown) => void errors.push(fields) },
    now: () => now,
    wait: (ms, signal) =>
      new Promise<void>((resolve) => {
        waits.push(ms)
        ticks.push(resolve)
        signal.addEventListener('abort', () => resolve())
      }),
  })
  opened.push(sweeper)
  return {
    ...{ sweeper, swept, errors, cursors, owned, waits },
    /** As of now; null: not ours to tell. */
    ages: () => new Map([...sweptAt].map(([list, at]) => [list, at === null ? null : now - at])),
    later: (ms: number) => {
      now += ms
    },
    /** Ends the wait between two rounds. */
    tick: () => {
      for (const resolve of ticks.splice(0)) resolve()
    },
  }
}

test('tenants that this member owns are swept, at once and after each interval', async () => {
  const { sweeper, swept, tick } = given({ owned: new Set(['a']) })

  await sweeper.start()
  await settled()
  tick()
  await settled()

  expect(swept).toEqual(['a', 'a'])
})

test('an interval of 0 sweeps never', async () => {
  const { sweeper, swept } = given({ intervalMs: 0 })

  await sweeper.start()
  await sweeper.round()

  expect(swept).toEqual([])
})

test('a failure is logged, holds up no other tenant, and is tried again', async () => {
  const failure = new SyncError('target-failed', 'listing customers in flow: 500')
  const { sweeper, swept, errors } = given({
    sweepTenant: async ({ uid }) => {
      if (uid === 'a') throw failure
    },
  })

  await sweeper.round()
  await sweeper.round()

  expect(swept).toEqual(['a', 'b', 'a', 'b'])
  expect(errors).toEqual([
    { err: failure, tenant: 'a' },
    { err: failure, tenant: 'a' },
  ])
})

describe('a sweep that takes longer than the interval', () => {
  const waiting = () => {
    const begun = Promise.withResolvers<void>()
    const latch = Promise.withResolvers<void>()
    const given_ = given({
      owned: new Set(['a']),
      sweepTenant: (_tenant, signal) => {
        begun.resolve()
        signal.addEventListener('abort', () => latch.reject(signal.reason))
        return latch.promise
      },
    })
    return { ...given_, begun: begun.promise, latch }
  }

  test('is not begun a second time', async () => {
    const { sweeper, swept, latch } = waiting()

    const rounds = [sweeper.round(), sweeper.round()]
    latch.resolve()
    await Promise.all(rounds)

    expect(swept).toEqual(['a'])
  })

  test('lets the age of its mark grow', async () => {
    const { sweeper, ages, latch, begun, later } = waiting()

    const first = sweeper.round()
    await begun
    later(3_600_000)
    const second = sweeper.round()
    await settled()

    expect(ages().get('a customers')).toBe(3_600_000)
    latch.resolve()
    await Promise.all([first, second])
  })

  test('is aborted when the tenant goes to another member, whose mark it is then to tell', async () => {
    const { sweeper, owned, ages, errors, begun } = waiting()

    const first = sweeper.round()
    await begun
    owned.clear()
    await sweeper.round()
    await first

    expect(ages().get('a customers')).toBe(null)
    expect(errors).toEqual([])
  })

  test('is aborted without a new round when the tenant goes to another member', async () => {
    const { sweeper, swept, owned, errors, begun } = waiting()

    const first = sweeper.round()
    await begun
    owned.clear()
    sweeper.disown()
    await first

    expect([swept, errors]).toEqual([['a'], []])
  })

  test('is aborted by a stop, which waits for it', async () => {
    const { sweeper, errors, begun } = waiting()

    const round = sweeper.round()
    await begun
    await sweeper.stop()
    await round

    expect(errors).toEqual([])
  })
})

test("a mark's age counts from the last complete sweep, and before the first from when the tenant became ours", async () => {
  const { sweeper, ages, cursors, later } = given({
    sweepTenant: async () => {
      throw new SyncError('target-failed', 'listing customers in flow: 500')
    },
  })
  const sweptAt = new Date(NOW - 60_000).toISOString()
  cursors.set('a', { tenant: 'a', source: 'flow', entity: 'customers', mark: '2020-01-01T00:00:00.000Z', sweptAt })

  await sweeper.round()
  later(5_000)
  await sweeper.round()

  expect(ages()).toEqual(
    new Map([
      ['a customers', 65_000],
      ['b customers', 5_000],
    ]),
  )
})

test('hundreds of tenants are not listed all at once, but within half an interval', async () => {
  const uids = Array.from({ length: 90 }, (_, i) => `t${i}`)
  const tenants = createTenants(uids.map((uid) => aTenant({ uid })))
  const { sweeper, swept, waits, tick } = given({ tenants, owned: new Set(uids), intervalMs: 6_000 })

  await sweeper.start()
  await settled()
  expect(swept).toHaveLength(20)
  expect([...new Set(waits)].sort()).toEqual([1_000, 2_000, 3_000, 6_000])
  expect(waits.filter((ms) => ms === 3_000)).toHaveLength(30)
  tick()
  await settled()

  expect(new Set(swept)).toEqual(new Set(uids))
})
