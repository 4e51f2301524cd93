import { describe, expect, it } from 'vitest'
import { nameOf } from './operations.ts'
import { planWorkload } from './plan-workload.ts'

const options = { seed: 7, tenants: 4, customers: 200, rate: 50, durationMs: 120_000 }
const SEEDS = [1, 2, 3, 4, 5]

describe('the floods of a workload', () => {
  it('are the same for the same seed, and others for another', () => {
    expect(planWorkload(options).floods).toEqual(planWorkload(options).floods)
    expect(planWorkload({ ...options, seed: 8 }).floods).not.toEqual(planWorkload(options).floods)
  })

  it.each(SEEDS)(
    'come at least once a minute from at least two tenants, and are over before the end (seed %i)',
    (seed) => {
      const { floods } = planWorkload({ ...options, seed, durationMs: 60_000 })

      expect(floods.length).toBeGreaterThan(0)
      for (const { atMs, forMs, tenants } of floods) {
        expect(new Set(tenants).size).toBeGreaterThanOrEqual(2)
        expect(atMs + forMs).toBeLessThanOrEqual(60_000)
      }
    },
  )

  it.each(SEEDS)('are several times as fast as the rate (seed %i)', (seed) => {
    const { floods, operations } = planWorkload({ ...options, seed })

    for (const { atMs, forMs, tenants } of floods) {
      const during = operations.filter(
        (it) => it.atMs >= atMs && it.atMs < atMs + forMs && 'tenant' in it && tenants.includes(it.tenant),
      )
      expect(during.length / (forMs / 1000)).toBeGreaterThan(5 * options.rate)
    }
  })

  it('are of all tenants in some seeds, and of some tenants in others', () => {
    const counts = SEEDS.flatMap((seed) =>
      planWorkload({ ...options, seed }).floods.map(({ tenants }) => tenants.length),
    )

    expect(new Set(counts)).toEqual(new Set([2, 3, 4]))
  })

  it('edit no customer before its birth', () => {
    const known = new Set<string>()
    for (const it of planWorkload(options).operations) {
      if (it.kind === 'flow-create') known.add(nameOf(it.tenant, it.uid))
      if (it.kind === 'omnium-create') known.add(nameOf(it.tenant, it.id))
      if (it.kind === 'flow-edit') expect(known).toContain(nameOf(it.tenant, it.uid))
    }
  })
})
