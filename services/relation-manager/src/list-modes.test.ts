import { SyncError } from '@sync/shared/errors'
import type { PatchLists } from '@sync/shared/testing/fake-omnium'
import { describe, expect, test } from 'vitest'
import type { ParentChangeDelivery } from './fold.ts'
import {
  childChanged,
  createRelationWorld,
  elementRemoved,
  observed,
  START,
  V1,
  V2,
  V3,
} from './testing/relation-manager.ts'

const MODES: readonly PatchLists[] = ['replace', 'merge', 'merge-unless-told']
const FOREIGN = { customerId: 'person', customerType: 'B2C', relationType: 'Employee' }

/** Handles the records, and again after each wait that they ask for. */
async function untilEnded(world: ReturnType<typeof createRelationWorld>, ...deliveries: ParentChangeDelivery[]) {
  for (let round = 0; round < 20; round++) {
    const outcomes = await world.handle(...deliveries)
    const waits = outcomes.flatMap((outcome) => (outcome.kind === 'retry' ? [outcome.afterMs ?? 1_000] : []))
    if (waits.length === 0) return outcomes
    world.now += Math.min(...waits)
  }
  throw new Error('the records never ended')
}

describe.each(MODES)('where a PATCH is to %s lists', (patchLists) => {
  test('a company that moves leaves its former parent, and both parents say so', async () => {
    const world = createRelationWorld({ patchLists })
    world.inOmnium('A', { children: ['C', 'D'], isParent: 'true', relations: [FOREIGN] })
    world.inOmnium('B')
    world.inOmnium('C', { parent: 'A', version: V1, relations: [FOREIGN] })

    world.inFlow('C', 'B')

    const [moved] = await untilEnded(world, observed())
    await untilEnded(world, childChanged({ parent: 'A', to: 'B' }))
    await untilEnded(world, childChanged({ parent: 'B', to: 'B' }))

    expect(moved).toMatchObject({ kind: 'done', effect: { operation: 'updated' } })
    expect(world.parentsOf('C')).toEqual(['B'])
    expect(world.childrenOf('A')).toEqual(['D'])
    expect(world.childrenOf('B')).toEqual(['C'])
    expect(world.omnium.customer('B2B', 'C')?.customerRelations).toContainEqual(FOREIGN)
    expect(world.omnium.customer('B2B', 'A')?.customerRelations).toContainEqual(FOREIGN)
    expect(world.now - START).toBeLessThan(30_000)
  })

  test('a company that moves, and is edited in Flow before the removal is read, leaves its former parent too', async () => {
    const world = createRelationWorld({ patchLists })
    world.inOmnium('A', { children: ['C'], isParent: 'true' })
    world.inOmnium('B')
    world.inOmnium('C', { parent: 'A', version: V1 })
    world.inFlow('C', 'B', V2)
    await world.handle(observed())
    world.now += 2_000
    // The edit is of another field, so that no record about the parent comes with it.
    world.inFlow('C', 'B', V3)

    await untilEnded(world, observed())
    await untilEnded(world, childChanged({ parent: 'A', to: 'B' }))

    expect(world.parentsOf('C')).toEqual(['B'])
    expect(world.childrenOf('A')).toEqual([])
  })

  test('a company without a parent any more has none, and its former parent is no parent company', async () => {
    const world = createRelationWorld({ patchLists })
    world.inOmnium('A', { children: ['C'], isParent: 'true' })
    world.inOmnium('C', { parent: 'A', version: V1 })
    world.inFlow('C')

    await untilEnded(world, observed({ parent: null }))
    await untilEnded(world, childChanged({ parent: 'A', to: null }))

    expect(world.parentsOf('C')).toEqual([])
    expect(world.childrenOf('A')).toEqual([])
    expect(world.property('A', 'Parent company')).toBe('false')
  })

  test('an element that Omnium has kept is removed by an Update of the company, and the mapper reads it again', async () => {
    const world = createRelationWorld({ patchLists })
    const kept = { externalId: 'a2', line1: 'kept' }
    world.omnium.put('B2B', {
      customerId: 'C',
      created: V1,
      modified: V2,
      cardNo: 'unmapped',
      addresses: [{ externalId: 'a1' }, kept, { externalId: 'a1', line1: 'another form' }],
    })

    expect(await world.handle(elementRemoved({ list: 'addresses', id: 'a1' }))).toMatchObject([
      { kind: 'done', effect: { changed: ['addresses'] } },
    ])

    expect(world.omnium.customer('B2B', 'C')).toMatchObject({ addresses: [kept], cardNo: 'unmapped', created: V1 })
    const [update] = world.omnium.writes()
    expect(update).toMatchObject({ operation: 'updateBusinessCustomer' })
    expect(Object.keys(update!.body!)).not.toContain('modified')
    expect(world.publisher.handedOn).toMatchObject([
      { to: 'customer-mapper', topic: 'flow.customers.v1', key: 'acme:C', why: 're-read', notBefore: START + 20_000 },
      { to: 'customer-mapper', why: 're-read', notBefore: START },
    ])
  })
})

