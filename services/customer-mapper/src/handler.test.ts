import { SyncError } from '@sync/shared/errors'
import { skipped } from '@sync/shared/outcome'
import { aContext, aPerson } from '@sync/shared/testing/builders'
import { expect, test } from 'vitest'
import { createWorld } from './testing/world.ts'

test('the records of one key are handled one after another, one outcome each', async () => {
  const world = createWorld()
  world.flow.put(aPerson({ firstname: 'A' }))

  const outcomes = await world.handle(
    world.flowRecord(world.flow.customer('1000') as never),
    world.orderRecord({ customerId: '1000', customerType: 'B2C' }),
  )

  expect(outcomes).toMatchObject([{ kind: 'done' }, { kind: 'skipped', reason: 'exists' }])
})

test("one record's failure is its own", async () => {
  const world = createWorld()
  world.flow.put(aPerson())
  world.omnium.fail({ error: new SyncError('target-refused', 'reading customer in omnium: 400', { status: 400 }) })

  const outcomes = await world.handle(
    world.flowRecord(aPerson()),
    world.orderRecord({ customerId: '1000', customerType: 'B2C' }),
  )

  expect(outcomes).toMatchObject([{ kind: 'park', reason: 'refused' }, skipped('exists')])
})

test('a partition that was lost leaves everything un-ended and sends nothing', async () => {
  const world = createWorld()
  const fence = () => {
    throw new SyncError('fenced', 'sending: the partition is not ours')
  }

  await expect(
    world.mapper.handle([world.flowRecord(aPerson())], aContext({ tenant: world.tenant, fence })),
  ).rejects.toThrow('not ours')
  expect([...world.flow.journal, ...world.omnium.journal]).toEqual([])
})

test('a write that may be executed late is told of also when the partition is lost at the next record', async () => {
  const world = createWorld()
  world.omnium.fail({
    when: ({ operation }) => operation === 'createCustomer',
    error: new SyncError('target-timeout', 'creating customer in omnium', { unknownEnd: true }),
  })
  const fence = () => {
    if (world.omnium.journal.length >= 3) throw new SyncError('fenced', 'sending: the partition is not ours')
  }

  const handled = world.mapper.handle(
    [world.flowRecord(aPerson()), world.orderRecord({ customerId: '1000', customerType: 'B2C' })],
    aContext({ tenant: world.tenant, fence }),
  )

  await expect(handled).rejects.toMatchObject({ code: 'fenced', unknownEnd: true })
})

test('the fence is asked before the announcement too', async () => {
  const world = createWorld()
  const company = { ...aPerson(), customerType: 'COMPANY', externalId: '1000' }
  let asked = 0
  const fence = () => {
    asked++
    if (asked > 3) throw new SyncError('fenced', 'sending: the partition is not ours')
  }

  const handled = world.mapper.handle([world.flowRecord(company)], aContext({ tenant: world.tenant, fence }))

  await expect(handled).rejects.toThrow('not ours')
  expect(world.omnium.writes()).toHaveLength(1)
  expect(world.publisher.published).toEqual([])
})

test('what it reads', () => {
  const { mapper } = createWorld()

  expect(mapper).toMatchObject({
    service: 'customer-mapper',
    topics: ['flow.customers.v1', 'omnium.orders.v1', 'omnium.customers.v1'],
  })
})

test('a conflict with an own write that may still be executed is neither a refusal nor an attempt', async () => {
  const world = createWorld()
  world.flow.put(aPerson())
  const isWrite = ({ body }: { readonly body?: unknown }) => body !== undefined
  const unanswered = new SyncError('target-timeout', 'creating a customer in omnium: no answer', { unknownEnd: true })
  const conflict = new SyncError('version-conflict', 'updating a customer in omnium: 409 Conflict', { status: 409 })
  world.omnium.fail({ error: unanswered, when: isWrite })
  world.omnium.fail({ error: conflict, when: isWrite, times: 4 })
  const handled = async () => (await world.handle(world.flowRecord(aPerson())))[0]

  expect(await handled()).toMatchObject({ kind: 'retry', verify: true })
  for (let i = 0; i < 4; i++) {
    world.pass(1_000)
    expect(await handled()).toMatchObject({ kind: 'retry', reason: 'brownout' })
  }
  world.pass(1_000)
  expect(await handled()).toMatchObject({ kind: 'done' })
})

test('a create that is answered 409 is not refused while an own create may still be executed', async () => {
  const world = createWorld({}, { omnium: { isTaken: () => true } })
  world.flow.put(aPerson())
  const unanswered = new SyncError('target-timeout', 'creating a customer in omnium: no answer', { unknownEnd: true })
  world.omnium.fail({ error: unanswered, when: ({ body }) => body !== undefined })
  let passedMs = 0
  let end = (await world.handle(world.flowRecord(aPerson())))[0]!
  for (let turns = 0; turns < 20 && end.kind === 'retry'; turns++) {
    const waitMs = end.afterMs ?? 300
    passedMs += waitMs
    world.pass(waitMs)
    end = (await world.handle(world.flowRecord(aPerson())))[0]!
  }

  expect(end).toMatchObject({ kind: 'park', reason: 'refused' })
  expect(passedMs).toBeGreaterThanOrEqual(16_000)
})
