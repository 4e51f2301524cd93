import { SyncError } from '@sync/shared/errors'
import { aPerson } from '@sync/shared/testing/builders'
import { beforeEach, describe, expect, test } from 'vitest'
import { createRelationWorld, observed, V1, V2, V3 } from './testing/relation-manager.ts'

let world: ReturnType<typeof createRelationWorld>
beforeEach(() => {
  world = createRelationWorld()
})

describe('a parent that changed', () => {
  test('is announced to the former and the new parent, and then written with its version', async () => {
    world.inOmnium('A')
    world.inOmnium('B')
    world.inOmnium('C', { parent: 'A', version: V1 })
    world.omnium.before(({ operation }) => {
      if (operation === 'patchCustomer') expect(world.announced()).toEqual(['A: C to B', 'B: C to B'])
    })

    const [outcome] = await world.handle(observed())

    expect(outcome).toEqual({
      kind: 'done',
      effect: {
        operation: 'updated',
        target: 'omnium',
        changed: ['customerRelations', 'properties.flowParentVersion'],
        version: V2,
      },
    })
    expect(world.parentOf('C')).toBe('B')
    expect(world.property('C', 'flowParentVersion')).toBe(`${V2}|B`)
    expect(world.publisher.published.map(({ key }) => key)).toEqual(['acme:A', 'acme:B'])
    expect(world.publisher.values('company.parent-changes.v1')[0]).toMatchObject({ version: V2, notifiedAt: V2 })
  })

  test('to none is announced to the former parent alone', async () => {
    world.inOmnium('C', { parent: 'A' })

    await world.handle(observed({ parent: null }))

    expect(world.parentOf('C')).toBeNull()
    expect(world.announced()).toEqual(['A: C to null'])
  })

  test('from several that somebody else wrote is announced to all of them', async () => {
    world.inOmnium('B')
    world.inOmnium('C', { parent: 'A', relations: [{ customerId: 'Z', relationType: 'Parent' }] })

    await world.handle(observed())

    expect(world.announced()).toEqual(['Z: C to B', 'A: C to B', 'B: C to B'])
    expect(world.omnium.customer('B2B', 'C')?.customerRelations).toHaveLength(1)
  })

  test('is not written while Kafka does not acknowledge the announcement', async () => {
    world.inOmnium('B')
    world.inOmnium('C')
    world.publisher.fail(new SyncError('kafka-unavailable', 'publishing: no broker'))

    const [outcome] = await world.handle(observed())

    expect(outcome).toMatchObject({ kind: 'retry', reason: 'kafka-unavailable' })
    expect(world.omnium.writes()).toEqual([])
  })
})

describe('nothing is written nor announced', () => {
  test('for an observation that is older than what is stored', async () => {
    world.inOmnium('C', { parent: 'A', version: V3 })
    expect(await world.handle(observed())).toEqual([{ kind: 'skipped', reason: 'stale', version: V2 }])
    expect(world.announced()).toEqual([])
  })

  test('for the parent that is there', async () => {
    world.inOmnium('C', { parent: 'B' })
    expect(await world.handle(observed())).toEqual([{ kind: 'skipped', reason: 'unchanged', version: V2 }])
    expect(world.announced()).toEqual([])
    expect(world.omnium.writes()).toEqual([])
  })
})

test.each([
  { doubt: 'a repair', lane: null, repair: true },
  { doubt: 'a lane record', lane: 'replayed' as const, repair: false },
])(
  '$doubt of an unchanged parent is announced to it, with the version that is stored: nobody has to wait for it',
  async ({ lane, repair }) => {
    world.inFlow('C', 'B')
    world.inOmnium('C', { parent: 'B', version: V1 })
    const [outcome] = await world.handle(observed({ repair }, { lane }))

    expect(outcome).toMatchObject({ kind: 'skipped', reason: 'unchanged' })
    expect(world.publisher.values('company.parent-changes.v1')).toMatchObject([{ parent: 'B', to: 'B', version: V1 }])
  },
)

describe('a record of the retry lane', () => {
  test('gives way to what Flow says now', async () => {
    world.inFlow('C', 'B3', V3)
    for (const id of ['B', 'B3', 'C']) world.inOmnium(id)

    await world.handle(observed({}, { lane: 'redriven' }))

    expect(world.parentOf('C')).toBe('B3')
    expect(world.property('C', 'flowParentVersion')).toBe(`${V3}|B3`)
  })

  test('is taken at its word when it is the newer one', async () => {
    world.inFlow('C', null, V1)
    for (const id of ['B', 'C']) world.inOmnium(id)
    await world.handle(observed({}, { lane: 'deferred' }))
    expect(world.parentOf('C')).toBe('B')
  })

  test('ends when Flow has no such company any more', async () => {
    for (const id of ['B', 'C']) world.inOmnium(id)
    expect(await world.handle(observed({}, { lane: 'replayed' }))).toEqual([{ kind: 'skipped', reason: 'deleted' }])
    world.flow.put(aPerson({ customerUid: 'C' }))
    expect(await world.handle(observed({}, { lane: 'replayed' }))).toEqual([{ kind: 'skipped', reason: 'ignored' }])
    expect(world.omnium.writes()).toEqual([])
  })
})

test('a company whose parent is not what its stored version was written with gets what Flow says now', async () => {
  world.inFlow('C', 'A', V3)
  for (const id of ['A', 'B']) world.inOmnium(id)
  world.inOmnium('C', { parent: 'Z', version: V2 })

  await world.handle(observed({ parent: 'B' }))

  expect(world.parentOf('C')).toBe('A')
  expect(world.announced()).toEqual(['Z: C to A', 'A: C to A'])
})