describe('a removal by PATCH', () => {
  test('that takes effect costs one PATCH with the whole list, and no Update', async () => {
    const world = createRelationWorld({ patchLists: 'merge-unless-told' })
    world.inOmnium('A')
    world.inOmnium('B')
    world.inOmnium('C', { parent: 'A', version: V1 })

    await world.handle(observed())

    expect(world.omnium.writes()).toMatchObject([
      { operation: 'patchCustomer', body: { keepExistingListItems: false } },
    ])
  })

  test('leaves the option out once Omnium has answered 400 to the option', async () => {
    const world = createRelationWorld()
    for (const id of ['A', 'B', 'D']) world.inOmnium(id)
    world.inOmnium('C', { parent: 'A', version: V1 })
    world.inOmnium('E', { parent: 'A', version: V1 })
    world.omnium.fail({
      when: ({ body }) => body !== undefined && 'keepExistingListItems' in body,
      error: new SyncError('target-refused', 'updating a customer in omnium: 400', { status: 400 }),
      times: 99,
    })

    expect(await world.handle(observed())).toMatchObject([{ kind: 'done' }])
    expect(await world.handle(observed({ company: 'E' }))).toMatchObject([{ kind: 'done' }])

    const options = world.omnium.writes().map(({ body }) => 'keepExistingListItems' in body!)
    expect(options).toEqual([true, false, false])
  })

  test('does not delay the children of the same company', async () => {
    const world = createRelationWorld({ patchLists: 'merge' })
    world.inOmnium('B')
    world.inOmnium('P', { children: ['C'], isParent: 'true' })
    world.inOmnium('C', { parent: 'B', version: V2 })
    world.inOmnium('D', { parent: 'P', version: V2 })

    const outcomes = await world.handle(childChanged({ to: 'B' }), childChanged({ child: 'D' }))

    expect(outcomes).toMatchObject([{ kind: 'retry', reason: 'removal-pending', afterMs: 2_000 }, { kind: 'done' }])
  })

  test('is not given up because an earlier removal of the company ended in another way', async () => {
    const world = createRelationWorld({ patchLists: 'merge' })
    for (const id of ['A', 'B', 'D']) world.inOmnium(id)
    world.inOmnium('C', { parent: 'A', version: V1 })
    world.inFlow('C', 'D', V3)
    let isKept = true
    world.omnium.after(({ operation }) => {
      if (isKept && operation === 'updateBusinessCustomer') world.inOmnium('C', { parent: 'A', version: V1 })
    })
    // The Update of the first announcement does not show yet, and a newer announcement supersedes the first one.
    const first = observed({ parent: 'B' })
    for (let turns = 0; turns < 10; turns++) {
      const [end] = await world.handle(first)
      if (world.omnium.writes().some(({ operation }) => operation === 'updateBusinessCustomer')) break
      world.now += (end as { afterMs: number }).afterMs
    }
    isKept = false
    world.now += 30_000

    const origin = { ...first.origin, offset: first.origin.offset + 7n }
    const [end] = await untilEnded(world, { ...observed({ parent: 'D', version: V3 }), origin })
    expect(end).toMatchObject({ kind: 'done' })
    expect(end).not.toHaveProperty('notes')
    expect(world.parentsOf('C')).toEqual(['D'])
  })

  test('that no write achieves ends and is named', async () => {
    const world = createRelationWorld({ patchLists: 'merge' })
    world.inOmnium('B')
    world.inOmnium('P', { children: ['C'], isParent: 'true' })
    world.inOmnium('C', { parent: 'B', version: V2 })
    world.omnium.after(({ operation }) => {
      if (operation === 'updateBusinessCustomer') world.inOmnium('P', { children: ['C'], isParent: 'true' })
    })

    expect(await untilEnded(world, childChanged({ to: 'B' }))).toMatchObject([
      { kind: 'done', notes: { notRemoved: ['customerRelations'] } },
    ])
    expect(world.omnium.writes().filter(({ operation }) => operation === 'updateBusinessCustomer')).toHaveLength(1)
  })
})

