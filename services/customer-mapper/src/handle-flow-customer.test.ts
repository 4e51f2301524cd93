import { SyncError } from '@sync/shared/errors'
import { done, park, skipped } from '@sync/shared/outcome'
import { aCompany, aDelivery, aFlowSnapshot, aPerson } from '@sync/shared/testing/builders'
import { describe, expect, test } from 'vitest'
import { createWorld } from './testing/world.ts'

const at = (second: number) => `2026-01-01T00:00:0${second}Z`

describe('creating', () => {
  test('a new customer is created in Omnium and linked in Flow, whose next snapshot changes nothing', async () => {
    const world = createWorld()
    world.flow.put(aPerson({ customerUid: '+47@%', firstname: 'A', lastModifiedAt: at(1) }))

    const created = await world.fromFlow('+47@%')
    const linked = world.flow.customer('+47@%')
    world.forget()
    const again = await world.fromFlow('+47@%')

    expect(created).toEqual(
      done({ operation: 'created', target: 'omnium', changed: ['firstName', 'address.countryCode'], version: at(1) }),
    )
    expect(linked).toMatchObject({ externalId: '+47@%' })
    expect(again).toEqual(skipped('unchanged', linked?.lastModifiedAt ?? ''))
    expect(world.writes()).toEqual([])
  })

  test.each([null, '', undefined])('an externalId of %j is none', async (externalId) => {
    const world = createWorld()
    world.flow.put(aPerson({ externalId }))

    await world.fromFlow('1000')

    expect(world.flow.writes()).toMatchObject([{ operation: 'updateCustomer', body: { externalId: '1000' } }])
  })

  test('another externalId is left alone', async () => {
    const world = createWorld()
    world.flow.put(aPerson({ externalId: 'erp-7' }))

    await world.fromFlow('1000')

    expect(world.flow.writes()).toEqual([])
    expect(world.omnium.customer('B2C', '1000')).toBeDefined()
  })

  test('an edit whose webhook was lost is read again before the link hides the edit from the sweeps', async () => {
    const world = createWorld()
    const created = aPerson({ firstname: 'A', lastModifiedAt: at(1) })
    world.flow.put({ ...created, firstname: 'B', lastModifiedAt: at(2), lastModifiedBy: 'cashier' })

    await world.fromFlow('1000', created)

    expect(world.flow.customer('1000')).toMatchObject({ externalId: '1000' })
    expect(world.publisher.handedOn).toMatchObject([
      { to: 'customer-mapper', topic: 'flow.customers.v1', why: 're-read', reason: 'newer-in-flow' },
    ])
    await world.fromFlow('1000', created, { lane: 're-read' })
    expect(world.omnium.customer('B2C', '1000')).toMatchObject({ firstName: 'B' })
  })

  test('a customer that is as the record says is not read again for the link', async () => {
    const world = createWorld()
    world.flow.put(aPerson({ firstname: 'A', lastModifiedAt: at(1) }))

    await world.fromFlow('1000')

    expect(world.flow.customer('1000')).toMatchObject({ externalId: '1000' })
    expect(world.publisher.handedOn).toEqual([])
  })

  test('a link is not written while the record that asks to read again cannot be written', async () => {
    const world = createWorld()
    const created = aPerson({ firstname: 'A', lastModifiedAt: at(1) })
    world.flow.put({ ...created, firstname: 'B', lastModifiedAt: at(2) })
    world.publisher.fail(new SyncError('fenced', 'the partition was lost'))

    await expect(world.fromFlow('1000', created)).rejects.toThrow('the partition was lost')
    expect(world.flow.customer('1000')?.externalId ?? null).toBeNull()
  })

  test('one that is created by somebody else meanwhile (409) is updated and linked', async () => {
    const world = createWorld()
    world.flow.put(aPerson({ firstname: 'A' }))
    world.omnium.before(({ operation }) => {
      if (operation === 'createCustomer') world.omnium.put('B2C', { customerId: '1000', firstName: 'B', tags: ['web'] })
    })

    const outcome = await world.fromFlow('1000')

    expect(outcome).toMatchObject({ kind: 'done', effect: { operation: 'updated' } })
    expect(world.omnium.customer('B2C', '1000')).toMatchObject({ firstName: 'A', tags: ['web'] })
    expect(world.flow.customer('1000')).toMatchObject({ externalId: '1000' })
  })

  test('a linked customer that Omnium lost is created anew', async () => {
    const world = createWorld()
    world.flow.put(aCompany({ externalId: '2000', companyName: 'A' }))

    expect(await world.fromFlow('2000')).toMatchObject({ kind: 'done', effect: { operation: 'created' } })
  })

  test('one that disappears between the read and the write is created', async () => {
    const world = createWorld()
    world.flow.put(aCompany({ externalId: '2000', companyName: 'A' }))
    world.omnium.put('B2B', { customerId: '2000' })
    world.omnium.before(({ operation }) => {
      if (operation === 'patchCustomer') world.omnium.erase('B2B', '2000')
    })

    expect(await world.fromFlow('2000')).toMatchObject({ kind: 'done', effect: { operation: 'created' } })
  })

  test('reads and writes that keep disagreeing are tried again later', async () => {
    const world = createWorld()
    world.flow.put(aPerson())
    world.omnium.before(({ operation }) => {
      if (operation === 'createCustomer') world.omnium.put('B2C', { customerId: '1000' })
      else world.omnium.erase('B2C', '1000')
    })

    expect(await world.fromFlow('1000')).toMatchObject({ kind: 'retry', reason: 'read-behind' })
  })
})

