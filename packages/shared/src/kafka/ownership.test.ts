import { describe, expect, it } from 'vitest'
import { createOwnership } from './ownership.ts'

const given = () => {
  const clock = { heartbeatAgeMs: 0 }
  const ownership = createOwnership({
    heartbeatAgeMs: () => clock.heartbeatAgeMs,
    sessionTimeoutMs: 30_000,
    requestDeadlineMs: 10_000,
  })
  return { clock, ownership }
}

describe('the fence', () => {
  it('lets a send pass while the partition is ours and the heartbeat fresh', () => {
    const { ownership } = given()
    ownership.assigned(new Set([3]), true)

    expect(ownership.fenceFor(3, ownership.tenureOf(3)!)).not.toThrow()
  })

  it('stops every send from the join on until the assignment is known', () => {
    const { ownership } = given()
    ownership.assigned(new Set([3]), true)
    const fence = ownership.fenceFor(3, ownership.tenureOf(3)!)

    ownership.joining()
    expect(fence).toThrow('rebalancing')

    ownership.assigned(new Set([3]), true)
    expect(fence).not.toThrow()
  })

  it('stops sends for a partition that was lost, also after it came back', () => {
    const { ownership } = given()
    ownership.assigned(new Set([3]), true)
    const fence = ownership.fenceFor(3, ownership.tenureOf(3)!)

    ownership.assigned(new Set(), true)
    expect(fence).toThrow('not ours')
    ownership.assigned(new Set([3]), true)
    expect(fence).toThrow('not ours')
  })

  it('stops sends of a process that was frozen so long that its session may have ended before the request would', () => {
    const { clock, ownership } = given()
    ownership.assigned(new Set([3]), true)
    const fence = ownership.fenceFor(3, ownership.tenureOf(3)!)

    clock.heartbeatAgeMs = 19_999
    expect(fence).not.toThrow()
    clock.heartbeatAgeMs = 20_000
    expect(fence).toThrow('heartbeat')
  })
})

describe('maySend', () => {
  it('answers like the fence of a partition that is ours', () => {
    const { clock, ownership } = given()
    expect(ownership.maySend()).toBe(false)
    ownership.assigned(new Set([3]), true)
    expect(ownership.maySend()).toBe(true)

    clock.heartbeatAgeMs = 20_000
    expect(ownership.maySend()).toBe(false)
    clock.heartbeatAgeMs = 0
    ownership.joining()
    expect(ownership.maySend()).toBe(false)
  })
})

describe('an assignment', () => {
  it('keeps what we had and still have, when we were a member all the time', () => {
    const { ownership } = given()
    ownership.assigned(new Set([1, 2]), true)

    expect(ownership.assigned(new Set([2, 3]), true)).toEqual({ gained: [3], lost: [1] })
  })

  it('keeps nothing when we were not: another may have owned it meanwhile', () => {
    const { ownership } = given()
    ownership.assigned(new Set([1, 2]), true)

    expect(ownership.assigned(new Set([2, 3]), false)).toEqual({ gained: [2, 3], lost: [1, 2] })
  })
})
