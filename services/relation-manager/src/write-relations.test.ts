import { SyncError } from '@sync/shared/errors'
import { beforeEach, describe, expect, test } from 'vitest'
import { createRelationManager } from './handler.ts'
import {
  CONFIRM_MS,
  childChanged,
  createRelationWorld,
  DEADLINE_MS,
  lostReply,
  observed,
  V1,
  V3,
  WAIT_MS,
} from './testing/relation-manager.ts'

let world: ReturnType<typeof createRelationWorld>
beforeEach(() => {
  world = createRelationWorld()
})
const isPatch = ({ operation }: { operation: string }) => operation === 'patchCustomer'

describe('an announcement', () => {
  beforeEach(() => {
    world.inOmnium('A')
    world.inOmnium('B')
    world.inOmnium('C', { parent: 'A', version: V1 })
  })

  test('that is too old when the write’s turn comes is made again, by what the company says then', async () => {
    let turns = 0
    world.publisher.before(() => {
      if (++turns > 1) return
      world.inOmnium('C', { parent: 'Z', version: V1 })
      world.now += CONFIRM_MS / 2 + 1
    })

    expect(await world.handle(observed())).toMatchObject([{ kind: 'done' }])

    expect(world.announced()).toEqual(['A: C to B', 'B: C to B', 'Z: C to B', 'B: C to B'])
    expect(world.omnium.writes()).toHaveLength(1)
  })

  test('that is always too old leaves the company alone', async () => {
    world.publisher.before(() => {
      world.now += CONFIRM_MS / 2 + 1
    })

    expect(await world.handle(observed())).toMatchObject([{ kind: 'retry', reason: 'target-unavailable' }])
    expect(world.omnium.writes()).toEqual([])
    expect(world.publisher.published).toHaveLength(6)
  })

  test('half as old as the parents wait still serves', async () => {
    world.publisher.before(() => {
      world.now += CONFIRM_MS / 2
    })
    expect(await world.handle(observed())).toMatchObject([{ kind: 'done' }])
  })

  test('leaves a slow request all the time that it may take', () => {
    const ports = { ...world, parentWaitMs: WAIT_MS, requestDeadlineMs: DEADLINE_MS, random: () => 0.5 }
    expect(() => createRelationManager({ ...ports, parentConfirmMs: 2 * DEADLINE_MS })).toThrow('parentConfirmMs')
    expect(() => createRelationManager({ ...ports, parentConfirmMs: 2 * DEADLINE_MS + 1 })).not.toThrow()
  })
})

describe('a write whose reply was lost', () => {
  beforeEach(() => {
    world.inOmnium('A')
    world.inOmnium('B')
    world.inOmnium('C', { parent: 'A', version: V1 })
  })

  test('is not followed by another one until it can’t be executed any more', async () => {
    world.omnium.fail({ when: isPatch, error: lostReply() })

    const [outcome] = await world.handle(observed())

    expect(outcome).toMatchObject({ kind: 'retry', reason: 'target-failed', afterMs: 2 * DEADLINE_MS, verify: true })
    world.now += 2 * DEADLINE_MS - 1
    world.omnium.forget()
    expect(await world.handle(childChanged({ parent: 'C', child: 'D' }))).toEqual([
      { kind: 'retry', reason: 'child-pending', afterMs: 1 },
    ])
    expect(world.omnium.journal).toEqual([])
  })

  test('is announced again to the same parents, also when it took effect after all', async () => {
    world.omnium.fail({ when: isPatch, at: 'after', error: lostReply() })
    await world.handle(observed())
    world.publisher.forget()
    world.now += 2 * DEADLINE_MS

    const [outcome] = await world.handle(observed())

    expect(outcome).toMatchObject({ kind: 'skipped', reason: 'unchanged' })
    expect(world.announced()).toEqual(['A: C to B', 'B: C to B'])
  })

  test('is announced again before a newer record is looked at, and only once', async () => {
    world.omnium.fail({ when: isPatch, at: 'after', error: lostReply() })
    await world.handle(observed())
    world.publisher.forget()
    world.now += 2 * DEADLINE_MS

    await world.handle(observed({ parent: 'A', version: V3 }))
    await world.handle(observed({ parent: 'A', version: V3 }))

    expect(world.parentOf('C')).toBe('A')
    expect(world.announced()).toEqual(['A: C to B', 'B: C to B', 'B: C to A', 'A: C to A'])
  })

  test('stays to be announced while Kafka is away', async () => {
    world.omnium.fail({ when: isPatch, at: 'after', error: lostReply() })
    await world.handle(observed())
    world.publisher.forget()
    world.now += 2 * DEADLINE_MS
    world.publisher.fail(new SyncError('kafka-unavailable', 'publishing: no broker'))

    await expect(world.handle(observed())).rejects.toMatchObject({ code: 'kafka-unavailable' })
    await world.handle(observed())

    expect(world.announced()).toEqual(['A: C to B', 'B: C to B'])
  })

  test('holds up no other company', async () => {
    world.omnium.fail({ when: isPatch, error: lostReply() })
    await world.handle(observed())
    world.inOmnium('D')
    expect(await world.handle(observed({ company: 'D' }))).toMatchObject([{ kind: 'done' }])
  })
})

test('a write that failed but was answered is announced again and repeated without a pause', async () => {
  world.inOmnium('B')
  world.inOmnium('C')
  world.omnium.fail({
    when: isPatch,
    error: new SyncError('target-failed', 'patching in omnium: 500', { status: 500 }),
  })

  const [first] = await world.handle(observed())
  const [second] = await world.handle(observed())

  expect(first).toEqual({ kind: 'retry', reason: 'target-failed', message: 'patching in omnium: 500' })
  expect(second).toMatchObject({ kind: 'done' })
  expect(world.announced()).toEqual(['B: C to B', 'B: C to B', 'B: C to B'])
})
