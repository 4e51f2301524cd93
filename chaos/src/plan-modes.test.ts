import { FaultRule } from '@sync/sandbox/fault-rule'
import { FlowModes } from '@sync/sandbox/flow-modes'
import { OmniumModes } from '@sync/sandbox/omnium-modes'
import { describe, expect, it } from 'vitest'
import { planModes } from './plan-modes.ts'
import { planWorkload, tenantsOf } from './plan-workload.ts'

const workload = planWorkload({ seed: 7, tenants: 3, customers: 100, rate: 100, durationMs: 60_000 })
const modesOf = (seed: number) => planModes({ seed, ...workload })

describe('the modes of the peers', () => {
  it('are the same for the same seed, and others for another', () => {
    expect(modesOf(7)).toEqual(modesOf(7))
    expect(modesOf(8)).not.toEqual(modesOf(7))
  })

  it('are known to the stand-ins', () => {
    for (const { flow, omnium, faults } of modesOf(7)) {
      expect(FlowModes.safeParse(flow).error).toBe(undefined)
      expect(OmniumModes.safeParse(omnium).error).toBe(undefined)
      for (const { rule } of faults) expect(FaultRule.safeParse(rule).error).toBe(undefined)
    }
  })

  it('have each value within some seeds', () => {
    const drawn = Array.from({ length: 40 }, (_, seed) => modesOf(seed)).flat()

    expect(new Set(drawn.map(({ omnium }) => omnium.patchLists))).toEqual(
      new Set(['replace', 'merge', 'merge-unless-told']),
    )
    expect(new Set(drawn.map(({ omnium }) => omnium.expiresIn))).toEqual(
      new Set(['right', 'absent', 'soon', 60, '600']),
    )
    expect(new Set(drawn.map(({ omnium }) => omnium.phoneFormat?.countryCode))).toEqual(
      new Set([undefined, 'removed', 'plus', '00']),
    )
    for (const name of ['scrollIdChanges', 'refuseKeepExistingListItems'] as const) {
      expect([name, drawn.some(({ omnium }) => omnium[name])]).toEqual([name, true])
    }
    const faults = new Set(drawn.flatMap(({ faults: own }) => own.map(({ target, rule }) => `${target} ${rule.kind}`)))
    expect([...faults].sort()).toEqual(
      [
        ...['flow answer-body', 'flow answer-fields', 'flow keep-alive-race', 'flow missing-answer'],
        ...['omnium answer-body', 'omnium keep-alive-race', 'omnium missing-answer'],
      ].sort(),
    )
  })

  it('break only an item of a list that no other system needs', () => {
    const operations = [
      ...(['free', 'ordered'] as const).map((id) => ({
        ...{ atMs: 0, kind: 'omnium-create', tenant: 'tenant-2' },
        id,
      })),
      { atMs: 1, kind: 'omnium-order', tenant: 'tenant-2', customerId: 'ordered' },
    ] as never
    const broken = Array.from({ length: 20 }, (_, seed) =>
      planModes({ seed, tenants: tenantsOf(3), operations }),
    ).flat()

    const ids = broken.flatMap(({ tenant, omnium }) =>
      omnium.brokenListItem ? [`${tenant} ${omnium.brokenListItem.id}`] : [],
    )
    expect(new Set(ids)).toEqual(new Set(['tenant-2 free']))
  })
})