describe('an absence', () => {
  const pending = new SyncError('absence-pending', 'proving an absence in omnium', { retryAfterMs: 10_000 })

  test('of a child that is not proven leaves the entry of its parent', async () => {
    const world = createRelationWorld()
    world.inOmnium('P', { children: ['C'], isParent: 'true' })
    world.omnium.fail({ when: ({ operation }) => operation === 'proveAbsent', error: pending })

    expect(await world.handle(childChanged())).toMatchObject([
      { kind: 'retry', reason: 'absence-pending', afterMs: 10_000 },
    ])
    expect(world.childrenOf('P')).toEqual(['C'])

    await world.handle(childChanged())
    expect(world.childrenOf('P')).toEqual([])
  })

  test('of the company in Flow that is not proven does not end its record', async () => {
    const world = createRelationWorld()
    world.inOmnium('B')
    world.inOmnium('C')
    world.flow.fail({ when: ({ operation }) => operation === 'proveAbsent', error: pending })

    expect(await world.handle(observed({}, { lane: 'deferred' }))).toMatchObject([{ kind: 'retry' }])
    expect(await world.handle(observed({}, { lane: 'deferred' }))).toMatchObject([{ reason: 'deleted' }])
  })
})

test('three version conflicts in a row are a refusal, and a success in between begins anew', async () => {
  const world = createRelationWorld()
  world.inOmnium('A')
  world.inOmnium('B')
  world.inOmnium('C', { parent: 'A', version: V1 })
  const conflict = new SyncError('version-conflict', 'updating a customer in omnium: 409 Conflict', { status: 409 })
  const isPatch = ({ operation }: { operation: string }) => operation === 'patchCustomer'

  world.omnium.fail({ when: isPatch, error: conflict, times: 2 })
  expect(await world.handle(observed())).toMatchObject([{ kind: 'retry', reason: 'version-conflict' }])
  expect(await world.handle(observed())).toMatchObject([{ kind: 'retry', reason: 'version-conflict' }])
  expect(await world.handle(observed())).toMatchObject([{ kind: 'done' }])

  world.inOmnium('C', { parent: 'A', version: V1 })
  world.omnium.fail({ when: isPatch, error: conflict, times: 3 })
  expect(await world.handle(observed())).toMatchObject([{ kind: 'retry' }])
  expect(await world.handle(observed())).toMatchObject([{ kind: 'retry' }])
  expect(await world.handle(observed())).toMatchObject([{ kind: 'park', reason: 'refused' }])
})