describe('a reply that was lost after the write', () => {
  const lost = new SyncError('target-timeout', 'creating customer in omnium: timed out', {
    target: 'omnium',
    unknownEnd: true,
  })

  test('of the create: the next attempt finds it unchanged and links it', async () => {
    const world = createWorld()
    world.flow.put(aCompany({ companyName: 'A' }))
    world.omnium.fail({ when: ({ operation }) => operation === 'createCustomer', at: 'after', error: lost })

    const first = await world.fromFlow('2000')
    const second = await world.fromFlow('2000')

    expect(first).toMatchObject({ kind: 'retry', verify: true })
    expect(second).toMatchObject({
      kind: 'done',
      effect: { operation: 'linked', target: 'flow', changed: ['externalId'] },
    })
    expect(world.omnium.writes()).toHaveLength(1)
    expect(world.publisher.values('company.parent-changes.v1')).toHaveLength(1)
  })

  test('of the link: the next attempt links again', async () => {
    const world = createWorld()
    world.flow.put(aPerson())
    const snapshot = world.flow.customer('1000')
    world.flow.fail({
      at: 'after',
      error: new SyncError('target-reset', 'updating customer in flow: reset', { unknownEnd: true }),
    })

    await world.fromFlow('1000', snapshot)
    const second = await world.fromFlow('1000', snapshot)
    world.forget()
    const third = await world.fromFlow('1000')

    expect(second).toMatchObject({ kind: 'done', effect: { operation: 'linked' } })
    expect(third).toMatchObject({ kind: 'skipped', reason: 'unchanged' })
    expect(world.writes()).toEqual([])
  })

  test('of the announcement: the next attempt announces', async () => {
    const world = createWorld()
    world.flow.put(aCompany())
    world.publisher.fail(new SyncError('kafka-unavailable', 'publishing: no broker'))

    const first = await world.fromFlow('2000')
    const second = await world.fromFlow('2000')

    expect(first).toMatchObject({ kind: 'retry', reason: 'kafka-unavailable' })
    expect(second).toMatchObject({ kind: 'done', effect: { operation: 'linked' } })
    expect(world.publisher.values('company.parent-changes.v1')).toHaveLength(1)
  })
})

