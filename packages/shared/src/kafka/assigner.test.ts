import { describe, expect, it } from 'vitest'
import { assignPartitions, type GroupMember } from './assigner.ts'

const members = (...names: string[]): GroupMember[] =>
  names.map((name) => ({ memberId: `${name}-id`, instanceId: name }))
const owners = (assignment: Map<string, number[]>, partitions: number) =>
  Array.from({ length: partitions }, (_, p) => [...assignment].find(([, own]) => own.includes(p))?.[0])

describe('assigning partition numbers', () => {
  it.each([
    [1, 12],
    [3, 12],
    [5, 12],
    [7, 3],
  ])('gives %i members of %i partitions each one once, balanced to within one', (count, partitions) => {
    const assignment = assignPartitions(members(...Array.from({ length: count }, (_, i) => `m${i}`)), partitions)

    const all = [...assignment.values()].flat()
    expect(all.toSorted((a, b) => a - b)).toEqual(Array.from({ length: partitions }, (_, p) => p))
    const sizes = [...assignment.values()].map(({ length }) => length)
    expect(Math.max(...sizes) - Math.min(...sizes)).toBeLessThanOrEqual(1)
  })

  it('does not depend on the order of the members, nor on their member ids', () => {
    const before = owners(assignPartitions(members('a', 'b', 'c'), 12), 12)
    const restarted = [...members('c', 'a'), { memberId: 'b-id', instanceId: 'b' }]

    expect(owners(assignPartitions(restarted, 12), 12)).toEqual(before)
  })

  it('moves few partitions of those who stay when one leaves', () => {
    const before = owners(assignPartitions(members('a', 'b', 'c', 'd'), 12), 12)
    const after = owners(assignPartitions(members('a', 'b', 'c'), 12), 12)

    const moved = before.filter((owner, p) => owner !== 'd-id' && owner !== after[p])
    expect(moved.length).toBeLessThanOrEqual(4)
  })

  it('tells two members of the same instance id apart', () => {
    const twins = [
      { memberId: 'x', instanceId: 'same' },
      { memberId: 'y', instanceId: 'same' },
    ]

    expect([...assignPartitions(twins, 4).values()].map(({ length }) => length)).toEqual([2, 2])
  })

  it('has nothing to give to nobody', () => {
    expect(assignPartitions([], 12)).toEqual(new Map())
  })
})
