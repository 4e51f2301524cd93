import { rawOf } from '@sync/shared/http/reading'
import { type OmniumCustomer, readOmniumCustomer } from '@sync/shared/omnium/schema'
import { describe, expect, test } from 'vitest'
import { childChanged, createRelationWorld, elementRemoved, observed, V1, V2, V3 } from './testing/relation-manager.ts'

type World = ReturnType<typeof createRelationWorld>

/** From now on, each by-id read of this company shows `fields` in place of the stored ones. Answers how to end that. */
function answer(world: World, id: string, fields: Record<string, unknown>): () => void {
  const { getCustomer } = world.omnium
  world.omnium.getCustomer = async (call, kind, asked) => {
    const company = await getCustomer(call, kind, asked)
    if (company === null || asked !== id) return company
    return readOmniumCustomer({ ...rawOf(company), ...fields }) as OmniumCustomer
  }
  return () => {
    world.omnium.getCustomer = getCustomer
  }
}

/** C below A, as we wrote it; B beside them. */
function given(options = {}) {
  const world = createRelationWorld(options)
  world.inOmnium('A', { children: ['C', 'D'], isParent: 'true' })
  world.inOmnium('B')
  world.inOmnium('C', { parent: 'A', version: `${V1}|A` })
  world.inFlow('C', 'B')
  return world
}

const HIDDEN = {
  kind: 'retry',
  reason: 'target-failed',
  message: expect.stringContaining('customerRelations'),
  notes: { unreadable: ['customerRelations'] },
}

describe.each([
  ['null', null],
  ['left out', undefined],
  ['an object', {}],
  ['a list with a text in it', ['x', { customerId: 'A', relationType: 'Parent', customerType: 'B2B' }]],
  ['a list with a parent without an id', [{ relationType: 'Parent', customerType: 'B2B' }]],
  ['a list with a sub-department whose id is a dash', [{ customerId: '-', relationType: 'SubDepartment' }]],
  ['a list with a company without a type', [{ customerId: 'D', customerType: 'B2B' }]],
])('relations that are %s', (_what, customerRelations) => {
  test('keep a company from being moved, and nobody is told, until they can be read', async () => {
    const world = given()
    const end = answer(world, 'C', { customerRelations })

    expect(await world.handle(observed())).toMatchObject([HIDDEN])
    expect(world.omnium.writes()).toEqual([])
    expect(world.announced()).toEqual([])

    end()
    expect(await world.handle(observed())).toMatchObject([{ kind: 'done' }])
    expect(world.announced()).toEqual(['A: C to B', 'B: C to B'])
    expect(world.property('C', 'flowParentVersion')).toBe(`${V2}|B`)
  })

  test('of a company that has the parent by our last write change nothing, and are named', async () => {
    const world = given()
    answer(world, 'C', { customerRelations })

    expect(await world.handle(observed({ parent: 'A' }))).toMatchObject([
      { kind: 'skipped', reason: 'unchanged', notes: HIDDEN.notes },
    ])
    expect(await world.handle(observed({ version: '2026-01-01T09:00:00Z' }))).toMatchObject([{ reason: 'stale' }])
  })

  test('of a child keep the parents as they are', async () => {
    const world = given()
    answer(world, 'C', { customerRelations })

    expect(await world.handle(childChanged({ parent: 'A', to: 'B', version: V1 }))).toMatchObject([HIDDEN])
    expect(await world.handle(childChanged({ parent: 'B', to: 'B', version: V1 }))).toMatchObject([HIDDEN])
    expect([world.childrenOf('A'), world.childrenOf('B')]).toEqual([['C', 'D'], []])
  })

  test('of a parent keep its entries as they are, for each of its children', async () => {
    const world = given()
    world.inOmnium('C', { parent: 'B', version: `${V2}|B` })
    world.inOmnium('D', { parent: 'A', version: `${V2}|A` })
    const end = answer(world, 'A', { customerRelations })
    const records = [
      childChanged({ parent: 'A', to: 'B' }),
      childChanged({ parent: 'A', child: 'D', to: 'A' }),
    ] as const

    expect(await world.handle(...records)).toMatchObject([HIDDEN, HIDDEN])
    expect(world.omnium.writes()).toEqual([])

    end()
    await world.handle(...records)
    expect(world.childrenOf('A')).toEqual(['D'])
  })

  test('of a company above the new parent leave the question of a cycle to Flow', async () => {
    const world = given()
    world.inOmnium('B', { parent: 'TOP', version: `${V1}|TOP` })
    world.inFlow('B', 'TOP')
    answer(world, 'B', { customerRelations })

    expect(await world.handle(observed())).toMatchObject([{ kind: 'done' }])

    const cyclic = given()
    cyclic.inOmnium('B', { parent: 'C', version: `${V1}|C` })
    cyclic.inFlow('B', 'C')
    answer(cyclic, 'B', { customerRelations })
    expect(await cyclic.handle(observed())).toMatchObject([{ kind: 'park', reason: 'parent-cycle' }])
  })
})

