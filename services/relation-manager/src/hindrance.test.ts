import { aPerson } from '@sync/shared/testing/builders'
import { beforeEach, describe, expect, test } from 'vitest'
import { createRelationWorld, observed, START, V3, WAIT_MS } from './testing/relation-manager.ts'

let world: ReturnType<typeof createRelationWorld>
beforeEach(() => {
  world = createRelationWorld()
})

describe('a parent that is missing in Omnium', () => {
  beforeEach(() => world.inOmnium('C'))

  test('is waited for, at growing intervals', async () => {
    const delays = []
    for (world.now = START; world.now < START + WAIT_MS; ) {
      const [outcome] = await world.handle(observed())
      expect(outcome).toMatchObject({ kind: 'retry', reason: 'parent-missing' })
      delays.push((outcome as { afterMs: number }).afterMs)
      world.now += delays.at(-1)!
    }
    expect(delays.slice(0, 5)).toEqual([1000, 1000, 1000, 1500, 2250])
    expect(delays.length).toBeLessThan(25)
    expect(world.flow.journal).toEqual([])
  })

  test('is waited for on when Flow has it', async () => {
    world.inFlow('B')
    world.now = START + WAIT_MS
    const [outcome] = await world.handle(observed())
    expect(outcome).toMatchObject({ kind: 'retry', reason: 'parent-missing', afterMs: 600_000 })
  })

  test.each(['nobody', 'a person'])('is not waited for any longer when Flow has %s by that id', async (who) => {
    if (who === 'a person') world.flow.put(aPerson({ customerUid: 'B' }))
    world.now = START + WAIT_MS
    expect(await world.handle(observed())).toMatchObject([{ kind: 'park', reason: 'parent-not-found' }])
  })
})

test('a company that is missing in Omnium itself is waited for, and then let go', async () => {
  world.inOmnium('B')
  expect(await world.handle(observed())).toMatchObject([{ kind: 'retry', reason: 'parent-missing' }])
  world.now = START + WAIT_MS
  expect(await world.handle(observed())).toEqual([{ kind: 'skipped', reason: 'not-found' }])
})

describe('a company that would be its own ancestor', () => {
  test('as its own parent is set aside', async () => {
    world.inOmnium('C')
    expect(await world.handle(observed({ parent: 'C' }))).toMatchObject([{ kind: 'park', reason: 'parent-cycle' }])
  })

  test('is set aside when it is in Flow too', async () => {
    world.inOmnium('B', { parent: 'M' })
    world.inOmnium('M', { parent: 'C' })
    world.inOmnium('C')
    world.inFlow('B', 'M')
    world.inFlow('M', 'C')
    world.inFlow('C', 'B')

    expect(await world.handle(observed())).toMatchObject([{ kind: 'park', reason: 'parent-cycle' }])
    expect(world.announced()).toEqual([])
  })

  test('waits when Flow knows better, and is set aside when that does not help', async () => {
    world.inOmnium('B', { parent: 'C' })
    world.inOmnium('C')
    world.inFlow('B')
    world.inFlow('C', 'B')

    expect(await world.handle(observed())).toMatchObject([{ kind: 'retry', reason: 'parent-cycle-pending' }])
    world.now = START + WAIT_MS
    expect(await world.handle(observed())).toMatchObject([{ kind: 'park', reason: 'parent-cycle' }])
  })

  test('an outdated record of it is not set aside for a cycle that is Flow’s no more', async () => {
    world.inOmnium('B', { parent: 'C' })
    world.inOmnium('C')
    world.inFlow('B', 'C')
    world.inFlow('C', null, V3)

    expect(await world.handle(observed())).toMatchObject([{ kind: 'retry', reason: 'parent-cycle-pending' }])
  })

  test('is not set aside for a cycle that Flow never held, only passed by while it was read', async () => {
    world.inOmnium('B', { parent: 'C' })
    world.inOmnium('C')
    world.inFlow('C', 'B')
    world.inFlow('B')
    const { getCustomer } = world.flow
    let reads = 0
    world.flow.getCustomer = async (call, id) => {
      const customer = await getCustomer(call, id)
      reads++
      if (reads === 1) {
        world.inFlow('C', null, V3)
        world.inFlow('B', 'C', V3)
      }
      return customer
    }

    expect(await world.handle(observed())).toMatchObject([{ kind: 'retry', reason: 'parent-cycle-pending' }])
    expect(reads).toBeGreaterThan(1)
  })

  test('a cycle among its ancestors without it does no harm', async () => {
    world.inOmnium('B', { parent: 'M' })
    world.inOmnium('M', { parent: 'B' })
    world.inOmnium('C')
    expect(await world.handle(observed())).toMatchObject([{ kind: 'done' }])
  })
})
