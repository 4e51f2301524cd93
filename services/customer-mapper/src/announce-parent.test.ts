import { aCompany, aPerson } from '@sync/shared/testing/builders'
import { describe, expect, test } from 'vitest'
import { createWorld } from './testing/world.ts'

const at = (second: number) => `2026-01-01T00:00:0${second}Z`

describe('announcing a parent', () => {
  test.each([
    ['its parent', { parentCustomer: { customerUid: '9', displayName: 'kept out' } }, '9'],
    ['no parent', { parentCustomer: null }, null],
    ['a parent with an empty uid', { parentCustomer: { customerUid: '' } }, null],
    ['nothing of a parent', {}, null],
  ])('a company says %s, keyed by the company', async (_what, fields, parent) => {
    const world = createWorld()
    world.flow.put(aCompany({ externalId: '2000', lastModifiedAt: at(2), ...fields }))

    await world.fromFlow('2000')

    expect(world.publisher.published).toEqual([
      {
        topic: 'company.parent-changes.v1',
        key: 'acme:2000',
        value: {
          type: 'parent-observed',
          tenant: 'acme',
          company: '2000',
          parent,
          version: at(2),
          repair: false,
          notifiedAt: '2026-01-01T12:00:00.000Z',
        },
      },
    ])
  })

  test('also when nothing changed, when it is stale and when nothing names a version', async () => {
    const world = createWorld()
    world.flow.put(aCompany({ companyName: 'A', externalId: '2000', lastModifiedAt: at(2) }))

    await world.fromFlow('2000')
    await world.fromFlow('2000')
    await world.fromFlow('2000', aCompany({ companyName: 'B', externalId: '2000', lastModifiedAt: at(1) }))
    await world.fromFlow('2000', aCompany({ companyName: 'A', externalId: '2000', lastModifiedAt: null }))

    expect(
      world.publisher.values('company.parent-changes.v1').map((value) => 'version' in value && value.version),
    ).toEqual([at(2), at(2), at(1), ''])
    expect(world.omnium.writes()).toHaveLength(1)
  })

  test('marked when it comes out of its place, and after the upsert', async () => {
    const world = createWorld()
    world.flow.put(aCompany({ externalId: '2000' }))
    world.publisher.before(() => expect(world.omnium.customer('B2B', '2000')).toBeDefined())

    await world.fromFlow('2000', undefined, { repair: true })
    await world.fromFlow('2000', undefined, { lane: 'deferred' })

    expect(
      world.publisher.values('company.parent-changes.v1').map((value) => 'repair' in value && value.repair),
    ).toEqual([true, true])
  })

  test('not when we made the company in Flow ourselves, which knows nothing of its parent there, until it is edited', async () => {
    const world = createWorld()
    const customerRelations = [{ customerId: '9', customerType: 'B2B', relationType: 'Parent' }]
    world.omnium.put('B2B', { customerId: '2000', name: 'A', customerRelations })
    await world.fromOrder({ customerId: '2000', customerType: 'B2B' })

    await world.fromFlow('2000')
    await world.fromFlow('2000', undefined, { repair: true })
    const untouched = [...world.publisher.published]
    const { createdAt } = world.flow.customer('2000')!
    world.flow.edit('2000', { parentCustomer: null })
    await world.fromFlow('2000')

    expect(createdAt).toBeTypeOf('string')
    expect(untouched).toEqual([])
    expect(world.publisher.values('company.parent-changes.v1')).toMatchObject([{ company: '2000', parent: null }])
    expect(world.omnium.writes()).toEqual([])
  })

  test('a person has none', async () => {
    const world = createWorld()
    world.flow.put(aPerson({ parentCustomer: { customerUid: '9' } }))

    await world.fromFlow('1000')

    expect(world.publisher.published).toEqual([])
  })
})