describe('linking', () => {
  test('a customer that is gone from Flow by then is done', async () => {
    const world = createWorld()

    expect(await world.fromFlow('1000', aPerson())).toMatchObject({ kind: 'done', effect: { operation: 'created' } })
    expect(await world.fromFlow('1000', aPerson())).toMatchObject({ kind: 'skipped', reason: 'unchanged' })
  })

  test('a link that Flow refuses parks the record, the parent announced', async () => {
    const world = createWorld()
    world.flow.put(aCompany({ parentCustomer: { customerUid: '9' } }))
    world.flow.fail({ error: new SyncError('target-refused', 'updating customer in flow: 400', { status: 400 }) })

    expect(await world.fromFlow('2000')).toEqual(park('refused', 'updating customer in flow: 400'))
    expect(world.publisher.values('company.parent-changes.v1')).toMatchObject([{ parent: '9' }])
  })
})

describe('a new customer, without the role to read the other kind by id', () => {
  const given = (...refused: string[]) => {
    const world = createWorld()
    const error = new SyncError('role-missing', 'reading from omnium: a role is missing', { retryAfterMs: 10_000 })
    const when = ({ operation, kind }: { operation: string; kind?: string }) =>
      kind === 'B2B' && refused.includes(operation)
    world.omnium.fail({ when, error, times: 9 })
    world.flow.put(aPerson({ customerUid: '7' }))
    return world
  }

  test('is created when Search does not find the id as the other kind', async () => {
    const world = given('getCustomer')

    expect(await world.fromFlow('7')).toMatchObject({ kind: 'done', effect: { operation: 'created' } })
  })

  test('is parked as a conflict when Search finds the id as the other kind', async () => {
    const world = given('getCustomer')
    world.omnium.put('B2B', { customerId: '7' })

    expect(await world.fromFlow('7')).toMatchObject({ kind: 'park', reason: 'customer-type-conflict' })
    expect(world.omnium.writes()).toEqual([])
  })

  test('waits for the role when Search is refused too', async () => {
    const world = given('getCustomer', 'searchCustomers')

    expect(await world.fromFlow('7')).toMatchObject({ kind: 'retry', reason: 'role-missing', afterMs: 10_000 })
    expect(world.omnium.writes()).toEqual([])
  })
})

describe('one id, two kinds', () => {
  test.each([
    ['B2B', aPerson({ customerUid: '7' })],
    ['B2C', aCompany({ customerUid: '7' })],
  ] as const)('a %s in Omnium under the id parks', async (other, customer) => {
    const world = createWorld()
    world.flow.put(customer)
    world.omnium.put(other, { customerId: '7' })

    expect(await world.fromFlow('7')).toMatchObject({ kind: 'park', reason: 'customer-type-conflict' })
    expect(world.writes()).toEqual([])
    expect(world.publisher.published).toEqual([])
  })

  test('the other kind is not looked for when the own one is there', async () => {
    const world = createWorld()
    world.flow.put(aPerson({ externalId: '1000' }))
    world.omnium.put('B2C', { customerId: '1000' })
    world.omnium.put('B2B', { customerId: '1000' })

    expect(await world.fromFlow('1000')).toMatchObject({ kind: 'skipped', reason: 'unchanged' })
    expect(world.omnium.journal).toHaveLength(1)
  })
})

test.each([
  ['another type', { customerType: 'ROBOT' }],
  ['no type', { customerType: undefined }],
  ['a uid of the wrong shape', { customerUid: ['A 1'] }],
])('a snapshot with %s is unmappable', async (_what, fields) => {
  const world = createWorld()
  const value = aFlowSnapshot(aPerson(), { customer: { ...aPerson(), ...fields } })

  const [outcome] = await world.handle(aDelivery('flow.customers.v1', value))

  expect(outcome).toMatchObject({ kind: 'park', reason: 'unmappable' })
  expect(JSON.stringify(outcome)).not.toContain('A 1')
})

test('an older snapshot in its place is stale: nothing written, nothing linked', async () => {
  const world = createWorld()
  world.flow.put(aPerson({ firstname: 'New', lastModifiedAt: at(3) }))
  await world.fromFlow('1000')
  world.forget()

  expect(await world.fromFlow('1000', aPerson({ firstname: 'Old', lastModifiedAt: at(2) }))).toEqual(
    skipped('stale', at(2)),
  )
  expect(world.writes()).toEqual([])
})
