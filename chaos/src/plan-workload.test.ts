import { describe, expect, it } from 'vitest'
import { nameOf, type Operation } from './operations.ts'
import { planWorkload } from './plan-workload.ts'

const options = { seed: 7, tenants: 3, customers: 200, rate: 100, durationMs: 60_000 }
const SEEDS = [1, 2, 3, 4, 5]

/** Walks through the plan as it will happen; `look` gets the parents by name after each step. */
function walk(operations: readonly Operation[], look: (parents: ReadonlyMap<string, string>, changed: string) => void) {
  const parents = new Map<string, string>()
  const known = new Set<string>()
  for (const operation of operations) {
    if (operation.kind === 'omnium-create') known.add(nameOf(operation.tenant, operation.id))
    if (operation.kind !== 'flow-create' && operation.kind !== 'flow-edit') continue
    const name = nameOf(operation.tenant, operation.uid)
    if (operation.kind === 'flow-create') known.add(name)
    else expect(known).toContain(name)
    const parent = operation.fields.parentCustomer as { customerUid: string } | null | undefined
    if (parent === undefined) continue
    if (parent === null) parents.delete(name)
    else parents.set(name, nameOf(operation.tenant, parent.customerUid))
    look(parents, name)
  }
}

describe('a workload', () => {
  it('is the same for the same seed, and another one for another', () => {
    expect(planWorkload(options)).toEqual(planWorkload(options))
    expect(planWorkload({ ...options, seed: 8 })).not.toEqual(planWorkload(options))
  })

  it('has each kind of operation', () => {
    const kinds = new Set(planWorkload({ ...options, durationMs: 300_000 }).operations.map(({ kind }) => kind))

    expect([...kinds].sort()).toEqual(
      [
        ...['correct', 'cure', 'flow-create', 'flow-edit', 'flow-order', 'garbage', 'omnium-create', 'omnium-edit'],
        ...['omnium-order', 'poison', 'redrive', 'replay', 'shop-edit'],
      ].sort(),
    )
  })

  it('is as fast as it is told to be outside of its floods', () => {
    const { operations, floods } = planWorkload({ ...options, durationMs: 300_000 })
    const isInFlood = (atMs: number) => floods.some((it) => atMs >= it.atMs && atMs < it.atMs + it.forMs)
    const calmMs = 300_000 - floods.reduce((sum, { forMs }) => sum + forMs, 0)
    const perSecond = operations.filter(({ atMs }) => !isInFlood(atMs)).length / (calmMs / 1000)

    expect(perSecond).toBeGreaterThan(80)
    expect(perSecond).toBeLessThan(120)
  })

  it.each(SEEDS)('never has a cycle in Flow, and edits nobody before their birth (seed %i)', (seed) => {
    walk(planWorkload({ ...options, seed }).operations, (parents, changed) => {
      const seen = new Set<string>()
      for (let it: string | undefined = changed; it !== undefined; it = parents.get(it)) {
        expect(seen).not.toContain(it)
        seen.add(it)
      }
    })
  })
})