describe('relations that are null', () => {
  test('of companies that never had any are written, and only added to', async () => {
    const world = createRelationWorld({ patchLists: 'merge-unless-told' })
    const partner = { customerId: 'partner', customerType: 'B2B', relationType: 'Partner' }
    world.inOmnium('C', { relations: [partner] })
    world.inOmnium('B', { relations: [partner] })
    world.inFlow('C', 'B')
    const end = answer(world, 'C', { customerRelations: null })

    expect(await world.handle(observed())).toMatchObject([{ kind: 'done' }])
    end()
    answer(world, 'B', { customerRelations: null })
    expect(await world.handle(childChanged({ parent: 'B', to: 'B' }))).toMatchObject([{ kind: 'done' }])

    expect([world.parentOf('C'), world.childrenOf('B')]).toEqual(['B', ['C']])
    for (const id of ['B', 'C']) {
      expect(world.omnium.customer('B2B', id)?.customerRelations).toContainEqual(partner)
    }
  })

  test('of a company whose last parent was removed are none', async () => {
    const world = given()
    world.inOmnium('C', { version: `${V1}|` })
    answer(world, 'C', { customerRelations: null })

    expect(await world.handle(observed())).toMatchObject([{ kind: 'done' }])
    expect(world.parentOf('C')).toBe('B')
  })
})

test('a relation of another system with a value that can’t be read keeps the list from being sent', async () => {
  const world = given()
  const odd = { customerId: 'partner', relationType: 'Partner', customerType: {} }
  const parent = { customerId: 'A', relationType: 'Parent', customerType: 'B2B' }
  answer(world, 'C', { customerRelations: [odd, parent] })

  expect(await world.handle(observed())).toMatchObject([HIDDEN])
  expect(await world.handle(observed({ parent: 'A' }))).toMatchObject([{ kind: 'skipped', reason: 'unchanged' }])
  expect(world.omnium.writes()).toEqual([])
})

test('properties that can’t be read keep an older parent from being written', async () => {
  const world = given()
  world.inOmnium('C', { parent: 'A', version: `${V3}|A` })
  answer(world, 'C', { properties: 'odd' })

  expect(await world.handle(observed())).toMatchObject([
    { kind: 'retry', message: expect.stringContaining('properties'), notes: { unreadable: ['properties'] } },
  ])
  expect(await world.handle(observed({ parent: 'A' }))).toMatchObject([{ kind: 'skipped', reason: 'unchanged' }])
  expect(world.parentOf('C')).toBe('A')
})

describe('a company that would be updated whole', () => {
  const untilEnded = async (world: World, record: ReturnType<typeof observed>) => {
    for (let round = 0; round < 20; round++) {
      const [outcome] = await world.handle(record)
      if (outcome?.kind !== 'retry') return outcome
      world.now += outcome.afterMs ?? 1_000
    }
    throw new Error('the record never ended')
  }

  test.each([
    ['an unreadable field', { email: {} }, ['email']],
    ['an unreadable contact', { contacts: ['x'] }, ['contacts']],
    ['no addresses in the place of ours', { addresses: null }, ['addresses']],
  ])('keeps an old relation because of %s, and the outcome names both', async (_what, fields, named) => {
    const world = given({ patchLists: 'merge' })
    const ids = { key: 'flowElementIds', value: JSON.stringify({ contacts: [], addresses: ['a1'] }) }
    const company = world.omnium.customer('B2B', 'C')!
    world.omnium.put('B2B', {
      ...company,
      properties: [...company.properties!, ids],
      addresses: [{ externalId: 'a1' }],
    })
    answer(world, 'C', fields)

    expect(await untilEnded(world, observed())).toMatchObject({
      ...{ kind: 'done', effect: { changed: expect.arrayContaining(['customerRelations']) } },
      notes: { notRemoved: ['customerRelations'], unreadable: named },
    })
    expect(world.parentsOf('C')).toContain('B')
    expect(world.omnium.writes().map(({ operation }) => operation)).not.toContain('updateBusinessCustomer')
  })

  test.each([
    ['another field', { email: {} }, ['email']],
    ['its own list', { contacts: [{ id: 'c1' }, 'x'] }, ['contacts']],
    ['its own list, without the element', { contacts: {} }, ['contacts']],
    ['no relation in the place of ours', { customerRelations: null }, ['customerRelations']],
    ['a relation without a type', { customerRelations: [{ customerId: 'A' }] }, ['customerRelations']],
  ])('keeps an element because %s can’t be read, and the outcome names both', async (_what, fields, named) => {
    const world = given()
    world.omnium.put('B2B', { ...world.omnium.customer('B2B', 'C'), contacts: [{ id: 'c1' }] })
    answer(world, 'C', fields)

    expect(await world.handle(elementRemoved())).toMatchObject([
      { kind: 'skipped', reason: 'unchanged', notes: { notRemoved: ['contacts'], unreadable: named } },
    ])
    expect(world.omnium.writes()).toEqual([])
  })
})

test('elements without an id are another system’s: none is removed for a record without an id, or with the id of another', async () => {
  const world = createRelationWorld()
  const contacts = [{ firstName: 'Web' }, { firstName: 'Web' }, { id: '' }, { id: 'c1' }]
  world.inOmnium('C')
  world.omnium.put('B2B', { ...world.omnium.customer('B2B', 'C'), contacts })

  expect(await world.handle(elementRemoved({ id: '' }))).toMatchObject([{ kind: 'skipped', reason: 'unchanged' }])
  await world.handle(elementRemoved({ id: 'c1' }))

  expect(world.omnium.customer('B2B', 'C')?.contacts).toEqual(contacts.slice(0, -1))
})
