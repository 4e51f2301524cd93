import { SyncError } from '@sync/shared/errors'
import { beforeEach, describe, expect, test } from 'vitest'
import {
  CONFIRM_MS,
  childChanged,
  createRelationWorld,
  observed,
  refusal,
  START,
  V1,
  V2,
  V3,
  WAIT_MS,
} from './testing/relation-manager.ts'

let world: ReturnType<typeof createRelationWorld>
beforeEach(() => {
  world = createRelationWorld()
})

describe('a parent agrees with its child', () => {
  test('gains it, and is a parent company', async () => {
    world.inOmnium('P')
    world.inOmnium('C', { parent: 'P', version: V2 })

    const [outcome] = await world.handle(childChanged())

    expect(outcome).toMatchObject({
      kind: 'done',
      effect: { changed: ['customerRelations', 'properties.Parent company'], version: V2 },
    })
    expect(world.childrenOf('P')).toEqual(['C'])
    expect(world.property('P', 'Parent company')).toBe('true')
  })

  test('loses it, and with the last one is no parent company', async () => {
    world.inOmnium('P', { children: ['C'], isParent: 'true' })
    world.inOmnium('C', { parent: 'B', version: V2 })

    await world.handle(childChanged({ to: 'B' }))

    expect(world.childrenOf('P')).toEqual([])
    expect(world.property('P', 'Parent company')).toBe('false')
  })

  test('loses one that is gone', async () => {
    world.inOmnium('P', { children: ['C', 'D'], isParent: 'true' })
    await world.handle(childChanged())
    expect(world.childrenOf('P')).toEqual(['D'])
    expect(world.property('P', 'Parent company')).toBe('true')
  })

  test('does already: nothing is written', async () => {
    world.inOmnium('P', { children: ['C'], isParent: 'true' })
    world.inOmnium('C', { parent: 'P', version: V2 })
    expect(await world.handle(childChanged())).toEqual([{ kind: 'skipped', reason: 'unchanged' }])
    expect(world.omnium.writes()).toEqual([])
  })

  test('one that never had a child and gets none is not touched', async () => {
    world.inOmnium('P')
    world.inOmnium('C', { version: V3 })
    await world.handle(childChanged())
    expect(world.omnium.writes()).toEqual([])
  })
})

describe('a child whose own write is under way', () => {
  beforeEach(() => {
    world.inOmnium('P')
    world.inOmnium('C', { version: V1 })
  })

  test('is waited for, until the announced write must be over', async () => {
    const delays = []
    for (world.now = START; world.now < START + CONFIRM_MS; ) {
      const [outcome] = await world.handle(childChanged())
      expect(outcome).toMatchObject({ kind: 'retry', reason: 'child-pending' })
      delays.push((outcome as { afterMs: number }).afterMs)
      world.now += delays.at(-1)!
    }

    expect(delays.slice(0, 5)).toEqual([200, 200, 200, 300, 450])
    expect(world.now).toBe(START + CONFIRM_MS)
    expect(await world.handle(childChanged())).toEqual([{ kind: 'skipped', reason: 'unchanged' }])
  })

  test('holds up none of its siblings', async () => {
    world.inOmnium('D', { parent: 'P', version: V2 })

    const outcomes = await world.handle(childChanged(), childChanged({ child: 'D' }))

    expect(outcomes).toMatchObject([{ kind: 'retry', reason: 'child-pending' }, { kind: 'done' }])
    expect(world.childrenOf('P')).toEqual(['D'])
  })

  test('costs its parent no request', async () => {
    await world.handle(childChanged())
    expect(world.omnium.journal.map(({ id }) => id)).toEqual(['C'])
  })

  test('is looked at once more when the time ran out only while it was read', async () => {
    world.now = START + CONFIRM_MS - 1
    world.omnium.before(() => {
      world.now = START + CONFIRM_MS + 1
    })
    expect(await world.handle(childChanged())).toMatchObject([{ kind: 'retry', reason: 'child-pending' }])
  })
})

test('a child that can not be read fails alone', async () => {
  world.inOmnium('P')
  world.inOmnium('C', { parent: 'P', version: V2 })
  world.inOmnium('D', { parent: 'P', version: V2 })
  world.omnium.fail({ when: ({ id }) => id === 'C', error: new SyncError('target-failed', 'reading in omnium: 500') })

  const outcomes = await world.handle(childChanged(), childChanged({ child: 'D' }))

  expect(outcomes).toMatchObject([{ kind: 'retry', reason: 'target-failed' }, { kind: 'done' }])
  expect(world.childrenOf('P')).toEqual(['D'])
})

describe('a parent that is missing in Omnium', () => {
  test('is no loss when the child is not its child', async () => {
    world.inOmnium('C', { parent: 'B', version: V2 })
    expect(await world.handle(childChanged({ to: 'B' }))).toEqual([{ kind: 'skipped', reason: 'not-found' }])
  })

  test('is waited for by its children, and asked for in Flow once', async () => {
    world.inOmnium('C', { parent: 'P', version: V2 })
    world.inOmnium('D', { parent: 'P', version: V2 })
    const both = [childChanged(), childChanged({ child: 'D' })]
    expect(await world.handle(...both)).toMatchObject(both.map(() => ({ kind: 'retry', reason: 'parent-missing' })))

    world.now = START + WAIT_MS
    expect(await world.handle(...both)).toMatchObject(both.map(() => ({ kind: 'park', reason: 'parent-not-found' })))
    expect(world.flow.journal).toHaveLength(1)

    world.inFlow('P')
    expect(await world.handle(...both)).toMatchObject(both.map(() => ({ kind: 'retry', reason: 'parent-missing' })))
  })
})

test('a refused write of the child leaves nothing half-linked', async () => {
  const { omnium, inOmnium, handle } = world
  inOmnium('A', { children: ['C'], isParent: 'true' })
  inOmnium('B')
  inOmnium('C', { parent: 'A', version: V1 })
  omnium.fail({ when: ({ operation }) => operation === 'patchCustomer', error: refusal(), times: 2 })
  expect(await handle(observed())).toMatchObject([{ kind: 'park', reason: 'refused' }])

  world.now = START + CONFIRM_MS
  await handle(childChanged({ parent: 'A', to: 'B' }))
  await handle(childChanged({ parent: 'B', to: 'B' }))

  expect(world.parentOf('C')).toBe('A')
  expect(world.childrenOf('A')).toEqual(['C'])
  expect(world.childrenOf('B')).toEqual([])
})
