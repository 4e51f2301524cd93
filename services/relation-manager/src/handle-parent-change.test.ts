import { SyncError } from '@sync/shared/errors'
import { beforeEach, describe, expect, test } from 'vitest'
import { childChanged, createRelationWorld, observed, refusal, START, V1, V2, V3 } from './testing/relation-manager.ts'

let world: ReturnType<typeof createRelationWorld>
beforeEach(() => {
  world = createRelationWorld()
})

describe('all that is pending for a company', () => {
  test('is one write of it, that carries its parent and its children and is read back', async () => {
    const foreign = { customerId: 'person', customerType: 'B2C', relationType: 'Employee' }
    world.inOmnium('B')
    world.inOmnium('P', { parent: 'A', children: ['D'], isParent: 'true', relations: [foreign] })
    world.inOmnium('C', { parent: 'P', version: V2 })
    world.inOmnium('D', { parent: 'B', version: V2 })

    const outcomes = await world.handle(
      observed({ company: 'P' }),
      childChanged(),
      childChanged({ child: 'D', to: 'B' }),
    )

    expect(outcomes.map(({ kind }) => kind)).toEqual(['done', 'done', 'done'])
    expect(world.omnium.journal.filter(({ id }) => id === 'P').map(({ operation }) => operation)).toEqual([
      'getCustomer',
      'getCustomer',
      'patchCustomer',
      'getCustomer',
    ])
    expect(world.parentOf('P')).toBe('B')
    expect(world.childrenOf('P')).toEqual(['C'])
    expect(world.omnium.customer('B2B', 'P')?.customerRelations).toContainEqual(foreign)
  })

  test('of a chain with 500 departments costs a few calls for the parent, and one for each department', async () => {
    world.inOmnium('P')
    const departments = Array.from({ length: 500 }, (_, n) => `D${n}`)
    for (const id of departments) world.inOmnium(id, { parent: 'P', version: V2 })
    let reading = 0
    let most = 0
    world.omnium.before(async () => {
      most = Math.max(most, ++reading)
      await Promise.resolve()
    })
    world.omnium.after(() => void reading--)

    const outcomes = await world.handle(
      ...departments.map((child, n) => childChanged({ child }, { offset: BigInt(n) })),
    )

    expect(outcomes.every(({ kind }) => kind === 'done')).toBe(true)
    expect(world.childrenOf('P')).toEqual(departments)
    expect(world.omnium.journal.filter(({ id }) => id === 'P')).toHaveLength(2)
    expect(world.omnium.journal).toHaveLength(502)
    expect(most).toBe(10)
  })

  test('does not keep its children waiting for a parent that is missing', async () => {
    world.inOmnium('P')
    world.inOmnium('C', { parent: 'P', version: V2 })

    const outcomes = await world.handle(observed({ company: 'P' }), childChanged())

    expect(outcomes).toMatchObject([{ kind: 'retry', reason: 'parent-missing' }, { kind: 'done' }])
  })

  test('shares the failures of the company’s reads, but for those who wait anyway', async () => {
    world.inOmnium('P')
    world.inOmnium('C', { parent: 'P', version: V2 })
    world.inOmnium('D', { version: V1 })
    const error = new SyncError('target-failed', 'reading in omnium: 500')
    world.omnium.fail({ when: ({ id }) => id === 'P', error, times: 2 })

    const outcomes = await world.handle(observed({ company: 'P' }), childChanged(), childChanged({ child: 'D' }))

    expect(outcomes).toMatchObject([
      { kind: 'retry', reason: 'target-failed' },
      { kind: 'retry', reason: 'target-failed' },
      { kind: 'retry', reason: 'child-pending' },
    ])
  })

  test('is written apart once it was refused together, so that only what is refused is set aside', async () => {
    world.inOmnium('B')
    world.inOmnium('P')
    world.inOmnium('C', { parent: 'P', version: V2 })
    const names = (parent: string) => (call: { body?: { customerRelations?: unknown } }) =>
      JSON.stringify(call.body?.customerRelations ?? []).includes(`"customerId":"${parent}"`)
    world.omnium.fail({ when: names('B'), error: refusal(), times: 9 })

    const outcomes = await world.handle(observed({ company: 'P' }), childChanged())

    expect(outcomes).toMatchObject([{ kind: 'park', reason: 'refused' }, { kind: 'done' }])
    expect(world.childrenOf('P')).toEqual(['C'])
    expect(world.parentOf('P')).toBeNull()
  })

  test('several observations end with the newest, and share its fate when it does not end', async () => {
    world.inFlow('C', 'B', V3)
    world.inOmnium('C')
    const records = [observed({ version: V1, parent: null }, { lane: 'verify' }), observed({ version: V3 })]

    expect(await world.handle(...records)).toMatchObject(
      records.map(() => ({ kind: 'retry', reason: 'parent-missing' })),
    )
    world.inOmnium('B')
    expect(await world.handle(...records)).toMatchObject([{ kind: 'skipped', reason: 'superseded' }, { kind: 'done' }])
  })
})

test('a company that vanishes before it is written is looked at again', async () => {
  world.inOmnium('B')
  world.inOmnium('C')
  world.publisher.before(() => world.omnium.erase('B2B', 'C'))
  expect(await world.handle(observed())).toMatchObject([{ kind: 'retry', reason: 'parent-missing' }])
})

test('what is not ours any more is left un-ended', async () => {
  world.inOmnium('B')
  world.inOmnium('C')
  world.omnium.before(({ operation }) => {
    if (operation === 'getCustomer')
      world.fence = () => {
        throw new SyncError('fenced', 'sending: the partition is not ours')
      }
  })

  await expect(world.handle(observed())).rejects.toMatchObject({ code: 'fenced' })
  expect(world.omnium.writes()).toEqual([])
})

test('two companies that change places get there, whichever comes first', async () => {
  world.inOmnium('X', { children: ['Y'], isParent: 'true' })
  world.inOmnium('Y', { parent: 'X', version: V1 })
  world.inFlow('Y', null)
  world.inFlow('X', 'Y')
  const down = observed({ company: 'X', parent: 'Y' })
  const up = observed({ company: 'Y', parent: null })

  expect(await world.handle(down)).toMatchObject([{ kind: 'retry', reason: 'parent-cycle-pending' }])
  await world.handle(up)
  await world.handle(down, childChanged({ parent: 'X', child: 'Y', to: null }))
  await world.handle(childChanged({ parent: 'Y', child: 'X', to: 'Y' }))

  expect([world.parentOf('X'), world.parentOf('Y')]).toEqual(['Y', null])
  expect([world.childrenOf('X'), world.childrenOf('Y')]).toEqual([[], ['X']])
  expect(world.property('X', 'Parent company')).toBe('false')
  expect(world.property('Y', 'Parent company')).toBe('true')
  expect(world.now).toBe(START)
})
